#include "random_subset.h"

namespace lacuna {

void validate(const RandomSubset& a) {
  check_same_device(a.op, {{"kept", a.kept}, {"places", a.places}, {"hidden", a.hidden}});
  check_contiguous(a.op, {{"kept", a.kept}, {"places", a.places}, {"hidden", a.hidden}});
  check_same_shape(a.op, {{"places", a.places}, {"hidden", a.hidden}});
  LACUNA_CHECK(
      a.kept.dtype == Dtype::i64 && a.places.dtype == Dtype::i64 && a.hidden.dtype == Dtype::u8,
      a.op, "kept and places must be i64, hidden u8: got ", describe("kept", a.kept), ", ",
      describe("places", a.places), ", ", describe("hidden", a.hidden));
  LACUNA_CHECK(a.kept.ndim == 2 && a.places.ndim == 2 && a.kept.dim(0) == a.places.dim(0) &&
                   a.kept.dim(1) <= a.places.dim(1),
               a.op, "keeps at most all positions of each row: got ", describe("kept", a.kept),
               ", ", describe("places", a.places));
  LACUNA_CHECK(a.places.dim(1) < (std::int64_t{1} << 31), a.op,
               "a row has fewer than 2^31 positions: got ", describe("places", a.places));
  check_row_ids(a.op, "kept", a.kept, a.ids);
}

}  // namespace lacuna
