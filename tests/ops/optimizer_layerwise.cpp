// Cases of LAMB and LARS over two tensors in one call, one of which does not adapt. Each starts from copies of its inputs
// (parameters, gradients and states, in turn) and gives back everything that it changes.
#include "../../kernels/optimizer_layerwise.h"

#include <cmath>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "case.h"

namespace lacuna::test {
namespace {

constexpr double kRate = 0.1, kWeightDecay = 0.01, kGradientScale = 0.5, kEps = 1e-3;

struct Steps {
  Tensors arrays;
  std::vector<OptimizerTensor> table;
  Steps(const Tensors& x, std::size_t states) {
    for (const Tensor& t : x) arrays.push_back(contiguous(t).clone());
    const std::size_t each = 2 + states;
    for (std::size_t i = 0; i + each <= arrays.size(); i += each) {
      OptimizerTensor t;
      t.param = arrays[i].array();
      t.grad = arrays[i + 1].array();
      t.first = arrays[i + 2].array();
      if (states > 1) t.second = arrays[i + 3].array();
      t.lr = kRate;
      t.weight_decay = kWeightDecay;
      t.bias1 = 0.2;
      t.bias2 = 0.05;
      t.adapt = i == 0;
      table.push_back(t);
    }
  }
  Tensor changed(std::size_t states) const {
    Tensors out;
    for (std::size_t i = 0; i < arrays.size(); i++)
      if (i % (2 + states) != 1) out.push_back(reshape(arrays[i], {arrays[i].numel()}));
    return concat(out);
  }
};

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

using Values = std::vector<double>;

Values lamb(const Tensors& x) {
  Values y;
  for (std::size_t t = 0; t < x.size(); t += 4) {
    auto p = x[t].to_vector<double>(), g = x[t + 1].to_vector<double>(),
         m = x[t + 2].to_vector<double>(), v = x[t + 3].to_vector<double>(), r = p;
    for (std::size_t i = 0; i < p.size(); i++) {
      m[i] = 0.8 * m[i] + 0.2 * kGradientScale * g[i];
      v[i] = 0.95 * v[i] + 0.05 * kGradientScale * kGradientScale * g[i] * g[i];
      r[i] = m[i] / 0.2 / (std::sqrt(v[i] / 0.05) + kEps) + kWeightDecay * p[i];
    }
    const double trust = t == 0 && norm(p) > 0 && norm(r) > 0 ? norm(p) / norm(r) : 1;
    for (std::size_t i = 0; i < p.size(); i++) p[i] -= kRate * trust * r[i];
    for (const Values& changed : {p, m, v}) y.insert(y.end(), changed.begin(), changed.end());
  }
  return y;
}

Values lars(const Tensors& x) {
  Values y;
  for (std::size_t t = 0; t < x.size(); t += 3) {
    auto p = x[t].to_vector<double>(), g = x[t + 1].to_vector<double>(),
         m = x[t + 2].to_vector<double>();
    for (std::size_t i = 0; i < p.size(); i++) g[i] = kGradientScale * g[i] + kWeightDecay * p[i];
    const double trust = t == 0 && norm(p) > 0 && norm(g) > 0 ? 0.3 * norm(p) / norm(g) : 1;
    for (std::size_t i = 0; i < p.size(); i++) p[i] -= m[i] = 0.9 * m[i] + kRate * trust * g[i];
    for (const Values& changed : {p, m}) y.insert(y.end(), changed.begin(), changed.end());
  }
  return y;
}

void both(const std::string& size, const Shape& shape, double low = -2) {
  for (const bool has_second : {false, true}) {
    Case c;
    c.name = std::string(has_second ? "lamb_step/" : "lars_step/") + size;
    for (const Shape& s : {shape, Shape{2, 3}}) {
      c.inputs.push_back({s, low, -low});
      c.inputs.push_back({s});
      c.inputs.push_back({s, -0.5, 0.5});
      if (has_second) c.inputs.push_back({s, 0.1, 2});
    }
    if (has_second) {
      c.apply = [](const Tensors& x) {
        const Steps s(x, 2);
        run<&KernelTable::lamb_step>(LambStep{s.table.data(), 2, 0.8, 0.95, kEps, kGradientScale},
                                     x[0].device());
        return s.changed(2);
      };
      c.reference = lamb;
    } else {
      c.apply = [](const Tensors& x) {
        const Steps s(x, 1);
        run<&KernelTable::lars_step>(LarsStep{s.table.data(), 2, 0.9, 0.3, kGradientScale},
                                     x[0].device());
        return s.changed(1);
      };
      c.reference = lars;
    }
    c.bf16_tolerance = 0;
    c.gradient = false;
    add(c);
  }
}

const Register optimizer_layerwise_cases([] {
  for (int n : kSizes) both("n=" + std::to_string(n), {n});
  both("pieces", {3, 7001});
  both("zero", {7}, 0);
});

}  // namespace
}  // namespace lacuna::test
