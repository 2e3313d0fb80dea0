#pragma once
// Weights of networks that are too large to be kept in a fixture, and samples of what they give: tests/golden/simclr.py.
#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/shape.h"
#include "../../core/safetensors.h"
#include "../../nn/module.h"

namespace lacuna {

/// f32 values in [-1, 1): FNV-1a of the name, and the finaliser of MurmurHash3 over the places.
inline std::vector<float> hashed(const std::string& name, std::int64_t count) {
  std::uint32_t salt = 2166136261u;
  for (const char c : name) salt = (salt ^ static_cast<unsigned char>(c)) * 16777619u;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); i++) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761u + salt;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    x ^= x >> 16;
    values[i] = static_cast<float>(x >> 8) / 8388608.0f - 1.0f;
  }
  return values;
}

/// Pictures (n, side, side, 3) with values on [0, 1].
inline Tensor hashed_views(std::int64_t n, std::int64_t side) {
  auto values = hashed("views", n * 3 * side * side);
  for (float& v : values) v = (v + 1) / 2;
  return contiguous(permute(Tensor::from(values, {n, 3, side, side}), {0, 2, 3, 1}));
}

/// Ours in PyTorch's order.
inline Tensor in_their_order(const Tensor& t) {
  return t.ndim() == 4 ? contiguous(permute(t, {0, 3, 1, 2})) : t;
}

/// The weights that start() of the script gives a module of these names, in PyTorch's layouts; norms' statistics with them.
inline StateDict hashed_weights(const Module& module) {
  StateDict theirs;
  for (const NamedTensor& b : module.buffers()) theirs[b.name] = b.tensor;
  for (const NamedTensor& p : module.parameters()) {
    const Tensor like = in_their_order(p.tensor);
    auto values = hashed(p.name, like.numel());
    const bool product = like.ndim() >= 2, weight = p.name.back() == 't';
    const float scale = product
                            ? std::sqrt(static_cast<float>(6.0 * static_cast<double>(like.dim(0)) /
                                                           static_cast<double>(like.numel())))
                            : 0;
    for (float& v : values) v = product ? v * scale : weight ? 1 + v * 0.25f : v * 0.125f;
    theirs[p.name] = Tensor::from(values, like.shape());
  }
  return theirs;
}

/// max |mine - theirs| over max |theirs|, of the places that the script has kept; infinite where a value is not finite.
inline double sampled_difference(const Tensor& mine, const Tensor& kept) {
  const auto all = in_their_order(mine).to_vector<double>(), want = kept.to_vector<double>();
  const std::size_t samples = want.size() - 1;
  double most = 0;
  for (std::size_t i = 0; i < samples; i++) {
    const double value = all[i * all.size() / samples];
    if (!std::isfinite(value)) return INFINITY;
    most = std::max(most, std::fabs(value - want[i]));
  }
  return most / want.back();
}

}  // namespace lacuna
