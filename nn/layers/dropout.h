#pragma once
#include "../../core/ops/dropout.h"
#include "../module.h"

namespace lacuna {

/// While training: 0 with probability p, else x / (1 - p). What is dropped depends on the run's seed, this module's path,
/// the epoch and the sample's id. Srivastava et al. 2014.
class Dropout : public Module {
 public:
  explicit Dropout(double p = 0.5) : p_(p) {
    LACUNA_CHECK(p >= 0 && p <= 1, "Dropout", "p must be between 0 and 1: got ", p);
  }
  Tensor forward(Context& context, const Tensor& x) override {
    LACUNA_CHECK(initialized(), "Dropout",
                 "has no path yet, call initialize(seed) on the model that holds it");
    return dropout(x, p_, context, path());
  }

 private:
  double p_;
};

}  // namespace lacuna
