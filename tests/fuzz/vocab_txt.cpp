// The first byte says whether case is kept, the rest is a vocab.txt: a tokenizer or an Error; what it makes of the vocabulary
// itself, read as text, is in it.
#include "support/tokenize.h"

#include "../../datasets/text/wordpiece.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  try {
    lacuna::fuzz::tokenize(*lacuna::text::parse_vocab_txt(text, "fuzz", data[0] % 2), text);
  } catch (const lacuna::Error&) {
  }
  return 0;
}
