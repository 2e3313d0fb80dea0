#pragma once
// Device arrays and fair timing: contenders take turns in one run, each sample walks over several sets of arrays that
// together exceed the second-level cache, medians are compared.
#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../../kernels/array.h"

namespace lacuna::bench {

void check(cudaError_t error, const char* what);

/// What an array starts with (never zeros, on which a GPU runs faster). i64: successors, element i is i + 1, the last one 0;
/// partners, element i is i + n / 2, the first half those of the second; lengths, from `limit` down to half of it. below: i64 or u8,
/// evenly in [0, limit).
enum class Values : std::uint8_t { normal, magnitudes, successors, partners, lengths, below };
/// Element i of n lengths.
inline std::int64_t length_at(std::int64_t i, std::int64_t n, std::int64_t limit) {
  return limit - i * limit / (2 * n);
}

/// An array on a GPU or an emulated one. Random values repeat with a period that is prime, so that no two rows are the same: to draw
/// billions of them on the host would take minutes.
class DeviceArray {
 public:
  DeviceArray(std::vector<std::int64_t> shape, Dtype dtype, std::uint64_t seed,
              Values values = Values::normal, std::int64_t limit = 0,
              Device device = {DeviceType::cuda, 0});
  ~DeviceArray();
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  Array array() const { return array_; }
  void* data() const { return array_.data; }
  std::int64_t size() const { return array_.size(); }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * size_of(array_.dtype); }
  /// The value that element i started with, as the device has it.
  double at(std::int64_t i) const;
  /// Every byte 0xff: NaN, so that an element that nobody writes shows.
  void poison();
  /// Element i, as it is now; and `count` of them from there on.
  double fetch(std::int64_t i) const;
  std::vector<double> fetch(std::int64_t first, std::int64_t count) const;

 private:
  Array array_;
  std::uint64_t seed_;
  Values values_;
  std::int64_t limit_;
  const std::vector<float>& drawn_;
};

/// Who takes part: what it is called, and one launch on array set `set`. Null where a baseline is not to be had.
struct Contender {
  std::string name;
  std::function<void(int set)> launch;
  double error = -1;  // against f64, max |difference| over max |value|; -1: not looked at
};

struct Timing {
  std::string name;
  double seconds = 0, spread = 0;  // median; (third - first quartile) / median
  int samples = 0;
  double error = -1;
};

/// Times everyone in turns: `samples` rounds; a sample is as many launches as take about a millisecond. Who has used up three
/// seconds after seven rounds or more rests from then on.
std::vector<Timing> race(const std::vector<Contender>& contenders, int sets, int samples = 51);

/// Sets of `bytes` that exceed the cache together, at most 8.
int sets_for(std::size_t bytes);

}  // namespace lacuna::bench
