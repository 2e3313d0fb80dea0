#pragma once
// Batch normalisation over every dimension but the last (Ioffe, Szegedy 2015), in the pieces that statistics over several
// ranks need. Per channel, with s = gamma * rstd:
//   forward    y = (x - mean) * s + beta, and where asked for + residual, and max(y, 0)
//   backward   dbeta = sum dy,  dgamma = sum dy * xhat,  xhat = (x - mean) * rstd
//              dx = s * (dy - sum dy / n - xhat * sum(dy * xhat) / n)   where mean and rstd are the batch's own
//              dx = s * dy                                              where they are constants
//   With relu and no residual, dy counts in these where (x - mean) * s + beta > 0; y itself is not needed.
// Every vector of one value a channel is f32 beside bf16 activations, else of the same type.
#include "array.h"

namespace lacuna {

/// mean = sum x / n, centred = sum (x - mean)^2, n the number of rows; 0 and 0 for no rows.
struct BatchNormMoments {
  static constexpr const char* op = "batch_norm";
  Array mean, centred;  // out, (C)
  Array x;              // (..., C)
};

struct BatchNormForward {
  static constexpr const char* op = "batch_norm";
  Array y;                      // out, shape of x
  Array x;                      // (..., C)
  Array mean, rstd;             // (C)
  Array gamma = {}, beta = {};  // (C), optional: 1 and 0
  Array residual = {};          // optional, shape of x
  bool relu = false;
};

struct BatchNormSums {
  static constexpr const char* op = "batch_norm";
  Array dgamma, dbeta;  // out, (C)
  Array dy, x;          // (..., C)
  Array mean, rstd;     // (C)
  bool relu = false;
  Array gamma = {}, beta = {};  // (C), optional; read for relu alone
};

struct BatchNormBackward {
  static constexpr const char* op = "batch_norm";
  Array dx;          // out; may be dy
  Array dy, x;       // (..., C)
  Array mean, rstd;  // (C)
  Array gamma = {};  // (C), optional
  Array dgamma = {},
        dbeta = {};  // (C): the sums over the whole batch; absent where mean and rstd are constants
  double count = 0;  // n of the whole batch
  bool relu = false;
  Array beta = {};  // (C), optional; read for relu alone
};

void validate(const BatchNormMoments&);
void validate(const BatchNormForward&);
void validate(const BatchNormSums&);
void validate(const BatchNormBackward&);

}  // namespace lacuna
