// Any bytes: where sentences begin rises, lies in the text, and is no white space.
#include "../../datasets/text/sentences.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto ends : {SentenceEnds::rules, SentenceEnds::lines}) {
    std::int64_t before = -1;
    for (std::int64_t start : sentence_starts(text, ends)) {
      if (start <= before || start >= static_cast<std::int64_t>(size) || text[start] == ' ' ||
          text[start] == '\n')
        __builtin_trap();
      before = start;
    }
  }
  return 0;
}
