// Kernels that move bytes: their share of the measured copy bandwidth.
#include "../../kernels/elementwise.h"
#include "../../kernels/layer_norm.h"
#include "../../kernels/optimizer.h"
#include "../../kernels/softmax.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

using Dims = std::vector<std::int64_t>;

// A kernel without products, which moves `bytes`.
Case moves(const std::string& name, Dtype dtype, double bytes, std::vector<Operand> operands,
           std::function<void(const Arrays&, How)> kernel) {
  Case c;
  c.name = name + (dtype == Dtype::bf16 ? " bf16" : " f32");
  c.dtype = dtype;
  c.bytes = bytes;
  c.operands = std::move(operands);
  c.kernel = std::move(kernel);
  return c;
}

}  // namespace

std::vector<Case> memory_cases(bool small) {
  std::vector<Case> cases;
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32}) {
    const double each = static_cast<double>(size_of(dtype));
    const std::vector<Dims> sizes =
        small ? std::vector<Dims>{{1024, 768}} : std::vector<Dims>{{65536, 768}, {16384, 4096}};
    for (const Dims& s : sizes) {
      const double n = static_cast<double>(s[0] * s[1]);
      const std::string shape = " " + std::to_string(s[0]) + "x" + std::to_string(s[1]);
      const Operand matrix{s, dtype}, row{{s[1]}, Dtype::f32},
          statistics{{s[0], 2}, Dtype::f32, Values::magnitudes};
      cases.push_back(moves(
          "gelu" + shape, dtype, 2 * n * each, {matrix, matrix}, [](const Arrays& a, How how) {
            call<&KernelTable::unary_forward>(UnaryForward{UnaryOp::gelu, a[0], a[1]}, how);
          }));
      cases.push_back(moves("softmax" + shape, dtype, 2 * n * each, {matrix, matrix},
                            [](const Arrays& a, How how) {
                              call<&KernelTable::softmax_forward>(SoftmaxForward{a[0], a[1]}, how);
                            }));
      cases.push_back(moves("layer_norm" + shape, dtype, 2 * n * each,
                            {matrix, statistics, matrix, row, row}, [](const Arrays& a, How how) {
                              call<&KernelTable::layer_norm_forward>(
                                  LayerNormForward{a[0], a[1], a[2], a[3], a[4]}, how);
                            }));
      cases.push_back(moves("layer_norm backward" + shape, dtype, 3 * n * each,
                            {matrix, row, row, matrix, matrix, statistics, row},
                            [](const Arrays& a, How how) {
                              call<&KernelTable::layer_norm_backward>(
                                  LayerNormBackward{a[0], a[1], a[2], a[3], a[4], a[5], a[6]}, how);
                            }));
    }
  }
  const std::int64_t parameters = small ? 1 << 20 : 124'000'000;
  const Operand values{{parameters}, Dtype::f32},
      second{{parameters}, Dtype::f32, Values::magnitudes};  // a mean of squares
  cases.push_back(moves(
      "adamw " + std::to_string(parameters), Dtype::f32, 28.0 * static_cast<double>(parameters),
      {values, values, values, second}, [](const Arrays& a, How how) {
        const OptimizerTensor t{a[0], a[1], a[2], a[3], 1e-9, 0};
        call<&KernelTable::adam_step>(AdamStep{&t, 1, 0.9, 0.999, 1e-8, true}, how);
      }));
  return cases;
}

}  // namespace lacuna::bench
