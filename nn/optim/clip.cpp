#include "clip.h"

#include <cmath>

#include "../../kernels/optimizer.h"

namespace lacuna {

namespace {

// (gradients) f64; undefined where there are none.
Tensor squares_of(const std::vector<NamedTensor>& parameters) {
  std::vector<Array> gradients;
  for (const auto& [name, tensor] : parameters)
    if (const Tensor g = tensor.grad(); g.defined()) gradients.push_back(g.array());
  if (gradients.empty()) return {};
  const auto count = static_cast<std::int64_t>(gradients.size());
  const Tensor sums = Tensor::empty({count}, Dtype::f64, gradients[0].device);
  run<&KernelTable::sum_squares>(SumSquares{gradients.data(), count, sums.array()}, sums.device());
  return sums;
}

}  // namespace

double global_norm(const std::vector<NamedTensor>& parameters) {
  const Tensor sums = squares_of(parameters);
  if (!sums.defined()) return 0;
  double total = 0;
  for (double s : sums.to_vector<double>()) total += s;
  return std::sqrt(total);
}

double clip_scale(double norm, double max_norm) {
  LACUNA_CHECK(max_norm > 0, "clip_scale", "max_norm must be above 0: got ", max_norm);
  if (!std::isfinite(norm)) return std::nan("");
  return std::min(1.0, max_norm / (norm + 1e-6));
}

Tensor step_scale(const Tensor& loss, const std::vector<NamedTensor>& parameters, double max_norm) {
  LACUNA_CHECK(max_norm >= 0, "step_scale", "max_norm must not be negative: got ", max_norm);
  const Tensor scale = Tensor::empty({1}, loss.dtype(), loss.device());
  const Tensor sums = max_norm > 0 ? squares_of(parameters) : Tensor();
  run<&KernelTable::clip_scale>(ClipScale{scale.array(), loss.array(), sums.array(), max_norm},
                                scale.device());
  return scale;
}

}  // namespace lacuna
