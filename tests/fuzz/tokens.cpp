// A file of tokens, nanoGPT's or llm.c's.
#include "../../datasets/text/token_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  try {
    // Mapped files begin at a page: alignment is not what is tested here.
    std::vector<std::uint32_t> aligned((size + 3) / 4);
    if (size > 0) std::copy(data, data + size, reinterpret_cast<std::uint8_t*>(aligned.data()));
    const TokenSpan tokens =
        parse_tokens({reinterpret_cast<const char*>(aligned.data()), size}, "input");
    if (tokens.size() < 0 || static_cast<std::size_t>(tokens.size()) > size / 2) __builtin_trap();
    std::vector<std::int64_t> ids(static_cast<std::size_t>(tokens.size()));
    tokens.copy(0, tokens.size(), ids.data());
    for (std::size_t i = 0; i < ids.size(); i++)
      if (ids[i] != tokens[static_cast<std::int64_t>(i)]) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
