#pragma once
// Convolutions by their definition in f64, at a few places of each result.
#include "cases.h"
#include "cudnn_conv.h"

namespace lacuna::bench {

// The operands: what is read beside what is written. A weight gradient is f32 beside bf16, and has an array of its own.
enum Place : std::size_t { kX, kWeight, kY, kWeightGradient };
Place result_of(ConvKind kind);

Sampled conv_reference(ConvKind kind, const ConvShape& s, const DeviceArrays& arrays);
/// Of the last channel's results as bf16 stores them: the mean, and the sum of squares about it.
std::pair<double, double> channel_moments(const ConvShape& s, const DeviceArrays& arrays);

}  // namespace lacuna::bench
