// LAMB and LARS over many tensors at once
//   math         kernels/optimizer_layerwise.h
//   shapes       contiguous f32
//   traffic      LAMB 40 bytes a parameter: p, g, m, v read, m, v written; p, m, v read, p written. LARS 28: p, g; p, g, m
//                read, p, m written
//   launch       three for each 48 tensors, whose table travels among the kernels' parameters: sums of squares of pieces of
//                4,096 elements (which moves LAMB's moments on), the rate of each tensor from them (a block a tensor), the
//                step, for which LAMB computes its direction from the new moments again rather than store it
//   numerics     steps in f32; sums of squares and rates in f64
//   determinism  yes: elements are independent; a tensor's sums are over pieces of fixed size, in a fixed order
//   checked by   tests/ops/optimizer_layerwise.cpp, tests/emu/optimizer.cpp
//   measured     not measured
#include "../optimizer_layerwise.h"

#include <cmath>
#include <device/launch.cuh>
#include <device/strided.cuh>
#include <device/sum.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kTensors = 48;
constexpr std::int64_t kPiece = 4096;  // elements of a block

struct Part {
  float *param, *first, *second;
  const float* grad;
  std::int64_t size;
  float decay, bias1, root_bias2;
  bool wide;  // vectors of 16 bytes are aligned
  bool adapt;
  std::int32_t begin;  // its first block
  double lr;
};

struct Table {
  Part parts[kTensors];
  int count = 0;
  std::int32_t blocks = 0;
  __device__ int last_block(int part) const {
    return part + 1 < count ? parts[part + 1].begin : blocks;
  }
};

struct Squares {
  double param, update;
};

// Elements in vectors of N; which arrays a pass reads and writes is known at compile time.
struct Access {
  bool param, grad, moments, writes_param, writes_moments;
};

template <Access kAccess, int N, class F>
__device__ __forceinline__ void each_element(const Part& t, std::int64_t begin, F f) {
  const std::int64_t end = begin + kPiece < t.size ? begin + kPiece : t.size;
  for (std::int64_t i = begin + std::int64_t{threadIdx.x} * N; i < end; i += kThreads * N) {
    const std::int64_t left = end - i;
    Vec<float, N> p = {}, g = {}, m = {}, v = {};
    if (kAccess.param) load_some(p, t.param + i, left);
    if (kAccess.grad) load_some(g, t.grad + i, left);
    if (kAccess.moments) load_some(m, t.first + i, left);
    if (kAccess.moments && t.second) load_some(v, t.second + i, left);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++)
      if (k < left) f(p.v[k], g.v[k], m.v[k], v.v[k]);
    if (kAccess.writes_param) store_some(t.param + i, left, p);
    if (kAccess.writes_moments) store_some(t.first + i, left, m);
    if (kAccess.writes_moments && t.second) store_some(t.second + i, left, v);
  }
}

struct Lamb {
  static constexpr const char* op = LambStep::op;
  float scale, rate1, beta2, rate2, eps;
  static constexpr Access kMeasure{true, true, true, false, true},
      kApply{true, false, true, true, false};
  // What is to be taken off p, and the moments.
  __device__ float measure(const Part& t, float p, float g, float& m, float& v) const {
    g *= scale;
    m += rate1 * (g - m);
    v = beta2 * v + rate2 * g * g;
    return direction(t, p, m, v);
  }
  __device__ void apply(const Part& t, float factor, float& p, float, float& m, float& v) const {
    p -= factor * direction(t, p, m, v);
  }
  __device__ float direction(const Part& t, float p, float m, float v) const {
    return m / t.bias1 / (sqrtf(v) / t.root_bias2 + eps) + t.decay * p;
  }
};

struct Lars {
  static constexpr const char* op = LarsStep::op;
  float scale, momentum;
  static constexpr Access kMeasure{true, true, false, false, false},
      kApply{true, true, true, true, true};
  __device__ float measure(const Part& t, float p, float g, float&, float&) const {
    return g * scale + t.decay * p;
  }
  __device__ void apply(const Part& t, float factor, float& p, float g, float& m, float&) const {
    m = momentum * m + factor * (g * scale + t.decay * p);
    p -= m;
  }
};

// The tensor of a block is the last that begins at or before it.
__device__ __forceinline__ int part_of(const Table& table, int block) {
  int low = 0, high = table.count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (table.parts[middle].begin <= block ? low : high) = middle;
  }
  return low;
}

