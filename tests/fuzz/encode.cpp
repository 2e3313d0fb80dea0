// Any bytes at all as text, for tokenizers of every kind that were trained on a few words.
#include "support/tokenize.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lacuna;
  static const std::vector<std::shared_ptr<const Tokenizer>> tokenizers = [] {
    const NamedText texts[] = {
        {"words",
         "the cat sat on the mat; that's the cat\u00e9 \u4e2d\u6587 1234 !!! \u0301\u0323 "
         "the cat sat   on\n\n the mat, aaaa aaaa"}};
    TrainOptions plain{.vocabulary = 290}, cased = plain;
    cased.keep_case = true;
    return std::vector{train_tokenizer("wordpiece", texts, plain),
                       train_tokenizer("wordpiece", texts, cased),
                       train_tokenizer("bpe", texts, plain), train_tokenizer("char", texts, plain)};
  }();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& t : tokenizers) {
    try {
      fuzz::tokenize(*t, text);
    } catch (const Error&) {  // not UTF-8
    }
  }
  try {
    fuzz::require(tokenizers[2]->decode(tokenizers[2]->ids(text)) == text);
  } catch (const Error&) {
  }
  return 0;
}
