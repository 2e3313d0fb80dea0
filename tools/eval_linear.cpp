// lacuna eval linear: what a linear layer can tell from the vectors of a run's encoder, which are made once, un-augmented, by the
// frozen encoder in evaluation, and kept (ssl/linear_probe.h); controls and data as in eval_probe.h.
#include <fmt/format.h>

#include "eval_probe.h"

namespace lacuna::tools {
namespace {

class EvalLinear : public EvalProbe {
 public:
  EvalLinear() { protocol_ = "linear"; }

 private:
  void declare_rules(Options& options) override {
    options.value("--epochs", epochs_, "passes over the vectors; 500", "N");
    options.value("--batch-size", batch_, "vectors a step; 1000", "N");
    options.value("--lr", lr_, "Adam's rate, which falls to 0 by a cosine; 0.01", "RATE");
    options.value("--weight-decay", decay_, "added to the gradient; 5e-6", "RATE");
    options.flag("--standardise", standardise_,
                 "each feature minus its mean, over its deviation, as the training data has them");
  }
  Classifier& classifier() override {
    if (!linear_) {
      options_.epochs = integer_option("--epochs", epochs_, 1, 1 << 20);
      options_.batch = integer_option("--batch-size", batch_, 1, 1 << 20);
      options_.lr = number_option("--lr", lr_, 1e-12, 1e6);
      options_.weight_decay = number_option("--weight-decay", decay_, 0, 1e6);
      options_.standardise = standardise_;
      options_.seed = seed();
      linear_ = std::make_unique<LinearClassifier>(options_, device_);
    }
    return *linear_;
  }
  std::string describe_rules() const override {
    return fmt::format(
        "linear layer on {} vectors: Adam, rate {:g} by a cosine to 0, {} epochs of batches of {}, "
        "decay {:g}; the last epoch counts",
        options_.standardise ? "standardised cached" : "cached", options_.lr, options_.epochs,
        options_.batch, options_.weight_decay);
  }
  nlohmann::ordered_json options_json() const override {
    return {{"augmented", false},
            {"optimizer", "adam"},
            {"schedule", "cosine"},
            {"epochs", options_.epochs},
            {"batch_size", options_.batch},
            {"lr", options_.lr},
            {"weight_decay", options_.weight_decay},
            {"standardise", options_.standardise}};
  }

  std::string epochs_ = "500", batch_ = "1000", lr_ = "0.01", decay_ = "5e-6";
  bool standardise_ = false;
  LinearProbeOptions options_;
  std::unique_ptr<LinearClassifier> linear_;
};

}  // namespace

extern const CommandInfo eval_linear_command{
    "eval linear", "classes by a linear layer on frozen vectors, beside controls",
    make_command<EvalLinear>};

}  // namespace lacuna::tools
