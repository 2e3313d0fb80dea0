// lacuna eval reconstruct: filled gaps beside baselines that learn nothing.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "../ssl/reconstruct.h"
#include "eval.h"

namespace lacuna::tools {
namespace {

void print(const std::string& data, const ReconstructionReport& report) {
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

class EvalReconstruct : public Eval {
 public:
  EvalReconstruct() { protocol_ = "reconstruct"; }

 private:
  void evaluate() override {
    check_task(!config_.info->text);
    const auto source = open();
    const Trained trained = load(DataInfo::of(*source));
    auto* reconstructs = dynamic_cast<Reconstructs*>(trained.task.get());
    check_task(reconstructs);
    const auto report = evaluate_reconstruction(*reconstructs, *source, 0, 64, device_);
    if (!quiet_) print(source->name(), report);
    nlohmann::ordered_json line = {
        {"data", source->name()}, {"images", report.images}, {"hidden_share", report.hidden_share}};
    for (const auto& [part, scores] :
         {std::pair{"hidden", &report.hidden}, std::pair{"all", &report.all}})
      for (const auto& [method, s] : *scores)
        line[part][method] = {{"mse", s.mse}, {"psnr", s.psnr}, {"ssim", s.ssim}};
    keep(trained.step, line);
  }
};

}  // namespace

extern const CommandInfo eval_reconstruct_command{"eval reconstruct",
                                                  "filled gaps of pictures: MSE, PSNR and SSIM",
                                                  make_command<EvalReconstruct>};

}  // namespace lacuna::tools
