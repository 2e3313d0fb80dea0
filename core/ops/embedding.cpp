// Embedding: index_select by ids of any shape.
#include "embedding.h"

#include "index.h"
#include "shape.h"

namespace lacuna {

Tensor embedding(const Tensor& weight, const Tensor& ids, Dtype activations) {
  LACUNA_CHECK(weight.defined() && weight.ndim() == 2 && ids.defined(), "embedding",
               "needs weight (n, d) and ids: got ", describe("weight", weight), ", ",
               describe("ids", ids));
  detail::check_index("embedding", ids, weight.dim(0));
  Shape shape = ids.shape();
  shape.push_back(weight.dim(1));
  // bf16 is rounded after the rows are picked, so that their gradients are summed up in f32.
  const Tensor rows = index_select(weight, 0, reshape(ids, {ids.numel()}));
  return reshape(activations == Dtype::bf16 ? to(rows, activations) : rows, shape);
}

}  // namespace lacuna
