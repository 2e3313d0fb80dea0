// Any bytes at all, read as a tokenizer.json: a tokenizer or an Error. One that is made is the same again after saving, and
// encodes its own file.
#include "support/tokenize.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lacuna;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  std::shared_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = tokenizer_from_json(json, "fuzz");
  } catch (const Error&) {
    return 0;
  }
  const std::string saved = tokenizer->to_json();
  fuzz::require(tokenizer_from_json(saved, "saved")->to_json() == saved);
  fuzz::tokenize(*tokenizer, json);
  return 0;
}
