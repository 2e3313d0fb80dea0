// Kernels that read and write each element once: their share of the measured copy bandwidth.
#include <cmath>

#include "../../kernels/dropout.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/optimizer.h"
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

// 3x3, stride 2, as after a ResNet's stem.
Case max_pool(std::int64_t n, std::int64_t size, std::int64_t channels) {
  const std::int64_t out = (size - 1) / 2 + 1;
  Pool2dForward p;
  p.kernel[0] = p.kernel[1] = 3;
  for (int axis = 0; axis < 2; axis++) p.window.stride[axis] = 2, p.window.padding[axis] = 1;
  Case c = moves(
      "max_pool2d 3x3 s2 " + std::to_string(n) + "x" + std::to_string(size) + "x" +
          std::to_string(size) + "x" + std::to_string(channels),
      Dtype::bf16, static_cast<double>(n * channels) * (2 * size * size + (2 + 4) * out * out),
      {{{n, out, out, channels}, Dtype::bf16},
       {{n, size, size, channels}, Dtype::bf16},
       {{n, out, out, channels}, Dtype::i32}},
      [p](const Arrays& a, How how) {
        Pool2dForward args = p;
        args.y = a[0], args.x = a[1], args.indices = a[2];
        call<&KernelTable::pool2d_forward>(args, how);
      },
      [=](const DeviceArrays& a) {
        Sampled sampled;
        for (const std::int64_t e : places(a[0]->size(), 64)) {
          const std::int64_t k = e % channels, j = e / channels % out, i = e / channels / out % out,
                             image = e / channels / out / out;
          double most = -INFINITY;
          for (std::int64_t h = 2 * i - 1; h <= 2 * i + 1; h++)
            for (std::int64_t w = 2 * j - 1; w <= 2 * j + 1; w++)
              if (h >= 0 && h < size && w >= 0 && w < size)
                most = std::fmax(most, a[1]->at(((image * size + h) * size + w) * channels + k));
          sampled.emplace_back(e, most);
        }
        return sampled;
      });
  c.op = "max_pool2d";
  return c;
}

/// How many elements each parameter of GPT-2 has: 124 million in all with its 50304 x 768 table, or those of one layer.
std::vector<std::int64_t> gpt2(bool one_layer) {
  const std::int64_t d = 768;
  std::vector<std::int64_t> sizes;
  if (!one_layer) sizes = {50304 * d, 1024 * d, d, d};
  for (int layer = 0; layer < (one_layer ? 1 : 12); layer++)
    for (const std::int64_t size :
         {d, d, 3 * d * d, 3 * d, d * d, d, d, d, 4 * d * d, 4 * d, 4 * d * d, d})
      sizes.push_back(size);
  return sizes;
}

constexpr double kRate = 1e-3, kDecay = 0.1, kBeta1 = 0.9, kBeta2 = 0.999, kEps = 1e-8;

// The parameters lie one behind the other in four arrays.
Case adamw(const std::vector<std::int64_t>& sizes) {
  std::int64_t count = 0;
  for (const std::int64_t size : sizes) count += size;
  const Operand values{{count}, Dtype::f32}, second{{count}, Dtype::f32, Values::magnitudes};
  Case c = moves(
      "adamw " + std::to_string(count) + " in " + std::to_string(sizes.size()) + " tensors",
      Dtype::f32, 28.0 * static_cast<double>(count), {values, values, values, second},
      [sizes](const Arrays& a, How how) {
        std::vector<OptimizerTensor> tensors;
        std::int64_t first = 0;
        for (const std::int64_t size : sizes) {
          const auto part = [&](Array whole) {
            whole.data = whole.as<float>() + first;
            whole.shape[0] = size;
            return whole;
          };
          tensors.push_back({part(a[0]), part(a[1]), part(a[2]), part(a[3]), kRate, kDecay});
          first += size;
        }
        call<&KernelTable::adam_step>(
            AdamStep{tensors.data(), static_cast<std::int64_t>(tensors.size()), kBeta1, kBeta2,
                     kEps, true},
            how);
      },
      [](const DeviceArrays& a) {
        Sampled out;
        for (const std::int64_t e : places(a[0]->size(), 64)) {
          const double p = a[0]->at(e), g = a[1]->at(e), m = a[2]->at(e), v = a[3]->at(e);
          const double first = m + (1 - kBeta1) * (g - m),
                       square = kBeta2 * v + (1 - kBeta2) * g * g;
          out.emplace_back(e,
                           p * (1 - kRate * kDecay) - kRate * first / (std::sqrt(square) + kEps));
        }
        return out;
      });
  c.updates = true;
  c.op = "adamw";
  for (std::size_t i = 0; i < sizes.size(); i++)
    c.settings["size " + std::to_string(i)] = static_cast<double>(sizes[i]);
  return c;
}

}  // namespace

std::vector<Case> memory_cases(bool small) {
  std::vector<Case> cases;
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32}) {
    cases.push_back(gelu(small ? 24 : 65536, 768, dtype));
    cases.push_back(dropout(small ? 24 : 65536, 768, dtype));
  }
  cases.push_back(small ? max_pool(4, 14, 64) : max_pool(256, 112, 64));
  cases.push_back(adamw(gpt2(small)));
  return cases;
}

}  // namespace lacuna::bench
