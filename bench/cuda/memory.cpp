// Kernels that read and write each element once: their share of the measured copy bandwidth.
#include <cmath>

#include "../../kernels/dropout.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/pool2d.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

Case gelu(std::int64_t rows, std::int64_t columns, Dtype dtype) {
  const Operand matrix{{rows, columns}, dtype};
  Case c = moves(
      "gelu " + std::to_string(rows) + "x" + std::to_string(columns), dtype,
      2 * static_cast<double>(rows * columns) * static_cast<double>(size_of(dtype)),
      {matrix, matrix},
      [](const Arrays& a, How how) {
        call<&KernelTable::unary_forward>(UnaryForward{UnaryOp::gelu, a[0], a[1]}, how);
      },
      [](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t e : places(a[0]->size(), 64)) {
          const double x = a[1]->at(e);
          out.emplace_back(e, x / 2 * std::erfc(-x / std::sqrt(2.0)));
        }
        return out;
      });
  c.op = "gelu";
  return c;
}

Case dropout(std::int64_t rows, std::int64_t columns, Dtype dtype) {
  constexpr double kP = 0.1;
  const RandomKey key = RandomKey::of(9, 9);
  const Operand matrix{{rows, columns}, dtype};
  Case c = moves(
      "dropout " + std::to_string(rows) + "x" + std::to_string(columns), dtype,
      2 * static_cast<double>(rows * columns) * static_cast<double>(size_of(dtype)),
      {matrix, matrix},
      [key](const Arrays& a, How how) {
        call<&KernelTable::dropout>(Dropout{a[0], a[1], {}, key, kP}, how);
      },
      [key, columns](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t e : places(a[0]->size(), 64)) {
          const bool kept =
              BernoulliThreshold(1 - kP)(draw_word(key, static_cast<std::uint64_t>(e % columns),
                                                   static_cast<std::uint64_t>(e / columns)));
          out.emplace_back(e, kept ? a[1]->at(e) / (1 - kP) : 0);
        }
        return out;
      });
  c.op = "dropout";
  c.settings = {{"p", kP}};
  return c;
}

// Largest of 3x3, stride 2, as after a ResNet's stem.
struct MaxPool {
  std::int64_t n, size, channels;

  std::int64_t out() const { return (size - 1) / 2 + 1; }
  double pixels() const { return static_cast<double>(n * size * size * channels); }
  double windows() const { return static_cast<double>(n * out() * out() * channels); }
  std::string text() const {
    return " 3x3 s2 " + std::to_string(n) + "x" + std::to_string(size) + "x" +
           std::to_string(size) + "x" + std::to_string(channels);
  }
  template <class Args>
  Args args() const {
    Args p;
    p.kernel[0] = p.kernel[1] = 3;
    for (int axis = 0; axis < 2; axis++) p.window.stride[axis] = 2, p.window.padding[axis] = 1;
    return p;
  }
  void forward(const Array& y, const Array& x, const Array& indices, How how) const {
    auto p = args<Pool2dForward>();
    p.y = y, p.x = x, p.indices = indices;
    call<&KernelTable::pool2d_forward>(p, how);
  }
  /// Of a window: the first of its largest pixels, row * size + column, and what it holds.
  std::pair<std::int64_t, double> largest(const DeviceArray& x, std::int64_t image, std::int64_t i,
                                          std::int64_t j, std::int64_t channel) const {
    std::pair<std::int64_t, double> found{-1, -INFINITY};
    for (std::int64_t h = 2 * i - 1; h <= 2 * i + 1; h++)
      for (std::int64_t w = 2 * j - 1; w <= 2 * j + 1; w++) {
        if (h < 0 || h >= size || w < 0 || w >= size) continue;
        const double v = x.at(((image * size + h) * size + w) * channels + channel);
        if (v > found.second) found = {h * size + w, v};
      }
    return found;
  }
};

Case max_pool(const MaxPool& p) {
  const std::int64_t out = p.out();
  const auto look_at = [p, out](bool index) {
    return [=](const DeviceArrays& a) {
      Sampled sampled;
      for (const std::int64_t e : places(a[0]->size(), 64)) {
        const std::int64_t k = e % p.channels, j = e / p.channels % out,
                           i = e / p.channels / out % out, image = e / p.channels / out / out;
        const auto [place, value] = p.largest(*a[1], image, i, j, k);
        sampled.emplace_back(e, index ? static_cast<double>(place) : value);
      }
      return sampled;
    };
  };
  Case c = moves(
      "max_pool2d" + p.text(), Dtype::bf16, 2 * p.pixels() + (2 + 4) * p.windows(),
      {{{p.n, out, out, p.channels}, Dtype::bf16},
       {{p.n, p.size, p.size, p.channels}, Dtype::bf16},
       {{p.n, out, out, p.channels}, Dtype::i32}},
      [p](const Arrays& a, How how) { p.forward(a[0], a[1], a[2], how); }, look_at(false));
  c.outputs.push_back({2, look_at(true)});
  c.op = "max_pool2d";
  return c;
}

// To each pixel come the gradients of the windows whose largest it is.
Case max_pool_backward(const MaxPool& p) {
  const std::int64_t out = p.out();
  const Operand image{{p.n, p.size, p.size, p.channels}, Dtype::bf16},
      result{{p.n, out, out, p.channels}, Dtype::bf16};
  Case c = moves(
      "max_pool2d backward" + p.text(), Dtype::bf16, 2 * p.pixels() + (2 + 4) * p.windows(),
      {image, image, {result.shape, Dtype::i32}, result, result},
      [p](const Arrays& a, How how) {
        auto args = p.args<Pool2dBackward>();
        args.dx = a[0], args.dy = a[4], args.indices = a[2];
        call<&KernelTable::pool2d_backward>(args, how);
      },
      [=](const DeviceArrays& a) {
        Sampled sampled;
        for (const std::int64_t e : places(a[0]->size(), 64)) {
          const std::int64_t k = e % p.channels, w = e / p.channels % p.size,
                             h = e / p.channels / p.size % p.size,
                             n = e / p.channels / p.size / p.size;
          double sum = 0;
          for (std::int64_t i = h / 2; i <= (h + 1) / 2 && i < out; i++)
            for (std::int64_t j = w / 2; j <= (w + 1) / 2 && j < out; j++)
              if (p.largest(*a[1], n, i, j, k).first == h * p.size + w)
                sum += a[4]->at(((n * out + i) * out + j) * p.channels + k);
          sampled.emplace_back(e, sum);
        }
        return sampled;
      });
  c.prepare = [p](const Arrays& a, How how) { p.forward(a[3], a[1], a[2], how); };
  c.op = "max_pool2d_backward";
  return c;
}

}  // namespace

std::vector<Case> memory_cases(bool small) {
  std::vector<Case> cases;
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32}) {
    cases.push_back(gelu(small ? 24 : 65536, 768, dtype));
    cases.push_back(dropout(small ? 24 : 65536, 768, dtype));
  }
  const MaxPool pool = small ? MaxPool{4, 14, 64} : MaxPool{256, 112, 64};
  cases.push_back(max_pool(pool));
  cases.push_back(max_pool_backward(pool));
  return cases;
}

}  // namespace lacuna::bench
