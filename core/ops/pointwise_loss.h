#pragma once
// Losses over two tensors of one shape; 0-d results. Formulas in kernels/pointwise_loss.def.
//
// The mean over no elements is NaN. With a mask (bool, u8 or the loss's dtype, broadcast to x's shape: a per-pixel mask of images
// is (N, H, W, 1)) a loss is sum(mask * f) / sum(mask): values where the mask is 0 are not looked at, and a mask that is 0
// everywhere gives 0 with zero gradients. The mask has no gradient; x and target do.
// Either of them may be bf16 on cuda and emu: the loss is f32 then.
#include "../tensor.h"

namespace lacuna {

/// Mean of (x - target)^2.
Tensor mse_loss(const Tensor& x, const Tensor& target, const Tensor& mask = {});
/// Mean of |x - target|; its gradient where both are equal is 0.
Tensor l1_loss(const Tensor& x, const Tensor& target, const Tensor& mask = {});
/// Mean of -t log s(x) - (1 - t) log(1 - s(x)), s the sigmoid, t = target in [0, 1].
Tensor bce_with_logits(const Tensor& x, const Tensor& target, const Tensor& mask = {});
/// KL(N(mu, e^logvar) || N(0, 1)) = -1/2 sum(1 + logvar - mu^2 - e^logvar), summed over the latent dimensions and divided
/// by the batch, mu.dim(0).
Tensor kl_unit_gaussian(const Tensor& mu, const Tensor& logvar);

}  // namespace lacuna
