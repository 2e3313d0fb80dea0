#include "clip.h"

#include <cmath>

#include "../../kernels/optimizer.h"

namespace lacuna {

double global_norm(const std::vector<NamedTensor>& parameters) {
  std::vector<Array> gradients;
  std::vector<Tensor> alive;
  for (const auto& [name, tensor] : parameters) {
    const Tensor g = tensor.grad();
    if (!g.defined()) continue;
    alive.push_back(g);
    gradients.push_back(g.array());
  }
  if (gradients.empty()) return 0;
  const auto count = static_cast<std::int64_t>(gradients.size());
  const Tensor sums = Tensor::empty({count}, Dtype::f64, alive[0].device());
  run<&KernelTable::sum_squares>(SumSquares{gradients.data(), count, sums.array()}, sums.device());
  double total = 0;
  for (double s : sums.to_vector<double>()) total += s;
  return std::sqrt(total);
}

double clip_scale(double norm, double max_norm) {
  LACUNA_CHECK(max_norm > 0, "clip_scale", "max_norm must be above 0: got ", max_norm);
  if (!std::isfinite(norm)) return std::nan("");
  return std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace lacuna
