// Optimizer steps over many tensors at once
//   math         kernels/optimizer.h
//   shapes       contiguous f32; sum_squares gives f64
//   traffic      Adam 28 bytes a parameter: p, g, m, v read, p, m, v written, once; SGD 12 (20 with momentum), lerp 12,
//                sum_squares 4; 2 more where the parameter has a shadow
//   launch       up to 48 tensors a launch (sum_squares 128), whose table travels among the kernel's parameters, so that
//                nothing is copied or waited for; a block of 256 threads for each 4,096 elements (sum_squares 16,384)
//   numerics     steps in f32; sums of squares in f64
//   determinism  yes: elements are independent; a tensor's sum is over pieces of fixed size, in order
//   checked by   tests/ops/optimizer.cpp, tests/emu/optimizer.cpp
//   measured     not measured
#include "../optimizer.h"

#include <algorithm>
#include <cmath>
#include <device/launch.cuh>
#include <device/strided.cuh>
#include <device/sum.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kTensors = 48, kSums = 128;
constexpr std::int64_t kPiece = 4096, kSumPiece = 16384;  // elements of a block

// A tensor with what the rule needs to know of it.
struct Part {
  float *param, *first, *second;
  const float* grad;
  bf16* shadow;
  std::int64_t size;
  float decay;         // g = grad * scale + decay * p
  float rates[3];      // Rates of kernels/optimizer.h
  std::int32_t begin;  // its first block
  std::int32_t row;    // its place in the step's table
  bool wide;           // vectors of 16 bytes are aligned
};

struct Table {
  Part parts[kTensors];
  int count = 0;
};

// What is read from the device's memory where it is given; see kernels/optimizer.h.
struct Inputs {
  const float *scale = nullptr, *rates = nullptr;
};

// What an element's step needs to know of its tensor.
struct Step {
  float decay, step, keep, root_bias2;
  bool first;
};

struct Sgd {
  float scale, momentum;
  bool nesterov;
  __device__ void operator()(const Step& t, float& p, float g, float& m, float&) const {
    g = g * scale + t.decay * p;
    if (t.first) {
      m = momentum * m + g;
      g = nesterov ? g + momentum * m : m;
    }
    p -= t.step * g;
  }
};

struct Adam {
  float scale, rate1, beta2, rate2, eps;
  __device__ void operator()(const Step& t, float& p, float g, float& m, float& v) const {
    g = g * scale + t.decay * p;
    m += rate1 * (g - m);
    v = beta2 * v + rate2 * g * g;
    p = p * t.keep - t.step * (m / (sqrtf(v) / t.root_bias2 + eps));
  }
};

struct Lerp {
  float weight;
  __device__ void operator()(const Step&, float& p, float to, float&, float&) const {
    p += weight * (to - p);
  }
};

template <int N, class Rule>
__device__ __forceinline__ void update(const Part& t, const Step& step, const Rule& rule,
                                       std::int64_t begin) {
  const std::int64_t end = begin + kPiece < t.size ? begin + kPiece : t.size;
  for (std::int64_t i = begin + std::int64_t{threadIdx.x} * N; i < end; i += kThreads * N) {
    Vec<float, N> p, g, m = {}, v = {};
    load_some(p, t.param + i, end - i);
    load_some(g, t.grad + i, end - i);
    if (t.first) load_some(m, t.first + i, end - i);
    if (t.second) load_some(v, t.second + i, end - i);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) rule(step, p.v[k], g.v[k], m.v[k], v.v[k]);
    store_some(t.param + i, end - i, p);
    if (t.shadow) {
      Vec<bf16, N> rounded;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) rounded.v[k] = bf16(p.v[k]);
      store_some(t.shadow + i, end - i, rounded);
    }
    if (t.first) store_some(t.first + i, end - i, m);
    if (t.second) store_some(t.second + i, end - i, v);
  }
}

