// POSIX.1-1988 ustar, and what v7 and GNU tar wrote: 512-byte blocks, numbers in octal text.
#include <algorithm>
#include <cstring>

#include "bytes.h"

namespace lacuna {
namespace {

constexpr std::size_t kBlock = 512;

// Leading spaces, octal digits, then a space or zero; false where it is anything else.
bool parse_octal(ByteSpan field, std::uint64_t& value) {
  std::size_t i = 0;
  while (i < field.size() && field[i] == ' ') i++;
  const std::size_t first = i;
  value = 0;
  for (; i < field.size() && field[i] >= '0' && field[i] <= '7'; i++) {
    value = value * 8 + (field[i] - '0');
  }
  const bool digits = i > first;
  for (; i < field.size(); i++)
    if (field[i] != ' ' && field[i] != 0) return false;
  return digits;
}

std::string parse_text(ByteSpan field) {
  std::size_t n = 0;
  while (n < field.size() && field[n] != 0) n++;
  return {reinterpret_cast<const char*>(field.data()), n};
}

// What an entry may read: `left` bytes and no more.
class Part : public ByteStream {
 public:
  Part(const char* op, const std::string& name, ByteStream& tar, std::uint64_t left)
      : op_(op), name_(name), tar_(tar), left_(left) {}
  void read(std::uint8_t* to, std::size_t count) override {
    LACUNA_CHECK(count <= left_, op_, "an entry of the archive ends too early in ", name_);
    tar_.read(to, count);
    left_ -= count;
  }
  std::uint64_t left() const { return left_; }

 private:
  const char* op_;
  const std::string& name_;
  ByteStream& tar_;
  std::uint64_t left_;
};

}  // namespace

void read_tar(
    const char* op, const std::string& name, ByteStream& tar,
    const std::function<void(const std::string& path, std::uint64_t size, ByteStream&)>& entry) {
  std::uint8_t block[kBlock];
  const ByteSpan header(block, kBlock);
  for (std::int64_t number = 0;; number++) {
    tar.read(block, kBlock);
    if (std::all_of(block, block + kBlock, [](std::uint8_t b) { return b == 0; })) return;
    std::uint64_t expected = 0, sum = 0, size = 0;
    for (std::size_t i = 0; i < kBlock; i++) sum += i >= 148 && i < 156 ? ' ' : block[i];
    LACUNA_CHECK(parse_octal(header.subspan(148, 8), expected) && sum == expected, op,
                 "a tar header must match its checksum: entry ", number, " does not in ", name);
    LACUNA_CHECK(parse_octal(header.subspan(124, 12), size), op,
                 "a tar entry must give its size in octal: entry ", number, " does not in ", name);
    const char type = static_cast<char>(block[156]);
    Part part(op, name, tar, size);
    if (type == '0' || type == 0) {
      std::string path = parse_text(header.first(100));
      const bool ustar = std::memcmp(block + 257, "ustar", 6) == 0;  // GNU's has a space there
      const std::string prefix = ustar ? parse_text(header.subspan(345, 155)) : "";
      entry(prefix.empty() ? path : prefix + "/" + path, size, part);
    }
    const std::uint64_t padding = (kBlock - size % kBlock) % kBlock;
    for (std::uint64_t left = part.left() + padding; left > 0;) {
      const auto step = static_cast<std::size_t>(left < kBlock ? left : kBlock);
      tar.read(block, step);
      left -= step;
    }
  }
}

}  // namespace lacuna
