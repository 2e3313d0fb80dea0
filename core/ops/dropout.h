#pragma once
#include "../context.h"

namespace lacuna {

/// Inverted dropout while ctx.training, else x: each element is 0 with probability p in [0, 1], or x / (1 - p). What is
/// dropped in row i of dimension 0 is a function of (ctx.seed, stream, ctx.epoch, ctx.ids[i]) and is drawn again in backward.
/// `stream` is the module's path: two dropouts of one network must not share it.
Tensor dropout(const Tensor& x, double p, const Context& ctx, std::string_view stream);

}  // namespace lacuna
