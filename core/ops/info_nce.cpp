// InfoNCE and NT-Xent; formulas in kernels/info_nce.h.
#include "info_nce.h"

#include "../../kernels/info_nce.h"
#include "../tape.h"
#include "elementwise.h"
#include "index.h"
#include "layer_norm.h"
#include "reduce.h"
#include "shape.h"

namespace lacuna {

struct InfoNceSaved {
  InfoNceOptions options;
  bool one;  // both sides are one tensor
};

// Where both sides are one tensor and row i is column i, it is the op's only input.
static bool one_side(const Tensor& a, const Tensor& b, const InfoNceOptions& options) {
  return options.self == 0 && a.storage() == b.storage() && a.array().data == b.array().data &&
         a.shape() == b.shape() && a.strides() == b.strides() && a.node() == b.node();
}

// Saved: rows, columns, positive, lse.
static Gradients info_nce_backward(Saved& saved, Tensor dloss, Needs needs) {
  const auto& [o, one] = saved.attributes<InfoNceSaved>();
  const auto gradient_of = [&](int input) {
    const Tensor& x = saved[input];
    return needs[input] ? Tensor::empty(x.shape(), x.dtype(), x.device()) : Tensor();
  };
  const Tensor first = gradient_of(0), second = one ? Tensor() : gradient_of(1);
  dloss = contiguous(dloss);
  const Array none;
  run<&KernelTable::info_nce_backward>(
      InfoNceBackward{one ? none : first.array(), second.array(), one ? first.array() : none,
                      dloss.array(), saved[3].array(), saved[0].array(), saved[1].array(),
                      saved[2].array(), o.temperature, o.self},
      dloss.device());
  if (one) return {first};
  return {first, second};
}

Tensor info_nce(const Tensor& a, const Tensor& b, const Tensor& indices,
                const InfoNceOptions& options) {
  LACUNA_CHECK(a.defined() && b.defined() && indices.defined() && a.ndim() == 2, "info_nce",
               "needs rows (m, D), columns (M, D) and positive (m): got ", describe("rows", a),
               ", ", describe("columns", b), ", ", describe("positive", indices));
  const bool one = one_side(a, b, options);
  const Tensor rows = contiguous(a), columns = one ? rows : contiguous(b),
               positive = contiguous(indices);
  const Dtype dtype = statistics_dtype(rows.dtype());
  const Tensor loss = Tensor::empty({rows.dim(0)}, dtype, rows.device());
  const Tensor lse = Tensor::empty({rows.dim(0)}, dtype, rows.device());
  run<&KernelTable::info_nce_forward>(
      InfoNceForward{loss.array(), lse.array(), rows.array(), columns.array(), positive.array(),
                     options.temperature, options.self},
      rows.device());
  return record("info_nce", loss, one ? std::vector{rows} : std::vector{rows, columns},
                Saved{rows, columns, positive, lse}.with(InfoNceSaved{options, one}),
                info_nce_backward);
}

Tensor nt_xent(const Tensor& z, double temperature) {
  LACUNA_CHECK(z.defined() && z.ndim() == 2 && z.dim(0) >= 2 && z.dim(0) % 2 == 0, "nt_xent",
               "needs z (2N, D), the first views of N samples and then the second: got ",
               describe("z", z));
  const Tensor unit = l2_normalise(z);
  return mean(info_nce(unit, unit, other_views(z.dim(0), z.device()),
                       {.temperature = temperature, .self = 0}));
}

Tensor other_views(std::int64_t views, Device device) {
  std::vector<std::int64_t> other(static_cast<std::size_t>(views));
  for (std::int64_t i = 0; i < views; i++) other[i] = (i + views / 2) % views;
  return Tensor::from(other, {views}, device);
}

Tensor supcon(const Tensor& z, const Tensor& labels, std::int64_t classes, double temperature) {
  LACUNA_CHECK(z.defined() && labels.defined() && z.ndim() == 2 && z.dim(0) >= 2 &&
                   z.dim(0) % 2 == 0 && labels.shape() == Shape{z.dim(0)},
               "supcon", "needs z (2N, D) and labels (2N): got ", describe("z", z), ", ",
               describe("labels", labels));
  const Tensor unit = l2_normalise(z), other = other_views(z.dim(0), z.device());
  const Tensor one = info_nce(unit, unit, other, {.temperature = temperature, .self = 0});
  // lse_i of the above is one_i + s_i,other(i), and the mean of s_ip over P(i) is u_i . (sum of the label's u - u_i) / |P(i)|.
  const Tensor u = to(unit, statistics_dtype(unit.dtype()));
  const auto of_label = [&](const Tensor& rows) {
    const Tensor none = Tensor::zeros({classes, rows.dim(1)}, rows.dtype(), rows.device());
    return index_select(index_add(none, 0, labels, rows), 0, labels);
  };
  const Tensor ones = Tensor::full({z.dim(0), 1}, 1, u.dtype(), u.device());
  const Tensor positives = of_label(ones) - 1.0;
  const Tensor pull = index_select(u, 0, other) - (of_label(u) - u) / positives;
  return mean(one + sum(u * pull, {1}) / temperature);
}

}  // namespace lacuna
