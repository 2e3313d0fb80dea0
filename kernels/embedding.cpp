#include "embedding.h"

namespace lacuna {

void validate(const EmbeddingBackward& a) {
  check_float_arrays(a.op, {{"dweight", a.dweight}, {"dy", a.dy}});
  check_same_device(a.op, {{"dy", a.dy}, {"ids", a.ids}});
  check_contiguous(a.op, {{"ids", a.ids}});
  LACUNA_CHECK(a.dweight.ndim == 2 && a.dy.ndim == 2 && a.ids.ndim == 1 &&
                   a.dy.dim(1) == a.dweight.dim(1) && a.dy.dim(0) == a.ids.dim(0),
               a.op, "needs dweight (n, d), dy (m, d) and ids (m): got ",
               describe("dweight", a.dweight), ", ", describe("dy", a.dy), ", ",
               describe("ids", a.ids));
  LACUNA_CHECK(a.ids.dtype == Dtype::i64, a.op, "ids must be i64: got ", describe("ids", a.ids));
}

}  // namespace lacuna
