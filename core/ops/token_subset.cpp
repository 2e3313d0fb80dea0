// Tokens taken out and put back; formulas in kernels/token_subset.h.
#include "token_subset.h"

#include "../../kernels/token_subset.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

Tensor contiguous_or_none(const Tensor& t) { return t.defined() ? contiguous(t) : t; }

// x (n, s, d) by index (n, m).
Tensor take(const Tensor& x, const Tensor& index, const Tensor& fill, const Tensor& position,
            bool of_source) {
  const Tensor y = Tensor::empty({x.dim(0), index.dim(1), x.dim(2)}, x.dtype(), x.device());
  run<&KernelTable::take_tokens>(
      TakeTokens{y.array(), x.array(), index.array(), fill.array(), position.array(), of_source},
      x.device());
  return y;
}

// `tokens` of x's rows are those of `index`.
void check(const char* op, const Tensor& x, const Subset& s, bool whole) {
  const Tensor& index = whole ? s.places : s.kept;
  LACUNA_CHECK(x.defined() && x.ndim() == 3 && s.kept.defined() && s.places.defined(), op,
               "needs tokens (n, l, d) and a subset of them: got ", describe("x", x), ", ",
               describe("kept", s.kept), ", ", describe("places", s.places));
  LACUNA_CHECK(s.kept.ndim() == 2 && s.places.ndim() == 2 && s.kept.dim(0) == x.dim(0) &&
                   s.places.dim(0) == x.dim(0) && index.dim(1) == x.dim(1),
               op, "the subset must have a row for each of x's and a place for each token: got ",
               describe("x", x), ", ", describe("kept", s.kept), ", ",
               describe("places", s.places));
}

// Saved: places. What is kept goes back to its place, the others get 0; the tape sums that over rows for position.
Gradients keep_backward(Saved& saved, Tensor dy, Needs needs) {
  const Tensor dx = take(contiguous(dy), saved[0], {}, {}, false);
  return {needs[0] ? dx : Tensor(), needs[1] ? dx : Tensor()};
}

struct RestoreAttributes {
  Shape x;
};

// Saved: places.
Gradients restore_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<RestoreAttributes>();
  dy = contiguous(dy);
  Tensor dx, dtoken;
  if (needs[0]) dx = Tensor::empty(at.x, dy.dtype(), dy.device());
  if (needs[1]) dtoken = Tensor::empty({dy.dim(2)}, dy.dtype(), dy.device());
  if (needs[0] || needs[1])
    run<&KernelTable::restore_tokens_backward>(
        RestoreTokensBackward{dx.array(), dtoken.array(), dy.array(), saved[0].array()},
        dy.device());
  return {dx, dtoken, needs[2] ? dy : Tensor()};
}

}  // namespace

Tensor keep_tokens(const Tensor& input, const Subset& subset, const Tensor& position) {
  const char* op = "keep_tokens";
  check(op, input, subset, true);
  const Tensor x = contiguous(input), rows = contiguous_or_none(position);
  const Tensor kept = contiguous(subset.kept), places = contiguous(subset.places);
  return record(op, take(x, kept, {}, rows, true), {x, rows}, Saved{places}, keep_backward);
}

Tensor restore_tokens(const Tensor& input, const Subset& subset, const Tensor& mask_token,
                      const Tensor& position) {
  const char* op = "restore_tokens";
  check(op, input, subset, false);
  LACUNA_CHECK(mask_token.defined(), op, "needs a mask token");
  const Tensor x = contiguous(input), token = contiguous(mask_token),
               rows = contiguous_or_none(position);
  const Tensor places = contiguous(subset.places);
  return record(op, take(x, places, token, rows, false), {x, token, rows},
                Saved{places}.with(RestoreAttributes{x.shape()}), restore_backward);
}

}  // namespace lacuna
