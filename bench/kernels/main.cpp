// lacuna_kernel_bench [--benchmark_filter=REGEX ...]: kernels on cpu beside Eigen and oneDNN.
#include <lacuna/kernels/cpu/parallel.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "bench.h"

namespace lacuna::bench {
namespace {
double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + v.size() / 2, v.end());
  return v[v.size() / 2];
}
}  // namespace

std::vector<float> random_values(std::int64_t n) {
  std::vector<float> v(n);
  std::uint32_t state = 1;
  for (float& x : v) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<float>(state >> 8) / (1 << 23) - 1;
  }
  return v;
}

void measure(benchmark::State& state, Work work, const std::function<void()>& kernel) {
  kernel();
  std::vector<double> times, limits;
  double since_limit = 1;
  for (auto _ : state) {
    if (since_limit > 0.02) {  // every 20 ms
      limits.push_back(work.flops > 0 ? fma_peak() : copy_bandwidth());
      kernel();  // its data is back in cache
      since_limit = 0;
    }
    const double start = now();
    kernel();
    const double seconds = now() - start;
    times.push_back(seconds);
    since_limit += seconds;
    state.SetIterationTime(seconds);
  }
  const double rate = (work.flops > 0 ? work.flops : work.bytes) / median(times) * 1e-9;
  state.counters[work.flops > 0 ? "GFLOP/s" : "GB/s"] = rate;
  state.counters["limit"] = median(limits);
  state.counters["share"] = rate / median(limits);
}

void add(const std::string& name, const char* who, Work work,
         std::function<std::function<void()>()> prepare) {
  benchmark::RegisterBenchmark((name + "/" + who).c_str(),
                               [work, prepare](benchmark::State& state) {
                                 const auto kernel = prepare();
                                 if (kernel)
                                   measure(state, work, kernel);
                                 else
                                   state.SkipWithError("not in this build");
                               })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace lacuna::bench

int main(int argc, char** argv) {
  // Threads of OpenMP (oneDNN, Eigen) would go on spinning after each of their calls, in the way of ours.
  if (!std::getenv("OMP_WAIT_POLICY")) {
    setenv("OMP_WAIT_POLICY", "passive", 1);
    setenv("OMP_NUM_THREADS", std::to_string(lacuna::cpu::threads()).c_str(), 0);
    execv("/proc/self/exe", argv);
  }
  benchmark::Initialize(&argc, argv);
  lacuna::bench::add_matmul();
  lacuna::bench::add_conv();
  lacuna::bench::add_pool();
  std::printf("threads %d, multiply-add peak %.0f GFLOP/s, copy %.0f GB/s\n",
              lacuna::cpu::threads(), lacuna::bench::fma_peak(), lacuna::bench::copy_bandwidth());
  benchmark::RunSpecifiedBenchmarks();
}
