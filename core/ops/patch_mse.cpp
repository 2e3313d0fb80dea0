// The masked loss of patches; formula in kernels/patch_mse.h.
#include "patch_mse.h"

#include "../../kernels/patch_mse.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {

// Saved: prediction, target, hidden, stats, weight.
static Gradients patch_mse_backward(Saved& saved, Tensor dy, Needs) {
  const Tensor prediction = saved.take(0);
  Tensor dprediction = reuse_or_empty(prediction);
  run<&KernelTable::patch_mse_backward>(
      PatchMseBackward{dprediction.array(), dy.array(), saved[3].array(), saved[4].array(),
                       prediction.array(), saved[1].array(), saved[2].array()},
      dy.device());
  return {dprediction};
}

Tensor patch_mse(const Tensor& guess, const Tensor& goal, const Tensor& mask,
                 const PatchMseOptions& options) {
  const char* op = "patch_mse";
  const auto got = [&] {
    return describe("prediction", guess) + ", " + describe("target", goal) + ", " +
           describe("hidden", mask);
  };
  LACUNA_CHECK(guess.defined() && goal.defined() && mask.defined() && guess.ndim() > 0 &&
                   guess.shape() == goal.shape() && mask.ndim() == guess.ndim() - 1,
               op, "needs prediction and target (..., p) and hidden (...): got ", got());
  for (int d = 0; d < mask.ndim(); d++)
    LACUNA_CHECK(mask.dim(d) == guess.dim(d), op,
                 "needs prediction and target (..., p) and hidden (...): got ", got());
  const std::int64_t rows = mask.numel();
  const auto patches = [&](const Tensor& t) {
    return contiguous(reshape(t, {rows, guess.dim(-1)}));
  };
  const Tensor prediction = patches(guess), target = patches(goal.detach());
  const Tensor hidden = contiguous(reshape(mask, {rows}));
  const Dtype dtype = statistics_dtype(prediction.dtype());
  const Device device = prediction.device();
  const Tensor y = Tensor::empty({}, dtype, device),
               stats = Tensor::empty({rows, 2}, dtype, device),
               weight = Tensor::empty({}, dtype, device);
  run<&KernelTable::patch_mse_forward>(
      PatchMseForward{y.array(), stats.array(), weight.array(), prediction.array(), target.array(),
                      hidden.array(), options.normalise, options.eps},
      device);
  return record(op, y, {prediction}, Saved{prediction, target, hidden, stats, weight},
                patch_mse_backward);
}

}  // namespace lacuna
