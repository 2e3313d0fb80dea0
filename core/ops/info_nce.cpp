// InfoNCE and NT-Xent; formulas in kernels/info_nce.h.
#include "info_nce.h"

#include "../../kernels/info_nce.h"
#include "../tape.h"
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
  const std::int64_t views = z.dim(0);
  std::vector<std::int64_t> other(views);
  for (std::int64_t i = 0; i < views; i++) other[i] = (i + views / 2) % views;
  const Tensor unit = l2_normalise(z);
  return mean(info_nce(unit, unit, Tensor::from(other, {views}, z.device()),
                       {.temperature = temperature, .self = 0}));
}

}  // namespace lacuna
