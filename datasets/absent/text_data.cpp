// Stands in for the text data of lacuna::text in a build without it.
#include "../text/sources.h"

namespace lacuna {

[[noreturn]] static void absent() {
  fail("data", "text is not in this build, which was configured with LACUNA_TEXT=OFF");
}
Corpus open_corpus(const Spec&, bool, const TextOptions&) { absent(); }
std::unique_ptr<Source> open_text(const Spec&, bool, const TextOptions&) { absent(); }
std::shared_ptr<const Tokenizer> built_in_tokenizer(const Spec&) { absent(); }

}  // namespace lacuna
