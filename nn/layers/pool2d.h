#pragma once
// Pooling of channels-last images: (N, H, W, C) to (N, H', W', C); formulas in core/ops/pool2d.h.
#include "../../core/ops/pool2d.h"
#include "../module.h"

namespace lacuna {

/// The largest pixel of each window: MaxPool2d({.kernel = 2}) halves an image.
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(const Pool2dOptions& options) : options_(options) {}
  Tensor forward(Context&, const Tensor& x) override { return max_pool2d(x, options_); }

 private:
  Pool2dOptions options_;
};

/// The mean of each window.
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(const Pool2dOptions& options) : options_(options) {}
  Tensor forward(Context&, const Tensor& x) override { return avg_pool2d(x, options_); }

 private:
  Pool2dOptions options_;
};

/// (N, C): the mean of each channel.
class GlobalAvgPool : public Module {
 public:
  Tensor forward(Context&, const Tensor& x) override { return global_avg_pool(x); }
};

}  // namespace lacuna
