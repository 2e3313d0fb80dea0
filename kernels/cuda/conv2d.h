#pragma once
// Convolution's three kernels by sizes, for conv2d.cu and for conv_transpose2d.cu, where x and y change places.
#include "../array.h"
#include "../epilogue.h"
#include "../window.h"

namespace lacuna::LACUNA_NS {

/// x (n, h, w, ci), weight (co, kh, kw, ci / groups), y (n, oh, ow, co); all contiguous, of one dtype but for a gradient of
/// weights, which is f32 beside bf16.
struct Conv {
  Array x, weight, y;
  Window2d window;
  std::int64_t groups;
  Stream stream;
};

void conv_forward(const Conv& c, const Array& bias, Epilogue epilogue);
/// x = epilogue(what y gives back + bias)
void conv_grad_input(const Conv& c, const Array& bias, Epilogue epilogue);
/// weight = the gradient
void conv_grad_weight(const Conv& c);
/// sums (channels) = the sum of y over everything else
void channel_sums(const Array& sums, const Array& y, Stream stream);

}  // namespace lacuna::LACUNA_NS
