// lacuna eval linear: what a linear layer can tell from the vectors of a run's frozen encoder in evaluation; controls and data as
// in eval_probe.h. Either the vectors are made once, un-augmented, and kept (ssl/linear_probe.h), or, with --augment, anew in each
// epoch from another view of each picture (ssl/augmented_probe.h): a crop, perhaps mirrored, unless options say otherwise. Test
// data is never augmented.
#include <fmt/format.h>

#include "../ssl/augmented_probe.h"
#include "eval_probe.h"
#include "view_options.h"

namespace lacuna::tools {
namespace {

class EvalLinear : public EvalProbe {
 public:
  EvalLinear() { protocol_ = "linear"; }

 private:
  void declare_rules(Options& options) override {
    options.flag("--augment", augment_, "of pictures: learn from random views");
    views_.declare(options);
    options.value("--epochs", epochs_, "passes over the data; 500, with --augment 90", "N");
    options.value("--batch-size", batch_, "vectors a step; 1000, with --augment 256", "N");
    options.value("--lr", lr_,
                  "rate, which falls to 0 by a cosine; 0.01 of Adam; with --augment 0.1 of SGD, "
                  "times batch / 256",
                  "RATE");
    options.value("--weight-decay", decay_, "added to the gradient; 5e-6, with --augment 0",
                  "RATE");
    options.flag("--standardise", standardise_,
                 "without --augment: each feature minus its mean, over its deviation, as the "
                 "training data has them");
  }
  Classifier& classifier() override {
    if (linear_) return *linear_;
    LACUNA_CHECK(!augment_ || !standardise_, "usage",
                 "--standardise is for vectors that are kept: leave out --augment");
    LACUNA_CHECK(augment_ || views_.given().empty(), "usage", views_.given(),
                 " is for views, which --augment asks for");
    LACUNA_CHECK(!augment_ || !of_text(), "usage", "--augment is for pictures: the run is of text");
    const auto or_else = [&](const std::string& given, const char* cached, const char* augmented) {
      return !given.empty() ? given : augment_ ? augmented : cached;
    };
    options_.epochs = integer_option("--epochs", or_else(epochs_, "500", "90"), 1, 1 << 20);
    options_.batch = integer_option("--batch-size", or_else(batch_, "1000", "256"), 1, 1 << 20);
    options_.lr = number_option("--lr", or_else(lr_, "0.01", "0.1"), 1e-12, 1e6);
    options_.weight_decay = number_option("--weight-decay", or_else(decay_, "5e-6", "0"), 0, 1e6);
    options_.standardise = standardise_;
    if (augment_)
      linear_ = std::make_unique<AugmentedProbe>(
          AugmentedProbeOptions{
              .epochs = options_.epochs,
              .batch = options_.batch,
              .lr = options_.lr,
              .weight_decay = options_.weight_decay,
              .augmentation = views_.augmentation(side_of_views(config_.settings))},
          device_);
    else
      linear_ = std::make_unique<LinearClassifier>(options_, device_);
    return *linear_;
  }
  std::string describe_rules() const override {
    return fmt::format(
        "linear layer on {}: {}, rate {:g} by a cosine to 0, {} epochs of batches of {}, decay "
        "{:g}; the last epoch counts",
        augment_               ? "vectors of views (" + views_.in_words() + ")"
        : options_.standardise ? "standardised cached vectors"
                               : "cached vectors",
        augment_ ? "SGD" : "Adam", rate(), options_.epochs, options_.batch, options_.weight_decay);
  }
  nlohmann::ordered_json options_json() const override {
    nlohmann::ordered_json json = {{"augmented", augment_},
                                   {"optimizer", augment_ ? "sgd" : "adam"},
                                   {"schedule", "cosine"},
                                   {"epochs", options_.epochs},
                                   {"batch_size", options_.batch},
                                   {"lr", rate()},
                                   {"weight_decay", options_.weight_decay}};
    if (augment_)
      json.update({{"momentum", 0.9}, {"nesterov", true}, {"views", views_.to_json()}});
    else
      json["standardise"] = options_.standardise;
    return json;
  }
  // What is applied: that of --lr for 256 at once.
  double rate() const {
    return augment_ ? options_.lr * static_cast<double>(options_.batch) / 256 : options_.lr;
  }

  std::string epochs_, batch_, lr_, decay_;
  bool augment_ = false, standardise_ = false;
  ViewOptions views_;
  LinearProbeOptions options_;
  std::unique_ptr<Classifier> linear_;
};

}  // namespace

extern const CommandInfo eval_linear_command{
    "eval linear", "classes by a linear layer on frozen vectors, beside controls",
    make_command<EvalLinear>};

}  // namespace lacuna::tools
