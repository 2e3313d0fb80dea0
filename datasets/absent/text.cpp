// Stands in for lacuna::text in a build without it.
#include "../tokenizer.h"

namespace lacuna {

[[noreturn]] static void absent(const char* what) {
  fail("tokenizer", what, " are not in this build, which was configured with LACUNA_TEXT=OFF");
}
std::shared_ptr<const Tokenizer> open_tokenizer(const std::string&) { absent("tokenizers"); }
std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view, const std::string&) {
  absent("tokenizers");
}
std::shared_ptr<const Tokenizer> train_characters(std::string_view) { absent("tokenizers"); }
std::shared_ptr<const Tokenizer> train_tokenizer(const std::string&, std::span<const NamedText>,
                                                 const TrainOptions&) {
  absent("tokenizers");
}
std::shared_ptr<const Tokenizer> train_tokenizer_on_files(const std::string&,
                                                          const std::vector<std::string>&,
                                                          const TrainOptions&) {
  absent("tokenizers");
}

}  // namespace lacuna
