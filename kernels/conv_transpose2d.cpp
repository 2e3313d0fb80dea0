#include "conv_transpose2d.h"

#include <algorithm>

namespace lacuna {
namespace {

// The three kernels under the names of their own arguments.
struct Names {
  const char *op, *x, *weight, *bias, *y;
  bool gradient = false;  // weight and bias are gradients, which are f32 beside bf16
};

void check(const Names& name, const Array& x, const Array& weight, const Array& bias,
           const Array& y, const Window2d& window, const std::int64_t* output_padding,
           std::int64_t groups) {
  const auto got = [&] {
    std::string text = describe(name.x, x) + ", " + describe(name.weight, weight);
    if (bias) text += ", " + describe(name.bias, bias);
    return text + ", " + describe(name.y, y) + ", groups " + std::to_string(groups);
  };
  if (name.gradient) {
    check_float_arrays(name.op, {{name.x, x}, {name.y, y}});
    check_statistics(name.op, {name.x, x}, {{name.weight, weight}, {name.bias, bias}});
  } else {
    check_float_arrays(name.op,
                       {{name.x, x}, {name.weight, weight}, {name.bias, bias}, {name.y, y}});
  }
  check_window(name.op, window);
  LACUNA_CHECK(x.ndim == 4, name.op, name.x, " must have four dimensions (n, h, w, channels): got ",
               got());
  LACUNA_CHECK(weight.ndim == 4, name.op, name.weight,
               " must have four dimensions (in, kh, kw, out / groups): got ", got());
  LACUNA_CHECK(y.ndim == 4, name.op, name.y,
               " must have four dimensions (n, oh, ow, channels): got ", got());
  LACUNA_CHECK(weight.dim(1) >= 1 && weight.dim(2) >= 1, name.op,
               "kernel must be at least 1 by 1: got ", got());
  LACUNA_CHECK(groups >= 1, name.op, "groups must be at least 1: got ", got());
  LACUNA_CHECK(weight.dim(0) == x.dim(3), name.op, name.weight,
               "'s in-channels must equal the input channels: got ", got());
  LACUNA_CHECK(x.dim(3) % groups == 0, name.op, "groups must divide the input channels: got ",
               got());
  LACUNA_CHECK(y.dim(3) == weight.dim(3) * groups, name.op, name.y, "'s channels must equal ",
               name.weight, "'s out-channels * groups: got ", got());
  LACUNA_CHECK(y.dim(0) == x.dim(0), name.op, name.x, " and ", name.y,
               " must have the same batch: got ", got());
  for (int axis = 0; axis < 2; axis++) {
    const char* side = axis == 0 ? "height" : "width";
    const std::int64_t extra = output_padding[axis];
    LACUNA_CHECK(extra >= 0 && extra < std::max(window.stride[axis], window.dilation[axis]),
                 name.op, "output padding must be below the stride or the dilation: got ", side,
                 " output padding ", extra, ", stride ", window.stride[axis], ", dilation ",
                 window.dilation[axis], " with ", got());
    LACUNA_CHECK(x.dim(1 + axis) >= 1, name.op, "input must have at least one pixel: got ", got());
    const std::int64_t expected = (x.dim(1 + axis) - 1) * window.stride[axis] -
                                  2 * window.padding[axis] +
                                  window.span(weight.dim(1 + axis), axis) + extra;
    LACUNA_CHECK(expected >= 1, name.op, "padding must leave at least one output pixel: got ", side,
                 " padding ", window.padding[axis], " with ", got());
    LACUNA_CHECK(y.dim(1 + axis) == expected, name.op, name.y, "'s ", side, " must be ", expected,
                 " (stride ", window.stride[axis], ", padding ", window.padding[axis],
                 ", dilation ", window.dilation[axis], ", output padding ", extra, "): got ",
                 got());
  }
  if (bias)
    LACUNA_CHECK(bias.ndim == 1 && bias.dim(0) == y.dim(3), name.op, name.bias,
                 " must have one element an output channel: got ", got());
}

}  // namespace

void validate(const ConvTranspose2dForward& a) {
  check({a.op, "x", "weight", "bias", "y"}, a.x, a.weight, a.bias, a.y, a.window, a.output_padding,
        a.groups);
}

void validate(const ConvTranspose2dGradInput& a) {
  check({a.op, "dx", "weight", "", "dy"}, a.dx, a.weight, {}, a.dy, a.window, a.output_padding,
        a.groups);
}

void validate(const ConvTranspose2dGradWeight& a) {
  check({a.op, "x", "dweight", "dbias", "dy", true}, a.x, a.dweight, a.dbias, a.dy, a.window,
        a.output_padding, a.groups);
}

}  // namespace lacuna