template <class Rule>
__global__ void __launch_bounds__(kThreads) step_kernel(Table table, Rule rule, Inputs in) {
  if constexpr (requires { rule.scale; }) {
    if (in.scale) rule.scale *= *in.scale;
    if (rule.scale != rule.scale) return;  // the loss or the norm is not finite
  }
  const int block = static_cast<int>(blockIdx.x);
  int low = 0, high = table.count;  // the tensor is the last that begins at or before this block
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (table.parts[middle].begin <= block ? low : high) = middle;
  }
  const Part& t = table.parts[low];
  const float* const rates = in.rates ? in.rates + 3 * t.row : t.rates;
  const Step step{t.decay, rates[0], rates[1], rates[2], t.first != nullptr};
  const std::int64_t begin = (block - t.begin) * kPiece;
  if (t.wide)
    update<4>(t, step, rule, begin);
  else
    update<1>(t, step, rule, begin);
}

struct Squares {
  const float* x[kSums];
  std::int64_t sizes[kSums];
  std::int32_t begins[kSums + 1];  // first block of each, and the number of blocks
  int count = 0;
};

__global__ void __launch_bounds__(kThreads) square_kernel(double* partial, Squares table) {
  const int block = static_cast<int>(blockIdx.x);
  int low = 0, high = table.count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (table.begins[middle] <= block ? low : high) = middle;
  }
  const float* const x = table.x[low];
  const std::int64_t begin = (block - table.begins[low]) * kSumPiece, size = table.sizes[low];
  const std::int64_t end = begin + kSumPiece < size ? begin + kSumPiece : size;
  double sum = 0;
  const auto add = [&](const auto& in) {
    for (const float v : in.v) sum += static_cast<double>(v) * static_cast<double>(v);
  };
  std::int64_t i = begin + threadIdx.x;
  if (reinterpret_cast<std::uintptr_t>(x) % 16 == 0) {
    for (std::int64_t j = begin + threadIdx.x * 4; j + 4 <= end; j += kThreads * 4) {
      Vec<float, 4> in;
      load_some(in, x + j, 4);
      add(in);
    }
    i = end - end % 4 + threadIdx.x;
  }
  for (; i < end; i += kThreads) {
    Vec<float, 1> in;
    load_some(in, x + i, 1);
    add(in);
  }
  sum = group_sum<kThreads>(sum);
  if (threadIdx.x == 0) partial[block] = sum;
}

