// The first byte says what the rest is: 0 a batch file, 1 a tar archive, else a .tar.gz (whose checksums a fuzzer
// seldom gets right, hence the other two).
#include "../../datasets/images/cifar10.h"

#include <cstring>

namespace {

using namespace lacuna;

class Memory : public ByteStream {
 public:
  explicit Memory(ByteSpan bytes) : rest_(bytes) {}
  void read(std::uint8_t* to, std::size_t count) override {
    LACUNA_CHECK(count <= rest_.size(), "fuzz", "ends too early");
    if (count > 0) std::memcpy(to, rest_.data(), count);
    rest_ = rest_.subspan(count);
  }

 private:
  ByteSpan rest_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteSpan rest(data + 1, size - 1);
  try {
    if (data[0] == 0) {
      Memory memory(rest);
      const Cifar10Batch batch = read_cifar10_batch(memory, rest.size(), "input");
      for (std::uint8_t label : batch.labels)
        if (label > 9) __builtin_trap();
      if (batch.size() != static_cast<std::int64_t>(rest.size() / 3073)) __builtin_trap();
    } else if (data[0] == 1) {
      Memory memory(rest);
      read_cifar10_tar(memory, "input", true);
    } else {
      Gunzip unpacked("fuzz", "input", rest);
      read_cifar10_tar(unpacked, "input", false);
    }
  } catch (const Error&) {
  }
  return 0;
}
