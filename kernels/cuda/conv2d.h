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

/// What becomes of the result; what is absent is left out.
struct ConvEnd {
  Array bias = {};
  Epilogue epilogue = Epilogue::none;
  Array residual = {};            // shape of the result; of forward alone, as what follows
  Array mean = {}, centred = {};  // out: the result's moments
};

void conv_forward(const Conv& c, const ConvEnd& end);
/// x = epilogue(what y gives back + bias)
void conv_grad_input(const Conv& c, const ConvEnd& end);
/// weight = the gradient
void conv_grad_weight(const Conv& c);

/// Whether every channel is a group of its own, for which these three do the same without products (conv2d_depthwise.cu).
bool is_depthwise(const Conv& c);
void depthwise_forward(const Conv& c, const ConvEnd& end);  // without moments
void depthwise_grad_input(const Conv& c, const ConvEnd& end);
void depthwise_grad_weight(const Conv& c);

/// sums (channels) = the sum of y over everything else
void channel_sums(const Array& sums, const Array& y, Stream stream);

}  // namespace lacuna::LACUNA_NS
