// Embedding: rows picked by id (kernels/index.h); backward: kernels/embedding.h.
#include "embedding.h"

#include "../../kernels/embedding.h"
#include "../tape.h"
#include "index.h"
#include "shape.h"

namespace lacuna {
namespace {

struct Attributes {
  std::int64_t n, padding;
};

Gradients embedding_backward(Saved& saved, Tensor dy, Needs) {
  const auto& at = saved.attributes<Attributes>();
  const Tensor& ids = saved[0];
  const std::int64_t d = dy.dim(-1);
  const Tensor dx = Tensor::empty({at.n, d}, dy.dtype(), dy.device());
  const Tensor rows = reshape(contiguous(dy), {ids.numel(), d});
  run<&KernelTable::embedding_backward>(
      EmbeddingBackward{dx.array(), rows.array(), reshape(ids, {ids.numel()}).array(), at.padding},
      dy.device());
  return {dx};
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding) {
  const char* op = "embedding";
  LACUNA_CHECK(weight.defined() && weight.ndim() == 2 && indices.defined(), op,
               "needs weight (n, d) and ids: got ", describe("weight", weight), ", ",
               describe("ids", indices));
  LACUNA_CHECK(padding < weight.dim(0), op, "the padding id must be below ", weight.dim(0),
               ": got ", padding);
  detail::check_index(op, indices, weight.dim(0));
  const Tensor ids = contiguous(indices);
  Shape shape = ids.shape();
  shape.push_back(weight.dim(1));
  const Tensor y = reshape(index_select(weight.detach(), 0, reshape(ids, {ids.numel()})), shape);
  return record(op, y, {weight}, Saved{ids}.with(Attributes{weight.dim(0), padding}),
                embedding_backward);
}

}  // namespace lacuna
