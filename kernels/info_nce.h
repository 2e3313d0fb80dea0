#pragma once
// InfoNCE (van den Oord et al. 2018): which of M columns belongs to a row? One loss a row, without the matrix of scores:
//   s_ij = a_i . b_j / tau,   lse_i = log sum_j exp(s_ij),   loss_i = lse_i - s_i,positive(i)
//   g_ij = dloss_i / tau * (exp(s_ij - lse_i) - [j = positive(i)]),   da = g b,   db = g^T a
// Where self >= 0, column self + i is row i itself: it is left out of the sum, and g is 0 there.
//   NT-Xent (SimCLR)     a = b = all views, self = 0, positive: the other view
//   a slice of the rows  a = rows r .. of b, self = r: what one of several ranks computes
//   CLIP                 twice, with a and b exchanged, positive(i) = i
//   a queue (MoCo)       b = positives, then the queue
// A positive that is no column, or the row's own, is an Error that names the row on cpu; elsewhere that loss is NaN.
// Beside bf16 rows and columns loss, lse and dloss are f32, else of their type. Memory is O((m + M) D).
#include "array.h"

namespace lacuna {

struct InfoNceForward {
  static constexpr const char* op = "info_nce";
  Array loss, lse;      // out, (m)
  Array rows, columns;  // a (m, D), b (M, D), contiguous
  Array positive;       // (m) i64, contiguous: each in [0, M)
  double temperature = 0.1;
  std::int64_t self = -1;
};

/// Whose gradient: g y, where x are the rows and y the columns; g^T y, where it is the other way round; or (g + g^T) y, where
/// x and y are the same.
enum class InfoNceSide { rows, columns, both };

struct InfoNceBackward {
  static constexpr const char* op = "info_nce";
  Array drows, dcolumns;  // out; either may be absent
  Array
      dboth;  // out, instead of them where rows and columns are one array and self = 0: their sum, for half the work
  Array dloss, lse;  // (m)
  Array rows, columns, positive;
  double temperature = 0.1;
  std::int64_t self = -1;

  const Array& gradient(InfoNceSide side) const {
    return side == InfoNceSide::both ? dboth : side == InfoNceSide::rows ? drows : dcolumns;
  }
};

void validate(const InfoNceForward&);
void validate(const InfoNceBackward&);

}  // namespace lacuna
