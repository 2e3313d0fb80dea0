// Cross-entropy from logits and integer targets, forward and backward
//   math         kernels/cross_entropy.h
//   shapes       logits, dx (rows, classes) contiguous, f32 or bf16; targets i64; y, dy, stats, weight f32
//   traffic      forward reads the logits once; backward reads them once more and writes dx once, in place where asked
//                to. It takes the rows in reverse order, so that those which forward read last come out of L2
//   launch       forward: up to 1,024 classes a warp a row, 8 rows a block, else a block a row of 128 to 1,024 threads; then
//                one block over the rows' losses. Backward: 32 or 256 threads a row. A thread has 4 vectors in flight
//   numerics     f32 inside; a thread keeps a running maximum and rescales its sum when that rises; log sum exp is kept
//                apart from the maximum, so that large logits keep their digits
//   determinism  yes: fixed order, no atomics
//   checked by   tests/ops/cross_entropy.cpp, tests/emu/cross_entropy.cpp
//   measured     not measured
#include "../cross_entropy.h"

#include <device/rows.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kInFlight = 4;  // vectors

// What is subtracted from the logits: not -inf - (-inf), which would be NaN, where all seen so far are -inf.
__device__ inline float shift_of(float max) { return max == -INFINITY ? 0.0f : max; }

// Of the elements seen so far, with shift = shift_of(max):
struct Running {
  float max = -INFINITY, sum = 0.0f;       // sum exp(x - shift)
  float differences = 0.0f, count = 0.0f;  // sum (x - shift), and of how many
  __device__ void raise(float higher) {
    if (!(higher > max)) return;
    sum *= expf(max - higher);  // at first 0 * exp(-inf)
    if (count > 0.0f) differences += (shift_of(max) - higher) * count;
    max = higher;
  }
};

template <class Team, class T, int N>
__global__ void __launch_bounds__(Team::kThreads)
    forward_row(float* losses, float* stats, const T* logits, const std::int64_t* targets,
                std::int64_t ignore_index, float smoothing, std::int64_t rows,
                std::int64_t columns) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const std::int64_t target = targets[row];
    const bool leader = Team::thread() == 0;
    if (target == ignore_index) {
      if (leader) losses[row] = stats[2 * row] = stats[2 * row + 1] = 0.0f;
      continue;
    }
    const T* const x = logits + row * columns;
    const std::int64_t step = std::int64_t{Team::threads()} * N;
    Running run;
    float v[kInFlight][N];
    for (std::int64_t j = std::int64_t{Team::thread()} * N; j < columns; j += kInFlight * step) {
      float higher = run.max, differences = 0.0f;
      LACUNA_UNROLL
      for (int i = 0; i < kInFlight; i++) {
        load_vec(v[i], x, j + i * step, columns, -INFINITY);
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) higher = fmaxf(higher, v[i][k]);
      }
      run.raise(higher);
      const float shift = shift_of(run.max);
      LACUNA_UNROLL
      for (int i = 0; i < kInFlight; i++) {
        if (j + i * step >= columns) continue;
        LACUNA_UNROLL
        for (int k = 0; k < N; k++) {
          run.sum += expf(v[i][k] - shift);
          differences += v[i][k] - shift;
        }
        run.count += N;
      }
      run.differences += differences;
    }
    const float max = Team::template reduce<Max>(run.max), shift = shift_of(max);
    if (run.max != -INFINITY) run.sum *= expf(run.max - shift);
    const float log_sum = logf(Team::template reduce<Sum>(run.sum));
    float loss = log_sum;
    if (smoothing != 0.0f) {
      if (run.count > 0.0f) run.differences += (shift_of(run.max) - shift) * run.count;
      loss -=
          smoothing * (Team::template reduce<Sum>(run.differences) / static_cast<float>(columns));
    }
    if (!leader) continue;
    const bool is_class = target >= 0 && target < columns;
    losses[row] =
        is_class ? loss - (1.0f - smoothing) * (static_cast<float>(x[target]) - max) : NAN;
    stats[2 * row] = max;
    stats[2 * row + 1] = log_sum;
  }
}

// weight = 1 / rows that count, y = weight * the sum of the losses
__global__ void __launch_bounds__(1024)
    mean_of_rows(float* y, float* weight, const float* losses, const std::int64_t* targets,
                 std::int64_t ignore_index, std::int64_t rows) {
  float sum = 0.0f, count = 0.0f;
  for (std::int64_t row = threadIdx.x; row < rows; row += blockDim.x) {
    sum += losses[row];
    count += targets[row] != ignore_index ? 1.0f : 0.0f;
  }
  sum = block_reduce<Sum>(sum);
  count = block_reduce<Sum>(count);
  if (threadIdx.x > 0) return;
  const float each = count > 0.0f ? 1.0f / count : 0.0f;
  *weight = each;
  *y = sum * each;
}

