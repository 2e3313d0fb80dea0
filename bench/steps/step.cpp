// Times whole training steps, on request: bench/versus_pytorch.py talks to it and to PyTorch in turn.
//
//   usage: bench_step autoencoder BATCH THREADS
//   a line "run N" gives a line with the milliseconds of N steps; "peak" the multiply-add peak in GFLOP/s;
//   "memory" the largest number of tensor bytes alive at once since the start, and the resident bytes
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../kernels/cpu/parallel.h"
#include "../../nn/backbones/conv_autoencoder.h"
#include "../../nn/optim/adam.h"
#include "../kernels/bench.h"

using namespace lacuna;

int main(int argc, char** argv) {
  if (argc != 4 || std::string(argv[1]) != "autoencoder") {
    std::fprintf(stderr, "usage: bench_step autoencoder BATCH THREADS\n");
    return 2;
  }
  const std::int64_t batch = std::stoll(argv[2]);
  cpu::set_threads(std::stoi(argv[3]));

  ConvAutoencoder model({.output = ConvAutoencoder::Output::sigmoid});
  model.initialize(0);
  Adam adam(model.parameters(), {.lr = 1e-3});
  std::vector<std::uint8_t> pixels(batch * 32 * 32 * 3);
  for (std::size_t i = 0; i < pixels.size(); i++)
    pixels[i] = static_cast<std::uint8_t>(draw_word({1}, i, 0));
  const Tensor pictures = Tensor::from(pixels, {batch, 32, 32, 3});
  Context context;
  const auto step = [&] {
    const MaskedImage image = mask_image(pictures, {}, context, "mask");
    const Tensor loss = mse_loss(model.forward(context, image.masked), image.target);
    adam.zero_grad();
    backward(loss);
    adam.step();
    context.epoch++;  // other masks
    return loss.item();
  };

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
