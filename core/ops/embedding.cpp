// Embedding: rows picked by id (kernels/index.h); backward: kernels/embedding.h.
#include "embedding.h"

#include "../../kernels/embedding.h"
#include "../tape.h"
#include "index.h"
#include "shape.h"

namespace lacuna {
namespace {

struct EmbeddingAttributes {
  std::int64_t n, padding;
  Dtype dtype;  // of weight
};

Gradients embedding_backward(Saved& saved, Tensor dy, Needs) {
  const auto& at = saved.attributes<EmbeddingAttributes>();
  const Tensor& ids = saved[0];
  const std::int64_t d = dy.dim(-1);
  const Tensor dx = Tensor::empty({at.n, d}, at.dtype, dy.device());
  // Where y was rounded to bf16, its gradients are summed up in f32.
  const Tensor rows = reshape(contiguous(to(dy, at.dtype)), {ids.numel(), d});
  run<&KernelTable::embedding_backward>(
      EmbeddingBackward{dx.array(), rows.array(), reshape(ids, {ids.numel()}).array(), at.padding},
      dy.device());
  return {dx};
}

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, std::int64_t padding,
                 Dtype activations) {
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
  Tensor y = reshape(index_select(weight.detach(), 0, reshape(ids, {ids.numel()})), shape);
  if (activations == Dtype::bf16) y = to(y, activations);
  return record(op, y, {weight},
                Saved{ids}.with(EmbeddingAttributes{weight.dim(0), padding, weight.dtype()}),
                embedding_backward);
}

}  // namespace lacuna
