// Cases of kernels that no op of core stands over: steps of optimizers, which nn calls. Each starts from copies of its
// inputs and gives back everything that it changes.
#include "../../kernels/optimizer.h"

#include <cmath>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "case.h"

namespace lacuna::test {
namespace {

constexpr double kLr = 0.1, kDecay = 0.01, kScale = 0.5;

Tensor copy_of(const Tensor& x) { return contiguous(x).clone(); }

// Copies of param, grad, first, second as a case's inputs come, and one step over them.
struct Step {
  Tensor param, grad, first, second;
  OptimizerTensor args;
  explicit Step(const Tensors& x) : param(copy_of(x[0])), grad(copy_of(x[1])) {
    if (x.size() > 2) first = copy_of(x[2]);
    if (x.size() > 3) second = copy_of(x[3]);
    args = {param.array(), grad.array(), first.array(), second.array(), kLr, kDecay, 1, 1};
  }
};

// Formula over one element: p, g, m, v are changed in place.
using Formula = void (*)(double& p, double g, double& m, double& v);

std::vector<double> each(const Tensors& x, Formula formula) {
  std::vector<std::vector<double>> v;
  for (const Tensor& t : x) v.push_back(t.to_vector<double>());
  v.resize(4, std::vector<double>(v[0].size(), 0));
  for (std::size_t i = 0; i < v[0].size(); i++) formula(v[0][i], v[1][i], v[2][i], v[3][i]);
  std::vector<double> y = v[0];
  for (std::size_t k = 2; k < x.size(); k++) y.insert(y.end(), v[k].begin(), v[k].end());
  return y;
}

void step_case(const std::string& name, std::size_t states, Tensor (*apply)(const Tensors&),
               Formula formula) {
  for (int n : kSizes) {
    Case c;
    c.name = name + "/n=" + std::to_string(n);
    c.inputs = {{{n}}, {{n}}};
    for (std::size_t i = 0; i < states; i++) c.inputs.push_back({{n}, 0.1, 2});
    c.apply = apply;
    c.reference = [formula](const Tensors& x) { return each(x, formula); };
    c.gradient = false;
    c.bf16_tolerance = 0;
    add(c);
  }
}

template <bool kNesterov>
Tensor sgd(const Tensors& x) {
  Step s(x);
  run<&KernelTable::sgd_step>(SgdStep{&s.args, 1, 0.9, kNesterov, kScale}, s.param.device());
  return concat({s.param, s.first});
}

template <bool kDecoupled>
Tensor adam(const Tensors& x) {
  Step s(x);
  s.args.bias1 = 1 - 0.8;
  s.args.bias2 = 1 - 0.95;
  run<&KernelTable::adam_step>(AdamStep{&s.args, 1, 0.8, 0.95, 1e-8, kDecoupled, kScale},
                               s.param.device());
  return concat({s.param, s.first, s.second});
}

// What changes from step to step, read from the device's memory: the table says something else.
Tensor numbers(const std::vector<double>& values, const Shape& shape, const Tensor& like) {
  return to(to(Tensor::from(values, shape), like.dtype()), like.device());
}

Tensor sgd_from_memory(const Tensors& x) {
  Step s(x);
  const Tensor scale = numbers({kScale / 2}, {1}, s.param),
               rates = numbers({kLr, 1, 1}, {1, 3}, s.param);
  s.args.lr = 7;
  run<&KernelTable::sgd_step>(SgdStep{&s.args, 1, 0.9, false, 2, scale.array(), rates.array()},
                              s.param.device());
  return concat({s.param, s.first});
}

Tensor adamw_from_memory(const Tensors& x) {
  Step s(x);
  const Tensor scale = numbers({kScale}, {1}, s.param);
  const Tensor rates = numbers({kLr / 0.2, 1 - kLr * kDecay, std::sqrt(0.05)}, {1, 3}, s.param);
  s.args.lr = 7;
  run<&KernelTable::adam_step>(
      AdamStep{&s.args, 1, 0.8, 0.95, 1e-8, true, 1, scale.array(), rates.array()},
      s.param.device());
  return concat({s.param, s.first, s.second});
}

// A step whose scale is NaN changes nothing.
Tensor adam_stopped(const Tensors& x) {
  Step s(x);
  const Tensor scale = numbers({std::nan("")}, {1}, s.param);
  run<&KernelTable::adam_step>(AdamStep{&s.args, 1, 0.8, 0.95, 1e-8, false, 1, scale.array()},
                               s.param.device());
  return concat({s.param, s.first, s.second});
}

Tensor clip(const Tensors& x, double max_norm) {
  const Tensor scale = Tensor::empty({1}, x[0].dtype(), x[0].device());
  const Tensor loss = contiguous(x[0]);
  const Tensor sums = Tensor::from(x[1].to_vector<double>(), x[1].shape(), loss.device());
  run<&KernelTable::clip_scale>(ClipScale{scale.array(), loss.array(), sums.array(), max_norm},
                                scale.device());
  return scale;
}

const Register optimizer_cases([] {
  step_case(
      "sgd_step", 0,
      [](const Tensors& x) {
        Step s(x);
        run<&KernelTable::sgd_step>(SgdStep{&s.args, 1, 0, false, kScale}, s.param.device());
        return s.param;
      },
      [](double& p, double g, double&, double&) { p -= kLr * (kScale * g + kDecay * p); });
  step_case("sgd_step_momentum", 1, sgd<false>, [](double& p, double g, double& m, double&) {
    m = 0.9 * m + kScale * g + kDecay * p;
    p -= kLr * m;
  });
  step_case("sgd_step_nesterov", 1, sgd<true>, [](double& p, double g, double& m, double&) {
    const double u = kScale * g + kDecay * p;
    m = 0.9 * m + u;
    p -= kLr * (u + 0.9 * m);
  });
  step_case("adam_step", 2, adam<false>, [](double& p, double g, double& m, double& v) {
    const double u = kScale * g + kDecay * p;
    m = 0.8 * m + 0.2 * u;
    v = 0.95 * v + 0.05 * u * u;
    p -= kLr * (m / 0.2) / (std::sqrt(v / 0.05) + 1e-8);
  });
  step_case("adamw_step", 2, adam<true>, [](double& p, double g, double& m, double& v) {
    const double u = kScale * g;
    m = 0.8 * m + 0.2 * u;
    v = 0.95 * v + 0.05 * u * u;
    p = p * (1 - kLr * kDecay) - kLr * (m / 0.2) / (std::sqrt(v / 0.05) + 1e-8);
  });
  step_case("sgd_step_from_memory", 1, sgd_from_memory,
            [](double& p, double g, double& m, double&) {
              m = 0.9 * m + kScale * g + kDecay * p;
              p -= kLr * m;
            });
  step_case("adamw_step_from_memory", 2, adamw_from_memory,
            [](double& p, double g, double& m, double& v) {
              const double u = kScale * g;
              m = 0.8 * m + 0.2 * u;
              v = 0.95 * v + 0.05 * u * u;
              p = p * (1 - kLr * kDecay) - kLr * (m / 0.2) / (std::sqrt(v / 0.05) + 1e-8);
            });
  step_case("adam_step_stopped", 2, adam_stopped, [](double&, double, double&, double&) {});
  for (int n : kSizes)
    for (double max_norm : {0.5, 1e6})
      add({.name = "clip_scale/n=" + std::to_string(n) + "/max=" + std::to_string(max_norm),
           .inputs = {{{1}}, {{n}, 0, 2}},
           .apply = [max_norm](const Tensors& x) { return clip(x, max_norm); },
           .reference =
               [max_norm](const Tensors& x) {
                 double sum = 0;
                 for (const double v : x[1].to_vector<double>()) sum += v;
                 return std::vector<double>{std::min(1.0, max_norm / (std::sqrt(sum) + 1e-6))};
               },
           .bf16_tolerance = 0,
           .gradient = false});
  step_case(
      "lerp_step", 0,
      [](const Tensors& x) {
        Step s(x);
        run<&KernelTable::lerp_step>(LerpStep{&s.args, 1, 0.25}, s.param.device());
        return s.param;
      },
      [](double& p, double g, double&, double&) { p = 0.75 * p + 0.25 * g; });
  for (int n : kSizes)
    add({.name = "sum_squares/n=" + std::to_string(n),
         .inputs = {{{n}}, {{2, 3}}},
         .apply =
             [](const Tensors& x) {
               const Tensor a = contiguous(x[0]), b = contiguous(x[1]);
               const Array arrays[] = {a.array(), b.array()};
               Tensor sums = Tensor::empty({2}, Dtype::f64, a.device());
               run<&KernelTable::sum_squares>(SumSquares{arrays, 2, sums.array()}, a.device());
               return sums;
             },
         .reference =
             [](const Tensors& x) {
               std::vector<double> sums;
               for (const Tensor& t : x) {
                 double sum = 0;
                 for (const double v : t.to_vector<double>()) sum += v * v;
                 sums.push_back(sum);
               }
               return sums;
             },
         .bf16_tolerance = 0,
         .gradient = false});
});

}  // namespace
}  // namespace lacuna::test
