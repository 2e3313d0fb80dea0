#pragma once
// CIFAR-10's files as bytes, for open_cifar10() and for the fuzzer.
#include <memory>
#include <string>
#include <vector>

#include "bytes.h"

namespace lacuna {

struct Cifar10Batch {
  std::unique_ptr<std::uint8_t[]> images;  // (n, 32, 32, 3)
  std::vector<std::uint8_t> labels;        // (n), 0 to 9
  std::int64_t size() const { return static_cast<std::int64_t>(labels.size()); }
};

/// One .bin file of `size` bytes; `name` is for errors.
Cifar10Batch read_cifar10_batch(ByteStream& bytes, std::uint64_t size, const std::string& name);

/// The batches of a split in an unpacked archive, in order of their numbers.
std::vector<Cifar10Batch> read_cifar10_tar(ByteStream& tar, const std::string& name, bool train);

}  // namespace lacuna