// dx may be logits: a thread reads what it then writes, and nobody else does.
template <class T, int N>
__global__ void __launch_bounds__(256)
    backward_row(T* dx, const float* dy, const float* weight, const T* logits, const float* stats,
                 const std::int64_t* targets, std::int64_t ignore_index, float smoothing,
                 std::int64_t rows, std::int64_t columns) {
  const std::int64_t row = rows - 1 - (std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y);
  if (row < 0) return;
  const std::int64_t target = targets[row], step = std::int64_t{blockDim.x} * N;
  const bool counts = target != ignore_index;
  const float g = *dy * *weight, hit = g * (1.0f - smoothing);
  const float less = smoothing / static_cast<float>(columns);
  const float max = stats[2 * row], log_sum = stats[2 * row + 1];
  float v[kInFlight][N];
  for (std::int64_t j = std::int64_t{threadIdx.x} * N; j < columns; j += kInFlight * step) {
    LACUNA_UNROLL
    for (int i = 0; i < kInFlight; i++)
      load_vec(v[i], logits + row * columns, j + i * step, counts ? columns : 0, 0.0f);
    LACUNA_UNROLL
    for (int i = 0; i < kInFlight; i++) {
      const std::int64_t first = j + i * step;
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) {
        const float slope = g * (expf(v[i][k] - max - log_sum) - less);
        v[i][k] = !counts ? 0.0f : first + k == target ? slope - hit : slope;
      }
      store_vec(dx + row * columns, first, columns, v[i]);
    }
  }
}

// ---- launchers ----

template <class T>
void forward(const CrossEntropyForward& a, Stream stream) {
  const std::int64_t rows = a.logits.dim(0), columns = a.logits.dim(1);
  const T* const logits = a.logits.as<T>();
  const std::int64_t* const targets = a.targets.as<std::int64_t>();
  const Workspace<float> losses(a.logits.device, rows);
  with_vector_width<T>(columns, {logits}, [&](auto n) {
    constexpr int N = decltype(n)::value;
    const auto start = [&](auto team, Extent block) {
      using Team = decltype(team);
      launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
             forward_row<Team, T, N>, losses.data(), a.stats.as<float>(), logits, targets,
             a.ignore_index, a.label_smoothing, rows, columns);
    };
    const std::int64_t threads = ceil_div(columns, kWarp * N * kInFlight) * kWarp;
    if (columns <= 1024)
      start(WarpTeam<8>{}, {kWarp, 8});
    else
      start(BlockTeam<1024>{}, threads < 128 ? 128 : threads > 1024 ? 1024 : threads);
  });
  launch({.grid = 1, .block = 1024, .stream = stream}, mean_of_rows, a.y.as<float>(),
         a.weight.as<float>(), losses.data(), targets, a.ignore_index, rows);
}

template <class T>
void backward(const CrossEntropyBackward& a, Stream stream) {
  const std::int64_t rows = a.logits.dim(0), columns = a.logits.dim(1);
  T* const dx = a.dx.as<T>();
  const T* const logits = a.logits.as<T>();
  with_vector_width<T>(columns, {dx, logits}, [&](auto n) {
    constexpr int N = decltype(n)::value;
    const std::int64_t lanes = columns <= kWarp * N * kInFlight ? kWarp : 256;
    launch({.grid = ceil_div(rows, 256 / lanes),
            .block = {lanes, 256 / lanes},
            .stream = stream,
            .barriers = false},
           backward_row<T, N>, dx, a.dy.as<float>(), a.weight.as<float>(), logits,
           a.stats.as<float>(), a.targets.as<std::int64_t>(), a.ignore_index, a.label_smoothing,
           rows, columns);
  });
}

}  // namespace

void cross_entropy_forward(const CrossEntropyForward& a, Stream stream) {
  a.logits.dtype == Dtype::bf16 ? forward<bf16>(a, stream) : forward<float>(a, stream);
}

void cross_entropy_backward(const CrossEntropyBackward& a, Stream stream) {
  a.logits.dtype == Dtype::bf16 ? backward<bf16>(a, stream) : backward<float>(a, stream);
}

}  // namespace lacuna::LACUNA_NS
