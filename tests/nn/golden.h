#pragma once
// A model of transformers beside ours: fixtures of tests/golden/{gpt2,bert}.py.
#include <gtest/gtest.h>

#include <cmath>

#include "../../core/safetensors.h"
#include "../../nn/backbones/huggingface.h"
#include "../../nn/module.h"

namespace lacuna {

/// max |a - b| over max |b|; infinite where shapes differ or a value is not finite.
inline double difference(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !(a.shape() == b.shape())) return INFINITY;
  const auto mine = a.to_vector<double>(), theirs = b.to_vector<double>();
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < mine.size(); i++) {
    if (!std::isfinite(mine[i])) return INFINITY;
    most = std::max(most, std::fabs(mine[i] - theirs[i]));
    largest = std::max(largest, std::fabs(theirs[i]));
  }
  return most / largest;
}

/// The weights of a fixture under our names: those without a prefix, or `prefix`.WEIGHT.
inline StateDict golden_weights(const Safetensors& golden, const std::string& prefix) {
  return from_huggingface(with_prefix(golden.tensors, prefix));
}

/// Every gradient, max |difference| over max |gradient| of its tensor.
inline void expect_gradients(const Module& model, const Safetensors& golden, double tolerance) {
  const StateDict want = golden_weights(golden, "grad.");
  double worst = 0;
  for (const NamedTensor& p : model.parameters()) {
    ASSERT_TRUE(want.count(p.name)) << p.name;
    const double error = difference(p.tensor.grad(), want.at(p.name));
    EXPECT_LE(error, tolerance) << p.name;
    worst = std::max(worst, error);
  }
  std::printf("largest relative difference of a gradient: %.1e\n", worst);
}

}  // namespace lacuna
