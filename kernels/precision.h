#pragma once
// How matrix products, convolutions and attention of f32 arrays multiply on cuda and emu.
#include <cstdint>

namespace lacuna {

/// f32: fused multiply-adds in f32; attention: tensor cores, each operand the sum of two tf32 (about 22 bits).
/// tf32: tensor cores, operands rounded to 10 bits of fraction, f32 sums.
enum class Precision : std::uint8_t { f32, tf32 };

/// One setting for the process, f32 at first; kernels launched from then on follow it.
void set_precision(Precision);
Precision precision();

}  // namespace lacuna
