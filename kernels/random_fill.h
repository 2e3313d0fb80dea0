#pragma once
// Fills with random numbers, by random.h: element e of row r (a row is one index of dimension 0) is made of word e of the
// row (sample, view) = ids[r], so that it does not depend on r, on the other rows, on threads or on the device.
#include "array.h"
#include "random.h"

namespace lacuna {

enum class Distribution : std::uint8_t {
  uniform,    // a + (b - a) * u, u in [0, 1) with 24 bits; f32 or f64
  normal,     // a + b * z, z standard normal; f32 or f64
  bernoulli,  // 1 with probability a, else 0; bool, u8, f32 or f64
};

struct RandomFill {
  static constexpr const char* op = "random_fill";
  Distribution kind;
  Array y;         // out, (rows, ...), contiguous
  Array ids = {};  // optional: (rows, 2) i64, contiguous; without it row r is sample r of view 0
  RandomKey key;
  double a = 0, b = 1;
};

void validate(const RandomFill&);

/// What every kernel that draws by row asks of its ids; `rows` is the array whose dimension 0 they name.
void check_row_ids(const char* op, const char* name, const Array& rows, const Array& ids);

}  // namespace lacuna
