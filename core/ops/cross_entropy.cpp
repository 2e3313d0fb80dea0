// Cross-entropy from logits; formulas in kernels/cross_entropy.h.
#include "cross_entropy.h"

#include "../../kernels/cross_entropy.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {

static Gradients cross_entropy_backward(Saved& saved, Tensor dy, Needs) {
  const auto& o = saved.attributes<CrossEntropyOptions>();
  const Tensor logits = saved.take(0);
  Tensor dx = reuse_or_empty(logits);
  run<&KernelTable::cross_entropy_backward>(
      CrossEntropyBackward{dx.array(), dy.array(), saved[2].array(), saved[3].array(),
                           logits.array(), saved[1].array(), o.ignore_index, o.label_smoothing},
      dy.device());
  return {dx};
}

Tensor cross_entropy(const Tensor& input, const Tensor& classes,
                     const CrossEntropyOptions& options) {
  const char* op = "cross_entropy";
  LACUNA_CHECK(input.defined() && classes.defined() && input.ndim() == classes.ndim() + 1, op,
               "needs logits (..., C) and targets (...): got ", describe("logits", input), ", ",
               describe("targets", classes));
  for (int d = 0; d < classes.ndim(); d++)
    LACUNA_CHECK(input.dim(d) == classes.dim(d), op,
                 "needs logits (..., C) and targets (...): got ", describe("logits", input), ", ",
                 describe("targets", classes));
  const std::int64_t rows = classes.numel();
  const Tensor logits = contiguous(reshape(input, {rows, input.dim(-1)}));
  const Tensor targets = contiguous(reshape(classes, {rows}));
  const Dtype dtype = statistics_dtype(logits.dtype());
  const Tensor y = Tensor::empty({}, dtype, logits.device());
  const Tensor stats = Tensor::empty({rows, 2}, dtype, logits.device());
  const Tensor weight = Tensor::empty({}, dtype, logits.device());
  run<&KernelTable::cross_entropy_forward>(
      CrossEntropyForward{y.array(), stats.array(), weight.array(), logits.array(), targets.array(),
                          options.ignore_index, options.label_smoothing},
      logits.device());
  return record(op, y, {logits}, Saved{logits, targets, stats, weight}.with(options),
                cross_entropy_backward);
}

}  // namespace lacuna
