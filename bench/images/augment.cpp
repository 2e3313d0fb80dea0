// Times augmentation on request: bench/versus_torchvision.py talks to it and to torchvision in turn.
//
//   usage: bench_augment cifar|imagenet BATCH THREADS
//   a line "run N" makes two views of each of N random pictures, BATCH at a time, and gives a line with the milliseconds
//   by the clock, and those that all threads used of a cpu
#include <chrono>
#include <cstdio>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "../../core/ops/augment_image.h"
#include "../../kernels/cpu/parallel.h"

using namespace lacuna;

int main(int argc, char** argv) {
  const std::string name = argc == 4 ? argv[1] : "";
  if (name != "cifar" && name != "imagenet") {
    std::fprintf(stderr, "usage: bench_augment cifar|imagenet BATCH THREADS\n");
    return 2;
  }
  const std::int64_t batch = std::stoll(argv[2]);
  cpu::set_threads(std::stoi(argv[3]));
  const bool cifar = name == "cifar";
  const Augmentation recipe =
      cifar ? simclr_augmentation(32, 0.5, false) : simclr_augmentation(224, 1, true);
  const Shape shape = cifar ? Shape{batch, 32, 32, 3} : Shape{batch, 375, 500, 3};
  std::vector<std::uint8_t> bytes(shape.numel());
  for (std::size_t i = 0; i < bytes.size(); i++)
    bytes[i] = static_cast<std::uint8_t>(mix64(i) >> 56);
  const Tensor images = Tensor::from(bytes, shape);

  std::int64_t epoch = 0;
  std::string word;
  while (std::cin >> word) {
    if (word != "run") continue;
    std::int64_t count = 0;
    std::cin >> count;
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t used = std::clock();
    for (std::int64_t first = 0; first < count; first += batch) {
      std::vector<std::int64_t> ids(batch);
      for (std::int64_t i = 0; i < batch; i++) ids[i] = first + i;
      augment_image({}, images, ids, recipe, epoch, 2);
    }
    epoch++;
    const std::chrono::duration<double, std::milli> ms = std::chrono::steady_clock::now() - start;
    std::printf("%.3f %.3f\n", ms.count(),
                1e3 * static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC);
    std::fflush(stdout);
  }
}
