// Words and tags.
#include "../../datasets/text/labelled.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  try {
    const auto sentences = parse_conll({reinterpret_cast<const char*>(data), size}, "input");
    for (const auto& s : sentences)
      if (s.words.empty() || s.words.size() != s.tags.size()) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
