#include "pool2d.h"

namespace lacuna {
namespace {

struct Names {
  const char *op, *x, *y;
};

void check(const Names& name, const Array& x, const Array& y, const Array& indices, PoolKind kind,
           const std::int64_t* kernel, const Window2d& window) {
  const auto got = [&] {
    std::string text = describe(name.x, x) + ", " + describe(name.y, y);
    if (indices) text += ", " + describe("indices", indices);
    return text + ", kernel (" + std::to_string(kernel[0]) + ", " + std::to_string(kernel[1]) + ")";
  };
  check_float_arrays(name.op, {{name.x, x}, {name.y, y}});
  check_window(name.op, window);
  LACUNA_CHECK(x.ndim == 4, name.op, name.x, " must have four dimensions (n, h, w, channels): got ",
               got());
  LACUNA_CHECK(y.ndim == 4, name.op, name.y,
               " must have four dimensions (n, oh, ow, channels): got ", got());
  LACUNA_CHECK(kernel[0] >= 1 && kernel[1] >= 1, name.op, "kernel must be at least 1 by 1: got ",
               got());
  LACUNA_CHECK(2 * window.padding[0] <= kernel[0] && 2 * window.padding[1] <= kernel[1], name.op,
               "padding must be at most half the kernel: got padding (", window.padding[0], ", ",
               window.padding[1], ") with ", got());
  LACUNA_CHECK(x.dim(0) == y.dim(0), name.op, name.x, " and ", name.y,
               " must have the same batch: got ", got());
  LACUNA_CHECK(x.dim(3) == y.dim(3), name.op, name.x, " and ", name.y,
               " must have the same channels: got ", got());
  for (int axis = 0; axis < 2; axis++) {
    const char* side = axis == 0 ? "height" : "width";
    const std::int64_t expected = window.output(x.dim(1 + axis), kernel[axis], axis);
    LACUNA_CHECK(expected >= 1, name.op, "kernel must fit the padded input: got ", side, " ",
                 x.dim(1 + axis), ", padding ", window.padding[axis], ", dilation ",
                 window.dilation[axis], " with ", got());
    LACUNA_CHECK(y.dim(1 + axis) == expected, name.op, name.y, "'s ", side, " must be ", expected,
                 " (stride ", window.stride[axis], ", padding ", window.padding[axis],
                 ", dilation ", window.dilation[axis], "): got ", got());
  }
  if (!indices) return;
  LACUNA_CHECK(kind == PoolKind::max, name.op, "average pooling takes no indices: got ", got());
  LACUNA_CHECK(indices.dtype == Dtype::i32, name.op, "indices must be i32: got ", got());
  LACUNA_CHECK(x.dim(1) * x.dim(2) < (std::int64_t{1} << 31), name.op,
               "an image's pixels must be countable in i32: got ", got());
  check_same_device(name.op, {{name.x, x}, {"indices", indices}});
  check_same_shape(name.op, {{name.y, y}, {"indices", indices}});
  check_contiguous(name.op, {{"indices", indices}});
}

}  // namespace

void validate(const Pool2dForward& a) {
  check({a.op, "x", "y"}, a.x, a.y, a.indices, a.kind, a.kernel, a.window);
}

void validate(const Pool2dBackward& a) {
  check({a.op, "dx", "dy"}, a.dx, a.dy, a.indices, a.kind, a.kernel, a.window);
  LACUNA_CHECK(a.kind != PoolKind::max || a.indices, a.op,
               "max pooling needs the indices that forward wrote: got ", describe("dx", a.dx), ", ",
               describe("dy", a.dy));
}

}  // namespace lacuna
