#pragma once
#include "../../kernels/epilogue.h"
#include "../context.h"

namespace lacuna {

struct BatchNormOptions {
  double momentum = 0.1;  // running = (1 - momentum) * running + momentum * batch
  double eps = 1e-5;
  Epilogue activation = Epilogue::none;  // or relu
};

/// Of every channel (C): the mean, and the sum of (x - mean)^2. f32 beside bf16, else of x's type. An op that makes x may
/// have them at hand (conv2d).
struct ChannelMoments {
  Tensor mean, centred;
};

/// Batch normalisation of x (..., C) over every dimension but the last:
/// y = activation((x - mean) / sqrt(var + eps) * gamma + beta + residual). gamma and beta (C) may be undefined (no affine), and so
/// may residual, of x's shape. Backward needs y where a residual and an activation made it, and else x alone; without a residual
/// those that save y let it be made again (core/tape.h).
///
/// While ctx.training, mean and var are the batch's (over all ranks of ctx.comm; divisor n), and running_mean and
/// running_var (C), where given, are updated in place (the variance by its unbiased estimate, as in PyTorch); under
/// recompute() they are updated once. Otherwise the running ones are used, or the batch's where they are undefined.
/// Fails where the batch's statistics are wanted of fewer than two values a channel. `moments`: of x, where they are known.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, Tensor running_mean,
                  Tensor running_var, const Context& ctx, const BatchNormOptions& options = {},
                  const ChannelMoments& moments = {}, const Tensor& residual = {});

}  // namespace lacuna
