// Times whole training steps, on request: bench/versus_pytorch.py talks to it and to PyTorch in turn.
//
//   usage: bench_step autoencoder|gpt|gpt-384|bert-mini|simclr BATCH THREADS
//   a line "run N" gives a line with the milliseconds of N steps; "peak" the multiply-add peak in GFLOP/s;
//   "memory" the largest number of tensor bytes alive at once since the start, and the resident bytes
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "../../core/storage.h"
#include "../../kernels/cpu/parallel.h"
#include "../kernels/bench.h"
#include "models.h"

using namespace lacuna;

int main(int argc, char** argv) {
  std::function<double()> step;
  if (argc == 4) {
    cpu::set_threads(std::stoi(argv[3]));
    step = bench::make_step(argv[1], std::stoll(argv[2]));
  }
  if (!step) {
    std::fprintf(stderr, "usage: bench_step autoencoder|gpt|gpt-384|bert-mini|simclr BATCH THREADS\n");
    return 2;
  }

  std::string word;
  while (std::cin >> word) {
    if (word == "run") {
      int count = 0;
      std::cin >> count;
      for (int i = 0; i < count; i++) {
        const auto start = std::chrono::steady_clock::now();
        step();
        std::printf("%.6f ", std::chrono::duration<double, std::milli>(
                                 std::chrono::steady_clock::now() - start)
                                 .count());
      }
      std::printf("\n");
    } else if (word == "peak") {
      std::printf("%.1f\n", bench::fma_peak());
    } else if (word == "memory") {
      rusage usage;
      getrusage(RUSAGE_SELF, &usage);
      std::printf("%lld %lld\n", static_cast<long long>(memory_stats(DeviceType::cpu).peak_bytes),
                  static_cast<long long>(usage.ru_maxrss) * 1024);
    }
    std::fflush(stdout);
  }
}
