#include "cross_entropy.h"

namespace lacuna {

namespace {
void check(const char* op, const Array& logits, const Array& targets, const Array& stats,
           double smoothing) {
  check_same_device(op, {{"logits", logits}, {"targets", targets}});
  check_contiguous(op, {{"targets", targets}});
  LACUNA_CHECK(logits.ndim == 2 && targets.ndim == 1 && targets.dim(0) == logits.dim(0), op,
               "needs logits (rows, classes) and one target a row: got ",
               describe("logits", logits), ", ", describe("targets", targets));
  LACUNA_CHECK(targets.dtype == Dtype::i64, op, "targets must be i64: got ",
               describe("targets", targets));
  LACUNA_CHECK(stats.ndim == 2 && stats.dim(0) == logits.dim(0) && stats.dim(1) == 2, op,
               "stats must be (rows, 2): got ", describe("stats", stats));
  LACUNA_CHECK(smoothing >= 0 && smoothing <= 1, op, "label smoothing is between 0 and 1: got ",
               smoothing);
}
}  // namespace

void validate(const CrossEntropyForward& a) {
  check_float_arrays(a.op, {{"logits", a.logits}});
  check_statistics(a.op, {"logits", a.logits},
                   {{"stats", a.stats}, {"weight", a.weight}, {"y", a.y}});
  check(a.op, a.logits, a.targets, a.stats, a.label_smoothing);
}

void validate(const CrossEntropyBackward& a) {
  check_float_arrays(a.op, {{"logits", a.logits}, {"dx", a.dx}});
  check_statistics(a.op, {"logits", a.logits},
                   {{"stats", a.stats}, {"weight", a.weight}, {"dy", a.dy}});
  check_same_shape(a.op, {{"logits", a.logits}, {"dx", a.dx}});
  check(a.op, a.logits, a.targets, a.stats, a.label_smoothing);
}

}  // namespace lacuna
