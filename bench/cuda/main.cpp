// The CUDA kernels beside cuBLASLt and cuDNN, in one run:
//   lacuna_cuda_bench --out FOLDER [--only gemm|conv|memory] [--small]   writes cuda.json and cuda.md
//   lacuna_cuda_bench --check-plans DEVICE.json    every cuDNN baseline is accepted for that device; needs no GPU
//   lacuna_cuda_bench --describe-device            this device's properties, for --check-plans
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>

#include "../../core/files.h"
#include "../../kernels/backend.h"
#include "cases.h"
#include "cudnn.h"
#include "facts.h"

namespace lacuna::bench {
namespace {

void write(const std::string& folder, const Roof& roof, const std::vector<Result>& results) {
  nlohmann::ordered_json json = facts(roof);
  json["cudnn"] = CudnnConv::version();
  std::ostringstream table;
  table << "| kernel | floor, us | Lacuna, us | of the floor | baseline, us | ratio | error | "
           "baseline's error |\n"
           "|---|---|---|---|---|---|---|---|\n";
  for (const Result& r : results) {
    nlohmann::ordered_json entry{
        {"name", r.name}, {"flops", r.flops}, {"bytes", r.bytes}, {"floor_seconds", r.floor}};
    for (const Timing& t : r.timings)
      entry["timings"].push_back(
          {{"name", t.name}, {"seconds", t.seconds}, {"spread", t.spread}, {"error", t.error}});
    json["results"].push_back(entry);
    if (r.timings.empty()) continue;
    const Timing& ours = r.timings[0];
    const bool other = r.timings.size() > 1;
    table << "| " << r.name << " | " << number(1e6 * r.floor, "%.1f") << " | "
          << number(1e6 * ours.seconds, "%.1f") << " | " << number(r.floor / ours.seconds, "%.2f")
          << " | "
          << (other ? number(1e6 * r.timings[1].seconds, "%.1f") + " (" + r.timings[1].name + ")"
                    : "")
          << " | " << (other ? number(r.timings[1].seconds / ours.seconds, "%.2f") : "") << " | "
          << (ours.error < 0 ? "" : number(ours.error, "%.1e")) << " | "
          << (other ? number(r.timings[1].error, "%.1e") : "") << " |\n";
  }
  write_file(folder + "/cuda.json", json.dump(1) + "\n");
  write_file(folder + "/cuda.md", table.str());
  std::cout << table.str();
}

int run_all(const std::string& folder, const std::string& only, bool small) {
  const Backend* backend = find_backend(DeviceType::cuda);
  if (!backend || backend->device_count() == 0) {
    std::cerr << "no device: " << (backend ? backend->why_absent() : "this build has no CUDA")
              << "\n";
    return 2;
  }
  const Roof roof = measure_roof();
  std::vector<Result> results;
  const auto add = [&](const char* name, auto race) {
    if (!only.empty() && only != name) return;
    for (Result& r : race(roof, small)) results.push_back(std::move(r));
    write(folder, roof, results);  // after each part: a run that is cut short leaves what it has
  };
  add("memory", race_memory);
  add("gemm", race_gemm);
  add("conv", race_conv);
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
    std::cerr << "usage: lacuna_cuda_bench --out FOLDER [--only memory|gemm|conv] [--small] | "
                 "--check-plans FILE | "
                 "--describe-device\n";
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