template <class Rule>
__global__ void __launch_bounds__(kThreads)
    measure_kernel(Squares* squares, Table table, Rule rule) {
  const int block = static_cast<int>(blockIdx.x);
  const Part& t = table.parts[part_of(table, block)];
  double param = 0, update = 0;
  const auto add = [&](float& p, float g, float& m, float& v) {
    const float r = rule.measure(t, p, g, m, v);
    param += static_cast<double>(p) * static_cast<double>(p);
    update += static_cast<double>(r) * static_cast<double>(r);
  };
  const std::int64_t begin = (block - t.begin) * kPiece;
  if (t.wide)
    each_element<Rule::kMeasure, 4>(t, begin, add);
  else
    each_element<Rule::kMeasure, 1>(t, begin, add);
  param = group_sum<kThreads>(param);
  update = group_sum<kThreads>(update);
  if (threadIdx.x == 0) squares[block] = {param, update};
}

// A block a tensor: factors[i] = lr times its trust ratio.
__global__ void __launch_bounds__(kThreads)
    factor_kernel(float* factors, const Squares* squares, Table table, double coefficient) {
  const int part = static_cast<int>(blockIdx.x);
  const Part& t = table.parts[part];
  double param = 0, update = 0;
  for (int i = t.begin + static_cast<int>(threadIdx.x); i < table.last_block(part); i += kThreads) {
    param += squares[i].param;
    update += squares[i].update;
  }
  param = group_sum<kThreads>(param);
  update = group_sum<kThreads>(update);
  if (threadIdx.x == 0)
    factors[part] =
        static_cast<float>(t.lr * (t.adapt ? trust_ratio(coefficient, param, update) : 1));
}

template <class Rule>
__global__ void __launch_bounds__(kThreads)
    apply_kernel(Table table, Rule rule, const float* factors) {
  const int block = static_cast<int>(blockIdx.x), part = part_of(table, block);
  const Part& t = table.parts[part];
  const float factor = factors[part];
  const auto apply = [&](float& p, float g, float& m, float& v) {
    rule.apply(t, factor, p, g, m, v);
  };
  const std::int64_t begin = (block - t.begin) * kPiece;
  if (t.wide)
    each_element<Rule::kApply, 4>(t, begin, apply);
  else
    each_element<Rule::kApply, 1>(t, begin, apply);
}

bool aligned(const Array& a) { return reinterpret_cast<std::uintptr_t>(a.data) % 16 == 0; }

template <class Rule>
void step(const OptimizerTensor* tensors, std::int64_t count, double coefficient, const Rule& rule,
          Stream stream) {
  if (count == 0) return;
  const Device device = tensors[0].param.device;
  Table table;
  const auto flush = [&] {
    const Workspace<Squares> squares(device, table.blocks);
    const Workspace<float> factors(device, table.count);
    launch({.grid = table.blocks, .block = kThreads, .stream = stream}, measure_kernel<Rule>,
           squares.data(), table, rule);
    launch({.grid = table.count, .block = kThreads, .stream = stream}, factor_kernel,
           factors.data(), squares.data(), table, coefficient);
    launch({.grid = table.blocks, .block = kThreads, .stream = stream, .barriers = false},
           apply_kernel<Rule>, table, rule, factors.data());
    table.count = table.blocks = 0;
  };
  for (std::int64_t i = 0; i < count; i++) {
    const OptimizerTensor& t = tensors[i];
    const std::int64_t blocks = ceil_div(t.param.size(), kPiece);
    if (blocks == 0) continue;
    if (table.count == kTensors || table.blocks + blocks >= std::int64_t{1} << 31) flush();
    LACUNA_CHECK(blocks < std::int64_t{1} << 31, Rule::op, "a tensor has too many elements: got ",
                 describe("param", t.param));
    table.parts[table.count++] = {
        t.param.as<float>(),
        t.first.as<float>(),
        t.second.as<float>(),
        t.grad.as<float>(),
        t.param.size(),
        static_cast<float>(t.weight_decay),
        static_cast<float>(t.bias1),
        static_cast<float>(std::sqrt(t.bias2)),
        aligned(t.param) && aligned(t.grad) && aligned(t.first) && aligned(t.second),
        t.adapt,
        table.blocks,
        t.lr};
    table.blocks += static_cast<std::int32_t>(blocks);
  }
  if (table.count) flush();
}

}  // namespace

void lamb_step(const LambStep& a, Stream stream) {
  step(
      a.tensors, a.count, 1.0,
      Lamb{static_cast<float>(a.grad_scale), static_cast<float>(1 - a.beta1),
           static_cast<float>(a.beta2), static_cast<float>(1 - a.beta2), static_cast<float>(a.eps)},
      stream);
}

void lars_step(const LarsStep& a, Stream stream) {
  step(a.tensors, a.count, a.eta,
       Lars{static_cast<float>(a.grad_scale), static_cast<float>(a.momentum)}, stream);
}

}  // namespace lacuna::LACUNA_NS
