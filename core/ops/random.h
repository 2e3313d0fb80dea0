#pragma once
// Tensors of random numbers, from kernels/random.h. Drawn on the host, then moved to `device`: the same on every device.
//
// With a key, all elements are one row (sample 0, view 0): initialisers, noise that belongs to no sample.
// With a Context and a stream, row i of dimension 0 belongs to the (sample, view) ctx.ids[i] (to sample i of view 0 where
// ids are not given), and element e within the row is made of word e: a mask does not depend on how samples are batched.
#include "../context.h"

namespace lacuna {

/// low + (high - low) * u, u in [0, 1) with 24 bits. f32 or f64.
Tensor uniform(const Shape& shape, double low, double high, RandomKey key, Dtype dtype = Dtype::f32,
               Device device = {});
Tensor uniform(const Shape& shape, double low, double high, const Context& ctx,
               std::string_view stream, Dtype dtype = Dtype::f32, Device device = {});
/// mean + std * z. f32 or f64.
Tensor normal(const Shape& shape, double mean, double std, RandomKey key, Dtype dtype = Dtype::f32,
              Device device = {});
Tensor normal(const Shape& shape, double mean, double std, const Context& ctx,
              std::string_view stream, Dtype dtype = Dtype::f32, Device device = {});
/// 1 with probability p in [0, 1], else 0. bool, u8, f32 or f64.
Tensor bernoulli(const Shape& shape, double p, RandomKey key, Dtype dtype = Dtype::boolean,
                 Device device = {});
Tensor bernoulli(const Shape& shape, double p, const Context& ctx, std::string_view stream,
                 Dtype dtype = Dtype::boolean, Device device = {});

}  // namespace lacuna
