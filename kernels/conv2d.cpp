#include "conv2d.h"

namespace lacuna {
namespace {

// The three kernels under the names of their own arguments; what a kernel has no use for is null.
struct Names {
  const char *op, *x, *weight, *bias, *y;
  bool gradient = false;  // weight and bias are gradients, which are f32 beside bf16
};

void check(const Names& name, const Array& x, const Array& weight, const Array& bias,
           const Array& y, const Window2d& window, std::int64_t groups) {
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
               " must have four dimensions (out, kh, kw, in / groups): got ", got());
  LACUNA_CHECK(y.ndim == 4, name.op, name.y,
               " must have four dimensions (n, oh, ow, channels): got ", got());
  LACUNA_CHECK(weight.dim(1) >= 1 && weight.dim(2) >= 1, name.op,
               "kernel must be at least 1 by 1: got ", got());
  LACUNA_CHECK(groups >= 1, name.op, "groups must be at least 1: got ", got());
  LACUNA_CHECK(x.dim(3) % groups == 0, name.op, "groups must divide the input channels: got ",
               got());
  LACUNA_CHECK(weight.dim(0) % groups == 0, name.op, "groups must divide the output channels: got ",
               got());
  LACUNA_CHECK(weight.dim(3) == x.dim(3) / groups, name.op, name.weight,
               "'s in-channels must equal input channels / groups: got ", got());
  LACUNA_CHECK(y.dim(3) == weight.dim(0), name.op, name.y, "'s channels must equal ", name.weight,
               "'s out-channels: got ", got());
  LACUNA_CHECK(y.dim(0) == x.dim(0), name.op, name.x, " and ", name.y,
               " must have the same batch: got ", got());
  for (int axis = 0; axis < 2; axis++) {
    const std::int64_t size = x.dim(1 + axis), kernel = weight.dim(1 + axis);
    const std::int64_t expected = window.output(size, kernel, axis);
    const char* side = axis == 0 ? "height" : "width";
    LACUNA_CHECK(expected >= 1, name.op, "kernel must fit the padded input: got ", side, " ", size,
                 ", padding ", window.padding[axis], ", kernel ", kernel, ", dilation ",
                 window.dilation[axis], " with ", got());
    LACUNA_CHECK(y.dim(1 + axis) == expected, name.op, name.y, "'s ", side, " must be ", expected,
                 " (stride ", window.stride[axis], ", padding ", window.padding[axis],
                 ", dilation ", window.dilation[axis], "): got ", got());
  }
  if (bias)
    LACUNA_CHECK(bias.ndim == 1 && bias.dim(0) == y.dim(3), name.op, name.bias,
                 " must have one element an output channel: got ", got());
}

}  // namespace

void validate(const Conv2dForward& a) {
  check({a.op, "x", "weight", "bias", "y"}, a.x, a.weight, a.bias, a.y, a.window, a.groups);
  if (a.residual) {
    check_float_arrays(a.op, {{"y", a.y}, {"residual", a.residual}});
    check_same_shape(a.op, {{"y", a.y}, {"residual", a.residual}});
  }
  LACUNA_CHECK(static_cast<bool>(a.mean) == static_cast<bool>(a.centred), a.op,
               "mean and centred come together: got ", describe("mean", a.mean), ", ",
               describe("centred", a.centred));
  check_statistics(a.op, {"y", a.y}, {{"mean", a.mean}, {"centred", a.centred}});
  for (const Arg& v : {Arg{"mean", a.mean}, Arg{"centred", a.centred}})
    LACUNA_CHECK(!v.array || (v.array.ndim == 1 && v.array.dim(0) == a.y.dim(3)), a.op, v.name,
                 " must have one value a channel: got ", describe(v.name, v.array), " for ",
                 describe("y", a.y));
}

void validate(const Conv2dGradInput& a) {
  check({a.op, "dx", "weight", "", "dy"}, a.dx, a.weight, {}, a.dy, a.window, a.groups);
}

void validate(const Conv2dGradWeight& a) {
  check({a.op, "x", "dweight", "dbias", "dy", true}, a.x, a.dweight, a.dbias, a.dy, a.window,
        a.groups);
}

}  // namespace lacuna
