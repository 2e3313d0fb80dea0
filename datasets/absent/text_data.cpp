// Stands in for the text data of lacuna::text in a build without it.
#include "../text/sources.h"
#include "../text/summary.h"
#include "../text/token_file.h"

namespace lacuna {

[[noreturn]] static void absent() {
  fail("data", "text is not in this build, which was configured with LACUNA_TEXT=OFF");
}
Corpus open_corpus(const Spec&, bool, const TextOptions&) { absent(); }
std::unique_ptr<Source> open_text(const Spec&, bool, const TextOptions&) { absent(); }
TextSummary summarize_text(const Corpus&) { absent(); }
std::string to_text(const TextSummary&) { absent(); }
std::string to_json(const TextSummary&) { absent(); }
LabelledSummary summarize_labelled(const Source&) { absent(); }
std::string to_text(const LabelledSummary&) { absent(); }
std::string to_json(const LabelledSummary&) { absent(); }
void write_tokens(const std::string&, const Corpus&, TokenFormat) { absent(); }
std::shared_ptr<const Tokenizer> built_in_tokenizer(const Spec&) { absent(); }

}  // namespace lacuna
