// lacuna_kernel_bench [--benchmark_filter=REGEX ...]: kernels on cpu beside Eigen and oneDNN. With LACUNA_AVX2=1 in the
// environment kernels and limits are those of a cpu without AVX-512.
#include <lacuna/kernels/cpu/parallel.h>
#include <unistd.h>

#include <hwy/targets.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

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
  // Batches of some 20 ms between two measures of the limit, each of which stands beside its own limits: the speed of a
  // shared machine changes within seconds.
  std::vector<double> rates, limits, shares, batch;
  double spent = 0, limit = 0;
  const double work_of_call = (work.flops > 0 ? work.flops : work.bytes) * 1e-9;
  const auto measure_limit = [&] { return work.flops > 0 ? fma_peak() : copy_bandwidth(); };
  const auto close_batch = [&] {
    const double next = measure_limit(), rate = work_of_call / median(batch);
    rates.push_back(rate);
    limits.push_back((limit + next) / 2);
    shares.push_back(rate / limits.back());
    limit = next;
    batch.clear();
    spent = 0;
    kernel();  // its data is back in cache
  };
  limit = measure_limit();
  kernel();
  for (auto _ : state) {
    const double start = now();
    kernel();
    const double seconds = now() - start;
    batch.push_back(seconds);
    spent += seconds;
    state.SetIterationTime(seconds);
    if (spent > 0.02) close_batch();
  }
  if (!batch.empty()) close_batch();
  state.counters[work.flops > 0 ? "GFLOP/s" : "GB/s"] = median(rates);
  state.counters["limit"] = median(limits);
  state.counters["share"] = median(shares);
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
  const char* avx2 = std::getenv("LACUNA_AVX2");
  if (avx2 && std::string(avx2) == "1") {
    hwy::SetSupportedTargetsForTest(HWY_AVX2);
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
  }
  benchmark::Initialize(&argc, argv);
  lacuna::bench::add_matmul();
  lacuna::bench::add_conv();
  lacuna::bench::add_pool();
  lacuna::bench::add_optimizer();
  lacuna::bench::add_memory();
  lacuna::bench::add_augment();
  std::printf("threads %d, multiply-add peak %.0f GFLOP/s, copy %.0f GB/s\n",
              lacuna::cpu::threads(), lacuna::bench::fma_peak(), lacuna::bench::copy_bandwidth());
  benchmark::RunSpecifiedBenchmarks();
}
