// A tokenizer by name.
#include <algorithm>

#include "../../core/files.h"
#include "../../core/suggest.h"
#include "bpe.h"
#include "wordpiece.h"

namespace lacuna {
namespace {

constexpr const char* kOpenTokenizerOp = "tokenizer";
constexpr const char* kUsage = "wordpiece:vocab.txt[?case=keep], bpe:DIR, hf:tokenizer.json";

}  // namespace

std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& spec) {
  const std::size_t colon = spec.find(':');
  const std::string scheme = spec.substr(0, colon);
  LACUNA_CHECK(scheme != "char", kOpenTokenizerOp, "must be one of ", kUsage, ": got \"", spec,
               "\", whose characters are those of a text: make it with `lacuna tokenizer train "
               "char` and name the "
               "file, hf:FILE");
  LACUNA_CHECK(scheme == "wordpiece" || scheme == "bpe" || scheme == "hf", kOpenTokenizerOp,
               "must be one of ", kUsage, ": got \"", spec, '"',
               suggestion(scheme, {"wordpiece", "bpe", "hf", "char"}));
  std::string place = colon == std::string::npos ? "" : spec.substr(colon + 1), option;
  if (const std::size_t question = place.rfind('?'); question != std::string::npos) {
    option = place.substr(question + 1);
    place.resize(question);
    LACUNA_CHECK(scheme == "wordpiece" && (option == "case=keep" || option == "case=lower"),
                 kOpenTokenizerOp,
                 scheme == "wordpiece" ? "the option of wordpiece is case=keep or case=lower"
                                       : scheme + " has no options",
                 ": got \"", option, "\" in \"", spec, '"');
  }
  LACUNA_CHECK(!place.empty(), kOpenTokenizerOp, "must be one of ", kUsage, ": got \"", spec, '"');
  if (scheme == "wordpiece") return text::open_wordpiece(place, option == "case=keep");
  if (scheme == "bpe") return text::open_bpe(place);
  return tokenizer_from_json(read_file(place), place);
}

}  // namespace lacuna
