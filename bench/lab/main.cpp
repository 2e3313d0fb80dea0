// The rungs of the course (README.md here):
//   lacuna_lab [--device emu|cuda] [--only FAMILY] [--rung NAME] [--check] [--out FOLDER] [--roof cuda.json]
// Each rung is compared with f64 on cpu at small odd shapes; on cuda all of them are then timed at the anchors, unless --check.
// 0: all right; 1: a rung is wrong, or failed; 2: bad usage.
#include <cstdio>
#include <exception>
#include <iostream>

#include "arrays.h"
#include "timed.h"

namespace lacuna::lab {
namespace {

struct Tally {
  int run = 0, wrong = 0;
};

template <class Args>
void check_ladder(const Choice& choice, Device device, Tally& tally) {
  for (const Rung<Args>& rung : Family<Args>::rungs(device.type)) {
    if (!choice.takes(Family<Args>::name, rung.name)) continue;
    bool taken = false;
    for (const Problem<Args>& problem : Family<Args>::small()) {
      std::printf("%-10s %-10s %-28s ", Family<Args>::name, rung.name.c_str(),
                  problem.name.c_str());
      try {
        const double error = error_of(problem, rung, device);
        const bool right = error <= rung.tolerance;
        std::printf("beyond rounding %.1e  %s\n", error, right ? "ok" : "WRONG");
        tally.run++;
        tally.wrong += !right;
        taken = true;
      } catch (const Error& e) {
        std::printf("refused: %s\n", e.what());
      }
    }
    tally.wrong += !taken;
  }
}

int main_of(int argc, char** argv) {
  const Backend* const cuda = find_backend(DeviceType::cuda);
  Device device{cuda && cuda->device_count() > 0 ? DeviceType::cuda : DeviceType::emu};
  Choice choice;
  std::string folder, roof;
  bool check_only = false, usage = false;
  for (int i = 1; i < argc && !usage; i++) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--check")
      check_only = true;
    else if (word == "--device" && more)
      device = parse_device(argv[++i]);
    else if (word == "--only" && more)
      choice.family = argv[++i];
    else if (word == "--rung" && more)
      choice.rung = argv[++i];
    else if (word == "--out" && more)
      folder = argv[++i];
    else if (word == "--roof" && more)
      roof = argv[++i];
    else
      usage = true;
  }
  if (usage) {
    std::cerr << "usage: lacuna_lab [--device emu|cuda] [--only gemm|conv|attention|info_nce] "
                 "[--rung NAME] [--check] [--out FOLDER] [--roof cuda.json]\n";
    return 2;
  }
  const Backend* const backend = find_backend(device.type);
  if (device.type == DeviceType::cpu || !backend || backend->device_count() == 0) {
    std::cerr << "lacuna_lab: "
              << (device.type == DeviceType::cpu ? "rungs are for cuda and emu"
                  : backend                      ? backend->why_absent()
                                                 : to_string(device) + " is not in this build")
              << "\n";
    return 2;
  }
  Tally tally;
  each_family([&](auto family) {
    check_ladder<typename decltype(family)::Arguments>(choice, device, tally);
  });
  if (tally.run == 0) {
    std::cerr << "lacuna_lab: no rung \"" << choice.rung << "\" of \"" << choice.family
              << "\": bench/lab/rungs.def has them\n";
    return 2;
  }
  std::cout << tally.run - tally.wrong << " of " << tally.run << " agree with f64\n" << std::flush;
  if (tally.wrong > 0) return 1;
  if (check_only || device.type == DeviceType::emu) return 0;  // emu's times say nothing of a GPU's
  return time_ladders(choice, folder, roof) ? 0 : 1;
}

}  // namespace
}  // namespace lacuna::lab

int main(int argc, char** argv) {
  try {
    return lacuna::lab::main_of(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "lacuna_lab: " << e.what() << "\n";
    return 1;
  }
}
