#include "arrays.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "../../kernels/random.h"
#include "../../kernels/row_major.h"

namespace lacuna::lab {
namespace {

std::size_t bytes_of(const Array& a) {
  return static_cast<std::size_t>(a.size()) * size_of(a.dtype);
}

// f(a value of the array's element type)
template <class F>
void with_element(Dtype dtype, F&& f) {
  dispatch_all(dtype, [&](auto zero) {
    if constexpr (!std::is_same_v<decltype(zero), bool>) f(zero);
  });
}

template <class T>
double widened(T v) {
  if constexpr (std::is_same_v<T, bf16>)
    return static_cast<float>(v);
  else
    return static_cast<double>(v);
}

template <class T>
T narrowed(double v) {
  if constexpr (std::is_same_v<T, bf16>)
    return bf16(static_cast<float>(v));
  else
    return static_cast<T>(v);
}

// The normal values of an operand, drawn once: from a million on they repeat, with a period that is prime, so that no two rows
// are the same.
const std::vector<float>& normals(std::size_t operand, std::int64_t count) {
  constexpr std::int64_t kPeriod = (1 << 20) - 3;
  static std::map<std::size_t, std::vector<float>> drawn;
  std::vector<float>& v = drawn[operand];
  const RandomKey key = RandomKey::of(operand, stream_of("lab"));
  v.reserve(static_cast<std::size_t>(std::min(count, kPeriod)));
  for (auto e = static_cast<std::int64_t>(v.size()); e < std::min(count, kPeriod); e++)
    v.push_back(normal_of(draw_word(key, static_cast<std::uint64_t>(e), 0)));
  return v;
}

}  // namespace

Arrays::Arrays(Device device, const std::vector<Operand>& operands, std::size_t outputs)
    : memory_(find_backend(device.type)->memory), outputs_(outputs) {
  const bool on_cpu = device.type == DeviceType::cpu;
  for (std::size_t i = 0; i < operands.size(); i++) {
    const Operand& o = operands[i];
    const Dtype dtype = on_cpu && is_floating(o.dtype) ? Dtype::f64 : o.dtype;
    Array a = row_major(nullptr, dtype, device, o.shape);
    a.data = memory_.allocate(bytes_of(a), device.index);
    arrays_.push_back(a);
    if (i < outputs) continue;
    std::vector<char> host(bytes_of(a));
    const std::vector<float>* const drawn = o.integers.empty() ? &normals(i, a.size()) : nullptr;
    with_element(dtype, [&](auto zero) {
      using T = decltype(zero);
      T* const to = reinterpret_cast<T*>(host.data());
      std::size_t next = 0;
      for (std::int64_t e = 0; e < a.size(); e++) {
        if (!drawn) {
          to[e] = narrowed<T>(static_cast<double>(o.integers[e]));
          continue;
        }
        const float v = (*drawn)[next];
        to[e] = o.dtype == Dtype::bf16 ? narrowed<T>(widened(bf16(v))) : narrowed<T>(v);
        next = next + 1 == drawn->size() ? 0 : next + 1;
      }
    });
    memory_.copy(a.data, host.data(), host.size());
  }
}

Arrays::~Arrays() {
  for (const Array& a : arrays_) memory_.release(a.data, bytes_of(a), a.device.index);
}

void Arrays::poison() {
  for (std::size_t i = 0; i < outputs_; i++) {
    const std::vector<char> nan(bytes_of(arrays_[i]), '\xff');
    memory_.copy(arrays_[i].data, nan.data(), nan.size());
  }
}

std::vector<double> Arrays::values(std::size_t operand) const {
  const Array& a = arrays_[operand];
  std::vector<char> host(bytes_of(a));
  memory_.copy(host.data(), a.data, host.size());
  std::vector<double> out(static_cast<std::size_t>(a.size()));
  with_element(a.dtype, [&](auto zero) {
    const auto* const from = reinterpret_cast<const decltype(zero)*>(host.data());
    for (std::size_t e = 0; e < out.size(); e++) out[e] = widened(from[e]);
  });
  return out;
}

double difference(const Arrays& got, const Arrays& want, const std::vector<Operand>& operands,
                  std::size_t outputs) {
  double worst = 0;
  for (std::size_t i = 0; i < outputs; i++) {
    const std::vector<double> g = got.values(i), w = want.values(i);
    const double unit = operands[i].dtype == Dtype::bf16 ? 0x1p-8 : 0;  // half of the last digit
    double scale = 0, farthest = 0;
    for (const double v : w) scale = std::max(scale, std::abs(v));
    for (std::size_t e = 0; e < w.size(); e++) {
      if (!std::isfinite(g[e]) || !std::isfinite(w[e]))
        return std::numeric_limits<double>::infinity();
      farthest = std::max(farthest, std::abs(g[e] - w[e]) - unit * std::abs(w[e]));
    }
    worst = std::max(worst, farthest / (scale > 0 ? scale : 1));
  }
  return worst;
}

}  // namespace lacuna::lab
