// lacuna eval PROTOCOL: how good a trained run is. `reconstruct` measures filled gaps against baselines that learn nothing.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "../core/files.h"
#include "../core/suggest.h"
#include "../datasets/spec.h"
#include "../ssl/reconstruct.h"
#include "command.h"
#include "run_folder.h"

namespace lacuna::tools {
namespace {

const std::vector<std::string> kProtocols = {"reconstruct"};

class Eval : public Command {
 public:
  void declare(Options& options) override {
    options.positional("PROTOCOL", protocol_, "reconstruct: MSE, PSNR and SSIM of filled gaps");
    options.value("--run", folder_.path, "the run folder", "DIR");
    options.value("--data", data_,
                  "what to measure on: its test split; the run's --val, or --data, unless given",
                  "SPEC");
    options.flag("--best", folder_.best, "the checkpoint of the best validation, not the last one");
    options.value("--device", device_, "cpu, cuda, cuda:1, ... or emu; the run's unless given",
                  "DEVICE");
    options.value("--threads", threads_, "threads of the kernels; 0: one a core", "N");
    options.flag("--quiet", quiet_, "print nothing but errors");
  }
  int run() override;

 private:
  static void print(const std::string& data, const ReconstructionReport& report);
  void keep(const std::string& data, std::int64_t step, const ReconstructionReport& report) const;

  RunFolder folder_;
  std::string protocol_, data_, device_, threads_;
  bool quiet_ = false;
};

int Eval::run() {
  LACUNA_CHECK(std::count(kProtocols.begin(), kProtocols.end(), protocol_), "eval",
               "no protocol named \"", protocol_, "\"", suggestion(protocol_, kProtocols),
               "; there are: ", fmt::format("{}", fmt::join(kProtocols, ", ")));
  LACUNA_CHECK(!folder_.path.empty(), "usage", "--run DIR is missing: the run to evaluate");
  RunConfig config = read_run(folder_);
  if (!device_.empty()) config.settings.set("train.device", device_);
  if (!threads_.empty()) config.settings.set("train.threads", threads_);
  const Device device = use_machine(config.settings);

  const std::string& val = config.settings.text("data.val");
  const std::string spec = !data_.empty() ? data_
                           : !val.empty() ? val
                                          : config.settings.text("data.train");
  const auto source = open_source(spec, "test");
  Trained trained = load_trained(folder_, config, DataInfo::of(*source), device);
  auto* reconstructs = dynamic_cast<Reconstructs*>(trained.task.get());
  LACUNA_CHECK(reconstructs, "eval", "the task ", config.info->name, " has no ", protocol_);
  const auto report = evaluate_reconstruction(*reconstructs, *source, 0, 64, device);
  if (!quiet_) print(source->name(), report);
  keep(source->name(), trained.step, report);
  return 0;
}

void Eval::print(const std::string& data, const ReconstructionReport& report) {
  fmt::print("{} images of {}, {:.1f} % of the values hidden; errors on the [-1, 1] scale\n\n",
             report.images, data, 100 * report.hidden_share);
  fmt::print("{:<16}{:>10}{:>10}{:>8}{:>12}{:>10}{:>8}\n", "", "MSE hidden", "PSNR", "SSIM",
             "MSE all", "PSNR", "SSIM");
  for (const char* method : {"model", "mean_fill", "nearest_pixel"}) {
    const auto found = report.hidden.find(method);
    const auto all = report.all.at(method);
    std::string name = method;
    std::replace(name.begin(), name.end(), '_', ' ');
    if (found == report.hidden.end())
      fmt::print("{:<16}{:>10}{:>10}{:>8}", name, "-", "-", "-");  // nothing was hidden
    else
      fmt::print("{:<16}{:>10.4f}{:>10.2f}{:>8.3f}", name, found->second.mse, found->second.psnr,
                 found->second.ssim);
    fmt::print("{:>12.4f}{:>10.2f}{:>8.3f}\n", all.mse, all.psnr, all.ssim);
  }
}

void Eval::keep(const std::string& data, std::int64_t step,
                const ReconstructionReport& report) const {
  nlohmann::ordered_json line = {{"step", step},
                                 {"protocol", protocol_},
                                 {"data", data},
                                 {"images", report.images},
                                 {"hidden_share", report.hidden_share}};
  for (const auto& [part, scores] :
       {std::pair{"hidden", &report.hidden}, std::pair{"all", &report.all}})
    for (const auto& [method, s] : *scores)
      line[part][method] = {{"mse", s.mse}, {"psnr", s.psnr}, {"ssim", s.ssim}};
  // Anything but UTF-8 in a file's name is replaced: a line must stay JSON.
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::FILE* file = std::fopen(folder_.evaluations().c_str(), "ab");
  if (!file) fail_io("eval", "write", folder_.evaluations(), errno);
  const bool wrote = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((std::fclose(file) != 0) | !wrote) fail_io("eval", "write", folder_.evaluations(), errno);
}

}  // namespace

extern const CommandInfo eval_command{"eval", "how good a run is: reconstruct", make_command<Eval>};

}  // namespace lacuna::tools
