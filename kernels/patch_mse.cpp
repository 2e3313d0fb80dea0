#include "patch_mse.h"

namespace lacuna {
namespace {

void check(const char* op, const Array& prediction, const Array& target, const Array& hidden,
           const Array& stats) {
  check_float_arrays(op, {{"prediction", prediction}, {"target", target}});
  check_same_shape(op, {{"prediction", prediction}, {"target", target}});
  check_same_device(op, {{"prediction", prediction}, {"hidden", hidden}});
  check_contiguous(op, {{"hidden", hidden}});
  LACUNA_CHECK(prediction.ndim == 2 && hidden.ndim == 1 && hidden.dim(0) == prediction.dim(0) &&
                   (hidden.dtype == Dtype::u8 || hidden.dtype == Dtype::boolean),
               op, "needs patches (rows, p) and a u8 or bool for each that says whether it is ",
               "hidden: got ", describe("prediction", prediction), ", ",
               describe("hidden", hidden));
  LACUNA_CHECK(stats.ndim == 2 && stats.dim(0) == prediction.dim(0) && stats.dim(1) == 2, op,
               "stats must be (rows, 2): got ", describe("stats", stats));
}

}  // namespace

void validate(const PatchMseForward& a) {
  check(a.op, a.prediction, a.target, a.hidden, a.stats);
  check_statistics(a.op, {"prediction", a.prediction},
                   {{"stats", a.stats}, {"weight", a.weight}, {"y", a.y}});
  LACUNA_CHECK(a.prediction.dim(1) > (a.normalise ? 1 : 0), a.op,
               "a patch has at least one value, two where it is normalised: got ",
               describe("target", a.target));
  LACUNA_CHECK(a.eps >= 0, a.op, "eps must not be negative: got ", a.eps);
}

void validate(const PatchMseBackward& a) {
  check(a.op, a.prediction, a.target, a.hidden, a.stats);
  check_statistics(a.op, {"prediction", a.prediction},
                   {{"stats", a.stats}, {"weight", a.weight}, {"dy", a.dy}});
  check_float_arrays(a.op, {{"prediction", a.prediction}, {"dprediction", a.dprediction}});
  check_same_shape(a.op, {{"prediction", a.prediction}, {"dprediction", a.dprediction}});
}

}  // namespace lacuna
