#include "timing.h"

#include <algorithm>
#include <cmath>
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

template <class T>
std::vector<char> bytes_of(const DeviceArray& a, std::int64_t count) {
  std::vector<char> out(static_cast<std::size_t>(count) * sizeof(T));
  for (std::int64_t i = 0; i < count; i++) {
    const T v = static_cast<T>(static_cast<float>(a.at(i)));
    std::memcpy(out.data() + i * sizeof(T), &v, sizeof(T));
  }
  return out;
}

}  // namespace

double DeviceArray::at(std::int64_t i) const {
  if (values_ == Values::successors) return static_cast<double>((i + 1) % size());
  float v = drawn_[i % kPeriod];
  if (values_ == Values::magnitudes) v = std::fabs(v);
  return array_.dtype == Dtype::bf16 ? static_cast<float>(bf16(v)) : v;
}

DeviceArray::DeviceArray(std::vector<std::int64_t> shape, Dtype dtype, std::uint64_t seed,
                         Values values)
    : values_(values), drawn_(normals(seed)) {
  array_ = row_major(nullptr, dtype, {DeviceType::cuda, 0}, shape);
  const std::int64_t first = values == Values::successors ? size() : std::min(size(), kPeriod);
  const std::vector<char> host = dtype == Dtype::bf16  ? bytes_of<bf16>(*this, first)
                                 : dtype == Dtype::i64 ? bytes_of<std::int64_t>(*this, first)
                                                       : bytes_of<float>(*this, first);
  check(cudaMalloc(&array_.data, std::max<std::size_t>(bytes(), 16)), "cudaMalloc");
  char* const to = static_cast<char*>(array_.data);
  check(cudaMemcpy(to, host.data(), host.size(), cudaMemcpyHostToDevice), "cudaMemcpy");
  for (std::size_t done = host.size(); done < bytes();) {  // whole periods, twice as many each time
    const std::size_t more = std::min(done, bytes() - done);
    check(cudaMemcpyAsync(to + done, to, more, cudaMemcpyDeviceToDevice), "cudaMemcpy");
    done += more;
  }
}

DeviceArray::~DeviceArray() { cudaFree(array_.data); }

void DeviceArray::poison() { check(cudaMemset(array_.data, 0xff, bytes()), "cudaMemset"); }

std::vector<double> DeviceArray::fetch() const {
  std::vector<char> host(bytes());
  check(cudaMemcpy(host.data(), array_.data, bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
  std::vector<double> out(static_cast<std::size_t>(size()));
  for (std::int64_t i = 0; i < size(); i++)
    out[i] = array_.dtype == Dtype::bf16
                 ? static_cast<float>(reinterpret_cast<const bf16*>(host.data())[i])
                 : reinterpret_cast<const float*>(host.data())[i];
  return out;
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
  for (int s = 0; s < samples; s++)
    for (std::size_t i = 0; i < contenders.size(); i++)
      if (contenders[i].launch) seconds[i].push_back(sample(contenders[i], launches[i]));
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::vector<Timing> out;
  for (std::size_t i = 0; i < contenders.size(); i++) {
    std::vector<double>& s = seconds[i];
    if (s.empty()) continue;
    std::sort(s.begin(), s.end());
    const double median = s[s.size() / 2];
    out.push_back({contenders[i].name, median, (s[s.size() * 3 / 4] - s[s.size() / 4]) / median,
                   contenders[i].error});
  }
  return out;
}

}  // namespace lacuna::bench
