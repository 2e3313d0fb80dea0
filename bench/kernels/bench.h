#pragma once
// What the kernel benchmarks share: the machine's limits, and a timer that measures them again beside every kernel.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace lacuna::bench {

/// Seconds. With one thread (LACUNA_THREADS=1) it is that thread's processor time, so that other programs on the
/// machine do not count.
double now();
/// Multiply-adds of all threads on registers, in GFLOP/s; takes some milliseconds.
double fma_peak();
/// Bytes read and written by all threads copying memory larger than any cache, in GB/s.
double copy_bandwidth();

/// Runs `kernel` again and again, alternating with the measure of the limit, and reports the medians:
/// GFLOP/s and share of the multiply-add peak where flops are given, GB/s and share of a copy's where bytes are.
struct Work {
  double flops = 0, bytes = 0;
};
void measure(benchmark::State& state, Work work, const std::function<void()>& kernel);

/// Registers "name/who".
void add(const std::string& name, const char* who, Work work,
         std::function<std::function<void()>()> prepare);

std::vector<float> random_values(std::int64_t n);

// Baselines. Each returns what to time, with everything prepared; null where the build has not got it.
std::function<void()> eigen_matmul(std::int64_t m, std::int64_t n, std::int64_t k, bool a_across,
                                   bool b_across);
std::function<void()> onednn_matmul(std::int64_t m, std::int64_t n, std::int64_t k, bool a_across,
                                    bool b_across);

struct ConvShape {
  std::int64_t n, h, w, ci, co, kernel, stride, padding;
  bool transposed = false;  // ci and co, h and w are the input's all the same
  std::int64_t oh() const {
    return transposed ? (h - 1) * stride - 2 * padding + kernel
                      : (h + 2 * padding - kernel) / stride + 1;
  }
  std::int64_t ow() const {
    return transposed ? (w - 1) * stride - 2 * padding + kernel
                      : (w + 2 * padding - kernel) / stride + 1;
  }
  double flops() const {
    const std::int64_t pixels = transposed ? n * h * w : n * oh() * ow();
    return 2.0 * static_cast<double>(pixels * kernel * kernel * ci * co);
  }
};
enum class Pass { forward, grad_input, grad_weight };
/// Channels-last, weights in oneDNN's preferred order (the reorder is not timed).
/// automatic: its choice of algorithm and layouts, which may be Winograd.
std::function<void()> onednn_conv(const ConvShape&, Pass, bool automatic);

void add_matmul();
void add_conv();
void add_pool();
void add_optimizer();
void add_memory();
void add_augment();

}  // namespace lacuna::bench
