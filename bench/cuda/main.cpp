// The CUDA kernels beside cuBLASLt and cuDNN, in one run:
//   lacuna_cuda_bench --out FOLDER [--only FAMILY] [--small] writes cuda.json and cuda.md
//   lacuna_cuda_bench --dry-run                    the arguments of every case are what its kernel takes; needs no GPU
//   lacuna_cuda_bench --check-plans DEVICE.json    every cuDNN baseline is accepted for that device; needs no GPU
//   lacuna_cuda_bench --describe-device            this device's properties, for --check-plans
// A case that fails says so in its row, and the others run; then the exit status is 1.
#include <exception>
#include <iostream>
#include <stdexcept>

#include "../../core/files.h"
#include "cases.h"
#include "cudnn.h"
#include "facts.h"

namespace lacuna::bench {
namespace {

using Facts = nlohmann::ordered_json;

struct Family {
  const char* name;
  std::vector<Case> (*cases)(bool small);
};
constexpr Family kFamilies[] = {{"memory", memory_cases},
                                {"gemm", gemm_cases},
                                {"conv", conv_cases},
                                {"attention", attention_cases},
                                {"info_nce", info_nce_cases}};

std::string row(const Result& r) {
  if (!r.error.empty()) return "| " + r.name + " | failed: " + r.error + " | | | | | | |\n";
  const Timing& ours = r.timings[0];
  const Timing* const other = r.timings.size() > 1 ? &r.timings[1] : nullptr;
  const auto error = [](const Timing& t) { return t.error < 0 ? "" : number(t.error, "%.1e"); };
  return "| " + r.name + " | " + number(1e6 * r.floor, "%.1f") + " | " +
         number(1e6 * ours.seconds, "%.1f") + " | " + number(r.floor / ours.seconds, "%.2f") +
         " | " + (other ? number(1e6 * other->seconds, "%.1f") + " (" + other->name + ")" : "") +
         " | " + (other ? number(other->seconds / ours.seconds, "%.2f") : "") + " | " +
         error(ours) + " | " + (other ? error(*other) : "") + " |\n";
}

void write(const std::string& folder, const Facts& facts, const std::vector<Result>& results) {
  nlohmann::ordered_json json = facts;
  std::string table =
      "| kernel | floor, us | Lacuna, us | of the floor | baseline, us | ratio | error | "
      "baseline's error |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (const Result& r : results) {
    nlohmann::ordered_json entry{
        {"name", r.name}, {"flops", r.flops}, {"bytes", r.bytes}, {"floor_seconds", r.floor}};
    if (!r.error.empty()) entry["error"] = r.error;
    for (const Timing& t : r.timings)
      entry["timings"].push_back(
          {{"name", t.name}, {"seconds", t.seconds}, {"spread", t.spread}, {"error", t.error}});
    json["results"].push_back(entry);
    table += row(r);
  }
  write_file(folder + "/cuda.json", json.dump(1) + "\n");
  write_file(folder + "/cuda.md", table);
}

int run_all(const std::string& folder, const std::string& only, bool small) {
  const Backend* backend = find_backend(DeviceType::cuda);
  if (!backend || backend->device_count() == 0) {
    std::cerr << "no device: " << (backend ? backend->why_absent() : "this build has no CUDA")
              << "\n";
    return 2;
  }
  const Roof roof = measure_roof();
  Facts said = facts(roof);
  said["cudnn"] = CudnnConv::version();
  std::vector<Result> results;
  bool failed = false;
  for (const Family& family : kFamilies) {
    if (!only.empty() && only != family.name) continue;
    for (const Case& c : family.cases(small)) {
      results.push_back(race(roof, c, small ? 11 : 51));
      failed = failed || !results.back().error.empty();
      std::cout << row(results.back()) << std::flush;
    }
    write(folder, said, results);  // each time: a run that is cut short leaves what it has
  }
  return failed ? 1 : 0;
}

int check_all() {
  int cases = 0;
  for (const bool small : {false, true})
    for (const Family& family : kFamilies)
      for (const Case& c : family.cases(small)) {
        try {
          check(c);
        } catch (const std::exception& e) {
          throw std::runtime_error(c.name + ": " + e.what());
        }
        cases++;
      }
  std::cout << cases << " cases call their kernels with what those take\n";
  return 0;
}

int main_of(int argc, char** argv) {
  std::string folder, only;
  bool small = false;
  for (int i = 1; i < argc; i++) {
    const std::string word = argv[i];
    const bool more = i + 1 < argc;
    if (word == "--check-plans" && more) {
      for (const std::string& line : check_plans(read_file(argv[i + 1]))) std::cout << line << "\n";
      return 0;
    }
    if (word == "--describe-device") {
      std::cout << CudnnConv::describe_device() << "\n";
      return 0;
    }
    if (word == "--dry-run") return check_all();
    if (word == "--out" && more)
      folder = argv[++i];
    else if (word == "--only" && more)
      only = argv[++i];
    else if (word == "--small")
      small = true;
    else
      folder.clear(), i = argc;
  }
  if (folder.empty()) {
    std::cerr << "usage: lacuna_cuda_bench --out FOLDER [--only "
                 "memory|gemm|conv|attention|info_nce] [--small] "
                 "| --dry-run | --check-plans FILE | --describe-device\n";
    return 2;
  }
  return run_all(folder, only, small);
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
