#pragma once
// Losses over two arrays of one shape: y = scale * sum_i f(a_i, b_i), with the f of pointwise_loss.def. With a mask,
// y = sum_i m_i f(a_i, b_i) / sum_i m_i over the values with m_i != 0 (the others are not looked at, be they NaN), and 0
// where there is no such value.
// a and b may each be bf16 on cuda and emu; the rest is f32 then.
#include "array.h"

namespace lacuna {

enum class PointwiseLoss : std::uint8_t {
#define LOSS(name, ...) name,
#include "pointwise_loss.def"
};

const char* name_of(PointwiseLoss);

struct PointwiseLossForward {
  static constexpr const char* op = "pointwise_loss";
  PointwiseLoss kind;
  Array y;            // out, 0-d
  Array a, b;         // contiguous
  double scale = 1;   // not looked at where there is a mask
  Array mask = {};    // optional: bool, u8 or y's dtype; a's shape, any strides (0 broadcasts)
  Array weight = {};  // with a mask: out, 0-d, y's dtype: 1 / sum of the mask, or 0 where that is 0
};

/// da = dy * scale * df/da, and the same for b; with a mask the weight that forward gave times m_i takes the scale's place.
struct PointwiseLossBackward {
  static constexpr const char* op = "pointwise_loss";
  PointwiseLoss kind;
  Array da, db;  // out; an absent one is not wanted; da may be a, db may be b
  Array dy;      // 0-d
  Array a, b;    // contiguous
  double scale = 1;
  Array mask = {};
  Array weight = {};
};

void validate(const PointwiseLossForward&);
void validate(const PointwiseLossBackward&);

}  // namespace lacuna
