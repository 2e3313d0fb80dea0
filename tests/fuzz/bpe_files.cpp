// An encoder.json, a zero byte and a vocab.bpe. The 256 bytes are added to the object, which a fuzzer would not find.
#include "../../datasets/text/bpe.h"
#include "support/tokenize.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace lacuna;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = all.find('\0');
  std::string encoder(all.substr(0, zero));
  const std::string_view merges = zero == std::string_view::npos ? "" : all.substr(zero + 1);
  if (encoder.size() > 1 && encoder[0] == '{') {
    std::string bytes;
    for (int b = 0; b < 256; b++) {
      const auto byte = static_cast<char>(b);
      const std::string spelling = text::spell_bytes({&byte, 1});
      bytes += "\"" + (spelling == "\"" || spelling == "\\" ? "\\" + spelling : spelling) +
               "\": " + std::to_string(b) + (encoder[1] == '}' && b == 255 ? "" : ",");
    }
    encoder.insert(1, bytes);
  }
  try {
    const auto bpe = text::parse_bpe(encoder, merges, "fuzz");
    fuzz::tokenize(*bpe, merges);
    fuzz::require(bpe->decode(bpe->ids(merges)) == merges);
  } catch (const Error&) {
  }
  return 0;
}
