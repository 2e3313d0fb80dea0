// InfoNCE and NT-Xent; formulas in kernels/info_nce.h.
#include "info_nce.h"

#include "../../kernels/info_nce.h"
#include "../tape.h"
#include "layer_norm.h"
#include "reduce.h"
#include "shape.h"

namespace lacuna {

// Saved: rows, columns, positive, lse.
static Gradients info_nce_backward(Saved& saved, Tensor dloss, Needs needs) {
  const auto& o = saved.attributes<InfoNceOptions>();
  const auto gradient_of = [&](int input) {
    const Tensor& x = saved[input];
    return needs[input] ? Tensor::empty(x.shape(), x.dtype(), x.device()) : Tensor();
  };
  const Tensor drows = gradient_of(0), dcolumns = gradient_of(1);
  dloss = contiguous(dloss);
  run<&KernelTable::info_nce_backward>(
      InfoNceBackward{drows.array(), dcolumns.array(), dloss.array(), saved[3].array(),
                      saved[0].array(), saved[1].array(), saved[2].array(), o.temperature, o.self},
      dloss.device());
  return {drows, dcolumns};
}

Tensor info_nce(const Tensor& a, const Tensor& b, const Tensor& indices,
                const InfoNceOptions& options) {
  LACUNA_CHECK(a.defined() && b.defined() && indices.defined() && a.ndim() == 2, "info_nce",
               "needs rows (m, D), columns (M, D) and positive (m): got ", describe("rows", a),
               ", ", describe("columns", b), ", ", describe("positive", indices));
  const Tensor rows = contiguous(a), columns = contiguous(b), positive = contiguous(indices);
  const Dtype dtype = statistics_dtype(rows.dtype());
  const Tensor loss = Tensor::empty({rows.dim(0)}, dtype, rows.device());
  const Tensor lse = Tensor::empty({rows.dim(0)}, dtype, rows.device());
  run<&KernelTable::info_nce_forward>(
      InfoNceForward{loss.array(), lse.array(), rows.array(), columns.array(), positive.array(),
                     options.temperature, options.self},
      rows.device());
  return record("info_nce", loss, {rows, columns},
                Saved{rows, columns, positive, lse}.with(options), info_nce_backward);
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
