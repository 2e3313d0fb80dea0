#pragma once
// What a forward pass needs to know beyond its inputs.
#include <string_view>
#include <vector>

#include "../kernels/random.h"
#include "comm.h"

namespace lacuna {

struct Context {
  bool training = true;  // batch statistics and dropout, or not
  /// Of what flows between layers: f32, or bf16 on cuda and emu. It is decided where data enters (mask_image, embedding);
  /// every other op goes by its input.
  Dtype activations = Dtype::f32;
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;
  /// (rows, 2) i64: sample id and view of each row of dimension 0, on the device of the data. What is random about a row
  /// depends on these and not on its place in the batch. Undefined: rows are samples 0, 1, 2, ... of view 0.
  Tensor ids = {};
  const Comm* comm = &solo();
  /// Where given, each layer of attention adds its probabilities (n, heads, queries, keys): for looking at, not on the tape.
  std::vector<Tensor>* attention_maps = nullptr;

  /// Key of a stream: a module's path or a purpose, such as "encoder.3" or "inpainting.mask".
  RandomKey key(std::string_view stream) const {
    return RandomKey::of(seed, stream_of(stream), epoch);
  }
};

/// Context::ids of samples in view 0 .. views-1: all rows of view 0 first.
Tensor row_ids(const std::vector<std::int64_t>& samples, int views = 1, Device device = {});

}  // namespace lacuna
