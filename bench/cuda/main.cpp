// The CUDA kernels beside cuBLASLt and cuDNN, in one run:
//   lacuna_cuda_bench --out FOLDER [--only FAMILY] [--small] [--torch FILE]    writes cuda.json and cuda.md; FILE is what
//                                                  bench/torch_kernels.py wrote, whose times are put beside
//   lacuna_cuda_bench --list [--small]             the cases as JSON, which that script reads; needs no GPU
//   lacuna_cuda_bench --dry-run [--only FAMILY]    the arguments of every case are what its kernel takes, and small ones agree with
//                                                  f64 where this build has the emulator; needs no GPU
//   lacuna_cuda_bench --check-plans DEVICE.json [--only FAMILY]    every cuDNN baseline is accepted for that device; needs no
//                                                  GPU, but those of attention a libcuda.so.1: the toolkit's stub will do
//   lacuna_cuda_bench --describe-device            this device's properties, for --check-plans
// A case that fails says so in its row, and the others run; then the exit status is 1.
#include <exception>
#include <iostream>
#include <stdexcept>

#include "../../core/files.h"
#include "cases.h"
#include "cudnn_graph.h"
#include "facts.h"
#include "report.h"

namespace lacuna::bench {
namespace {

struct Family {
  const char* name;
  std::vector<Case> (*cases)(bool small);
};
constexpr Family kFamilies[] = {{"memory", memory_cases},       {"reduce", reduce_cases},
                                {"optimizer", optimizer_cases}, {"norm", norm_cases},
                                {"table", table_cases},         {"masks", mask_cases},
                                {"gemm", gemm_cases},           {"conv", conv_cases},
                                {"attention", attention_cases}, {"info_nce", info_nce_cases}};

struct Options {
  std::string folder, only, torch;
  bool small = false;

  /// f(case) for each that is chosen, and after() after each family.
  template <class F, class After>
  void each(F&& f, After&& after) const {
    for (const Family& family : kFamilies) {
      if (!only.empty() && only != family.name) continue;
      for (const Case& c : family.cases(small)) f(c);
      after();
    }
  }
  template <class F>
  void each(F&& f) const {
    each(f, [] {});
  }
  Json list() const {
    Json all = Json::array();
    each([&](const Case& c) { all.push_back(describe(c)); });
    return all;
  }
};

int run_all(const Options& options) {
  const Backend* backend = find_backend(DeviceType::cuda);
  if (!backend || backend->device_count() == 0) {
    std::cerr << "no device: " << (backend ? backend->why_absent() : "this build has no CUDA")
              << "\n";
    return 2;
  }
  const Json torch = options.torch.empty() ? Json::object() : Json::parse(read_file(options.torch));
  const Roof roof = measure_roof();
  Json said = facts(roof);
  said["cudnn"] = cudnn_version();
  if (torch.contains("torch")) said["torch"] = torch["torch"];
  Json results = Json::array();
  bool failed = false;
  options.each(
      [&](const Case& c) {
        const Result r = race(roof, c, options.small ? 11 : 51);
        results.push_back(describe(c));
        add(results.back(), r);
        failed = failed || !r.error.empty();
        std::cout << rows(results.back()) << std::flush;
      },
      // Each time: a run that is cut short leaves what it has.
      [&] {
        Json all = results;
        if (torch.contains("results")) merge(all, torch["results"], options.list());
        said["results"] = all;
        write_file(options.folder + "/cuda.json", said.dump(1) + "\n");
        write_file(options.folder + "/cuda.md", table(all));
      });
  return failed ? 1 : 0;
}

int check_plans(const Options& options, const std::string& device_json) {
  std::string failed;
  options.each([&](const Case& c) {
    for (const Rival& rival : c.rivals) {
      if (!rival.accepted) continue;
      const int ways = rival.accepted(device_json);
      std::cout << c.name << ": " << ways << (ways == 1 ? " way" : " ways") << std::endl;
      if (ways == 0) failed += "\n  " + c.name;
    }
  });
  if (failed.empty()) return 0;
  std::cerr << "cuDNN has no way for" << failed << "\n";
  return 1;
}

/// f on each case; what it throws gets the case's name.
template <class F>
int each_named(const Options& options, F&& f) {
  int cases = 0;
  options.each([&](const Case& c) {
    try {
      f(c);
    } catch (const std::exception& e) {
      throw std::runtime_error(c.name + ": " + e.what());
    }
    cases++;
  });
  return cases;
}

int check_all(Options options) {
  int cases = 0;
  for (const bool small : {false, true}) {
    options.small = small;
    cases += each_named(options, [](const Case& c) {
      check(c);
      if (c.outputs.empty()) throw std::runtime_error("nothing says what is right");
    });
  }
  std::cout << cases << " cases call their kernels with what those take\n";
  if (!find_backend(DeviceType::emu)) return 0;
  int wrong = 0;
  cases = each_named(options, [&](const Case& c) {
    const double error = emulated_error(c);
    const bool right = error <= (c.dtype == Dtype::bf16 ? 1e-2 : c.tf32 ? 3e-3 : 1e-5);
    if (!right) std::cerr << c.name << ": " << number(error, "%.1e") << " from f64\n";
    wrong += !right;
  });
  std::cout << cases - wrong << " of " << cases << " small cases, emulated, agree with f64\n";
  return wrong > 0;
}

bool is_family(const std::string& name) {
  for (const Family& family : kFamilies)
    if (name == family.name) return true;
  return false;
}

int main_of(int argc, char** argv) {
  Options options;
  std::string task, device;
  bool right = true;
  for (int i = 1; i < argc && right; i++) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--describe-device" || word == "--dry-run" || word == "--list")
      right = task.empty(), task = word;
    else if (word == "--check-plans" && more)
      right = task.empty(), task = word, device = argv[++i];
    else if (word == "--out" && more)
      right = task.empty(), task = word, options.folder = argv[++i];
    else if (word == "--only" && more)
      options.only = argv[++i], right = is_family(options.only);
    else if (word == "--torch" && more)
      options.torch = argv[++i];
    else if (word == "--small")
      options.small = true;
    else
      right = false;
  }
  if (!right || task.empty()) {
    std::string families;
    for (const Family& family : kFamilies)
      families += (families.empty() ? "" : "|") + std::string(family.name);
    std::cerr << "usage: lacuna_cuda_bench --out FOLDER [--only " << families
              << "] [--small] [--torch FILE] "
                 "| --list | --dry-run | --check-plans FILE | --describe-device\n";
    return 2;
  }
  if (task == "--dry-run") return check_all(options);
  if (task == "--check-plans") return check_plans(options, read_file(device));
  if (task == "--out") return run_all(options);
  std::cout << (task == "--list" ? options.list().dump() : describe_device()) << "\n";
  return 0;
}

}  // namespace
}  // namespace lacuna::bench

int main(int argc, char** argv) {
  try {
    return lacuna::bench::main_of(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "lacuna_cuda_bench: " << e.what() << "\n";
    return 1;
  }
}
