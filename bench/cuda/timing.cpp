#include "timing.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <stdexcept>

#include "../../kernels/random.h"
#include "../../kernels/row_major.h"

namespace lacuna::bench {

void check(cudaError_t error, const char* what) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

namespace {

// The normal values of a seed, drawn once: a second for all of a run.
constexpr std::int64_t kPeriod = (1 << 20) - 3;  // prime
const std::vector<float>& normals(std::uint64_t seed) {
  static std::map<std::uint64_t, std::vector<float>> drawn;
  std::vector<float>& v = drawn[seed];
  if (!v.empty()) return v;
  const RandomKey key = RandomKey::of(seed, stream_of("bench"));
  v.resize(kPeriod);
  for (std::int64_t i = 0; i < kPeriod; i++)
    v[i] = normal_of(draw_word(key, static_cast<std::uint64_t>(i), 0));
  return v;
}

// Not out of the backend's pool: what a case had is to be free for the next.
void* allocate(Device device, std::size_t bytes) {
  void* data = nullptr;
  bytes = (std::max<std::size_t>(bytes, 16) + 63) / 64 * 64;
  if (device.type == DeviceType::cuda)
    check(cudaMalloc(&data, bytes), "cudaMalloc");
  else
    data = std::aligned_alloc(64, bytes);
  return data;
}
// Between host and device either way, and within the device.
void move(Device device, void* to, const void* from, std::size_t bytes) {
  if (device.type == DeviceType::cuda)
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
  else
    std::memcpy(to, from, bytes);
}

// f(a value of the type)
template <class F>
auto with_type(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::bf16:
      return f(bf16{});
    case Dtype::i64:
      return f(std::int64_t{});
    case Dtype::u8:
      return f(std::uint8_t{});
    case Dtype::i32:
      return f(std::int32_t{});
    case Dtype::f64:
      return f(double{});
    default:
      return f(float{});
  }
}

}  // namespace

double DeviceArray::at(std::int64_t i) const {
  if (values_ == Values::successors) return static_cast<double>((i + 1) % size());
  if (values_ == Values::partners) return static_cast<double>((i + size() / 2) % size());
  if (values_ == Values::lengths) return static_cast<double>(length_at(i, size(), limit_));
  if (values_ == Values::below)
    return below(draw_word(RandomKey::of(seed_, stream_of("below")),
                           static_cast<std::uint64_t>(i % kPeriod), 0),
                 static_cast<std::uint32_t>(limit_));
  float v = drawn_[i % kPeriod];
  if (values_ == Values::magnitudes) v = std::fabs(v);
  return array_.dtype == Dtype::bf16 ? static_cast<float>(bf16(v)) : v;
}

DeviceArray::DeviceArray(std::vector<std::int64_t> shape, Dtype dtype, std::uint64_t seed,
                         Values values, std::int64_t limit, Device device)
    : seed_(seed), values_(values), limit_(limit), drawn_(normals(seed)) {
  array_ = row_major(nullptr, dtype, device, shape);
  const bool counted = values >= Values::successors && values <= Values::lengths;
  const std::int64_t first = counted ? size() : std::min(size(), kPeriod);
  std::vector<char> host(static_cast<std::size_t>(first) * size_of(dtype));
  with_type(dtype, [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t i = 0; i < first; i++) {
      T v;
      if constexpr (std::is_same_v<T, bf16>)
        v = bf16(static_cast<float>(at(i)));
      else
        v = static_cast<T>(at(i));
      std::memcpy(host.data() + i * sizeof(T), &v, sizeof(T));
    }
  });
  array_.data = allocate(device, bytes());
  char* const to = static_cast<char*>(array_.data);
  move(device, to, host.data(), host.size());
  for (std::size_t done = host.size(); done < bytes();) {  // whole periods, twice as many each time
    const std::size_t more = std::min(done, bytes() - done);
    move(device, to + done, to, more);
    done += more;
  }
}

DeviceArray::~DeviceArray() {
  array_.device.type == DeviceType::cuda ? void(cudaFree(array_.data)) : std::free(array_.data);
}

void DeviceArray::poison() {
  if (array_.device.type == DeviceType::cuda)
    check(cudaMemset(array_.data, 0xff, bytes()), "cudaMemset");
  else
    std::memset(array_.data, 0xff, bytes());
}

double DeviceArray::fetch(std::int64_t i) const { return fetch(i, 1)[0]; }

std::vector<double> DeviceArray::fetch(std::int64_t first, std::int64_t count) const {
  return with_type(array_.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::vector<T> host(static_cast<std::size_t>(count));
    move(array_.device, host.data(), static_cast<const char*>(array_.data) + first * sizeof(T),
         host.size() * sizeof(T));
    std::vector<double> values;
    for (const T v : host) {
      if constexpr (std::is_same_v<T, bf16>)
        values.push_back(static_cast<float>(v));
      else
        values.push_back(static_cast<double>(v));
    }
    return values;
  });
}

int sets_for(std::size_t bytes) {
  constexpr std::size_t kBeyondCache = 150 << 20;  // an H200 has 60 MB
  return static_cast<int>(
      std::clamp<std::size_t>(kBeyondCache / std::max<std::size_t>(bytes, 1) + 1, 1, 8));
}

std::vector<Timing> race(const std::vector<Contender>& contenders, int sets, int samples) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin), "cudaEventCreate");
  check(cudaEventCreate(&end), "cudaEventCreate");
  const auto sample = [&](const Contender& c, int launches) {
    check(cudaEventRecord(begin), "cudaEventRecord");
    for (int i = 0; i < launches; i++) c.launch(i % sets);
    check(cudaEventRecord(end), "cudaEventRecord");
    check(cudaEventSynchronize(end), c.name.c_str());
    float ms = 0;
    check(cudaEventElapsedTime(&ms, begin, end), "cudaEventElapsedTime");
    return ms / 1e3 / launches;
  };
  std::vector<int> launches;
  for (const Contender& c : contenders) {
    if (c.launch) sample(c, 3);  // warms up: modules load, libraries make their handles
    const double once = c.launch ? sample(c, 3) : 1;
    launches.push_back(static_cast<int>(std::clamp(1e-3 / once, 1.0, 50.0)));
  }
  std::vector<std::vector<double>> seconds(contenders.size());
  std::vector<double> used(contenders.size());
  for (int s = 0; s < samples; s++)
    for (std::size_t i = 0; i < contenders.size(); i++) {
      if (!contenders[i].launch || (s >= 7 && used[i] > 3)) continue;
      seconds[i].push_back(sample(contenders[i], launches[i]));
      used[i] += seconds[i].back() * launches[i];
    }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::vector<Timing> out;
  for (std::size_t i = 0; i < contenders.size(); i++) {
    std::vector<double>& s = seconds[i];
    if (s.empty()) continue;
    std::sort(s.begin(), s.end());
    const double median = s[s.size() / 2];
    out.push_back({contenders[i].name, median, (s[s.size() * 3 / 4] - s[s.size() / 4]) / median,
                   static_cast<int>(s.size()), contenders[i].error});
  }
  return out;
}

}  // namespace lacuna::bench
