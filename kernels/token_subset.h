#pragma once
// Rows of tokens taken out and put back by index: what a masked autoencoder (He et al. 2022) does before its encoder and
// before its decoder. Each is one pass, position embeddings included. Everything is of one type: f32, f64 on cpu, bf16.
#include "array.h"

namespace lacuna {

/// With i = index[r, j]:
///   y[r, j] = (x[r, i], or `fill` where i is not one of x's tokens) + position[i or j]
/// Forward of keep_tokens (index: the kept positions) and of restore_tokens (index: their places, -1 for the others),
/// backward of keep_tokens (the same places on dy, without fill).
struct TakeTokens {
  static constexpr const char* op = "take_tokens";
  Array y;                 // out, (n, m, d), contiguous
  Array x;                 // (n, s, d), contiguous
  Array index;             // (n, m) i64, contiguous; a value outside of [0, s) stands for no token
  Array fill = {};         // optional: (d); 0 without it
  Array position = {};     // optional, (s, d) or (m, d):
  bool of_source = false;  // the row of position is i, and none is added to a fill; else it is j
};

/// dx[r, places[r, j]] = dy[r, j];  dfill = sum of dy[r, j] over negative places, in a fixed order.
struct RestoreTokensBackward {
  static constexpr const char* op = "restore_tokens";
  Array dx =
      {};  // out, (n, k, d), contiguous; absent: not wanted. Each of its tokens must be some j's place
  Array dfill = {};  // out, (d); absent: not wanted
  Array dy;          // (n, m, d), contiguous
  Array places;      // (n, m) i64, contiguous
};

void validate(const TakeTokens&);
void validate(const RestoreTokensBackward&);

}  // namespace lacuna