// A warp a tensor.
__global__ void __launch_bounds__(kWarp)
    square_sums_kernel(double* sums, const double* partial, Squares table) {
  double sum = 0;
  for (int i = table.begins[blockIdx.x] + static_cast<int>(threadIdx.x);
       i < table.begins[blockIdx.x + 1]; i += kWarp)
    sum += partial[i];
  sum = group_sum<kWarp>(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// One thread: the sums are as many as there are parameters, and are added in their order.
__global__ void clip_kernel(float* scale, const float* loss, const double* sums, std::int64_t count,
                            double max_norm) {
  double squares = 0;
  for (std::int64_t i = 0; i < count; i++) squares += sums[i];
  const double norm = sqrt(squares);
  double s = 1;
  if (sums && max_norm < norm + 1e-6) s = max_norm / (norm + 1e-6);
  // x - x is 0 where x is finite, and NaN elsewhere.
  const double finite = (norm - norm) + static_cast<double>(*loss - *loss);
  *scale = static_cast<float>(s + finite);
}

bool aligned(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

void set_rates(Part& part, const Rates& r) {
  part.rates[0] = static_cast<float>(r.step);
  part.rates[1] = static_cast<float>(r.keep);
  part.rates[2] = static_cast<float>(r.root_bias2);
}

// set(part, tensor) fills in what the rule needs.
template <class Rule, class Set>
void step(const OptimizerTensor* tensors, std::int64_t count, const Rule& rule, const Inputs& in,
          Stream stream, Set set) {
  Table table;
  std::int64_t blocks = 0;
  const auto flush = [&] {
    launch({.grid = blocks, .block = kThreads, .stream = stream, .barriers = false},
           step_kernel<Rule>, table, rule, in);
    table.count = 0;
    blocks = 0;
  };
  for (std::int64_t i = 0; i < count; i++) {
    const OptimizerTensor& t = tensors[i];
    const std::int64_t n = ceil_div(t.param.size(), kPiece);
    if (n == 0) continue;
    if (table.count == kTensors || blocks + n >= std::int64_t{1} << 31) flush();
    Part part{t.param.as<float>(),
              t.first.as<float>(),
              t.second.as<float>(),
              t.grad.as<float>(),
              t.shadow.as<bf16>(),
              t.param.size(),
              0,
              {},
              static_cast<std::int32_t>(blocks),
              static_cast<std::int32_t>(i),
              aligned(t.param.data) && aligned(t.grad.data) && aligned(t.first.data) &&
                  aligned(t.second.data) && aligned(t.shadow.data)};
    set(part, t);
    table.parts[table.count++] = part;
    blocks += n;
  }
  if (table.count) flush();
}

}  // namespace

void sgd_step(const SgdStep& a, Stream stream) {
  const Sgd rule{static_cast<float>(a.grad_scale), static_cast<float>(a.momentum), a.nesterov};
  step(a.tensors, a.count, rule, {a.scale.as<float>(), a.rates.as<float>()}, stream,
       [](Part& part, const OptimizerTensor& t) {
         part.decay = static_cast<float>(t.weight_decay);
         set_rates(part, rates_of(t, false));
       });
}

void adam_step(const AdamStep& a, Stream stream) {
  const Adam rule{static_cast<float>(a.grad_scale), static_cast<float>(1 - a.beta1),
                  static_cast<float>(a.beta2), static_cast<float>(1 - a.beta2),
                  static_cast<float>(a.eps)};
  step(a.tensors, a.count, rule, {a.scale.as<float>(), a.rates.as<float>()}, stream,
       [&](Part& part, const OptimizerTensor& t) {
         part.decay = static_cast<float>(a.decoupled ? 0 : t.weight_decay);
         set_rates(part, rates_of(t, a.decoupled));
       });
}

void lerp_step(const LerpStep& a, Stream stream) {
  step(a.tensors, a.count, Lerp{static_cast<float>(a.weight)}, {}, stream,
       [](Part& part, const OptimizerTensor&) { part.first = part.second = nullptr; });
}

void sum_squares(const SumSquares& a, Stream stream) {
  for (std::int64_t done = 0; done < a.count; done += kSums) {
    Squares table;
    table.count = static_cast<int>(std::min<std::int64_t>(kSums, a.count - done));
    std::int64_t blocks = 0;
    for (int i = 0; i < table.count; i++) {
      const Array& x = a.arrays[done + i];
      table.x[i] = x.as<float>();
      table.sizes[i] = x.size();
      table.begins[i] = static_cast<std::int32_t>(blocks);
      blocks += ceil_div(x.size(), kSumPiece);
    }
    LACUNA_CHECK(blocks < std::int64_t{1} << 31, a.op, "these are too many elements for one call");
    table.begins[table.count] = static_cast<std::int32_t>(blocks);
    const Workspace<double> partial(a.sums.device, blocks);
    launch({.grid = blocks, .block = kThreads, .stream = stream}, square_kernel, partial.data(),
           table);
    launch({.grid = table.count, .block = kWarp, .stream = stream}, square_sums_kernel,
           a.sums.as<double>() + done, partial.data(), table);
  }
}

void clip_scale(const ClipScale& a, Stream stream) {
  launch({.grid = 1, .block = 1, .stream = stream, .barriers = false}, clip_kernel,
         a.scale.as<float>(), a.loss.as<float>(), a.sums.as<double>(), a.sums ? a.sums.size() : 0,
         a.max_norm);
}

}  // namespace lacuna::LACUNA_NS
