// The first byte says whether columns are named, the rest is a file of labelled rows.
#include "../../datasets/text/labelled.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  if (size == 0) return 0;
  const TsvColumns columns = data[0] % 2 ? TsvColumns{"a", "b", "c"} : TsvColumns{};
  try {
    const auto rows =
        parse_tsv({reinterpret_cast<const char*>(data) + 1, size - 1}, "input", columns);
    if (rows.empty()) __builtin_trap();
    for (const auto& row : rows)
      if (row.label.empty() || row.text.find('\t') != std::string::npos) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
