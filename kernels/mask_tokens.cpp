#include "mask_tokens.h"

namespace lacuna {

void validate(const MaskTokens& a) {
  check_same_device(
      a.op,
      {{"tokens", a.tokens}, {"masked", a.masked}, {"labels", a.labels}, {"lengths", a.lengths}});
  check_same_shape(a.op, {{"tokens", a.tokens}, {"masked", a.masked}, {"labels", a.labels}});
  check_same_dtype(
      a.op,
      {{"tokens", a.tokens}, {"masked", a.masked}, {"labels", a.labels}, {"lengths", a.lengths}});
  check_contiguous(
      a.op,
      {{"tokens", a.tokens}, {"masked", a.masked}, {"labels", a.labels}, {"lengths", a.lengths}});
  LACUNA_CHECK(a.tokens.ndim == 2 && a.tokens.dtype == Dtype::i64 &&
                   a.tokens.dim(1) < (std::int64_t{1} << 31),
               a.op, "tokens must be (rows, n) i64: got ", describe("tokens", a.tokens));
  LACUNA_CHECK(!a.lengths || (a.lengths.ndim == 1 && a.lengths.dim(0) == a.tokens.dim(0)), a.op,
               "needs one length a row: got ", describe("lengths", a.lengths), " for ",
               describe("tokens", a.tokens));
  check_row_ids(a.op, "tokens", a.tokens, a.ids);
  LACUNA_CHECK(a.probability >= 0 && a.probability <= 1, a.op,
               "a probability is between 0 and 1: got ", a.probability);
  LACUNA_CHECK(a.mask_share >= 0 && a.random_share >= 0 && a.mask_share + a.random_share <= 1, a.op,
               "the shares that are masked and replaced add up to at most 1: got ", a.mask_share,
               " and ", a.random_share);
  LACUNA_CHECK(a.vocabulary >= 1 && a.vocabulary < (std::int64_t{1} << 32) && a.mask_id >= 0 &&
                   a.mask_id < a.vocabulary,
               a.op, "the mask's id must be one of the vocabulary: got ", a.mask_id, " of ",
               a.vocabulary);
  LACUNA_CHECK(a.specials >= 0 && a.specials <= a.kMaxSpecial, a.op, "there are at most ",
               a.kMaxSpecial, " special tokens: got ", a.specials);
  LACUNA_CHECK(a.max_predictions >= 0, a.op, "predictions must not be negative: got ",
               a.max_predictions);
}

}  // namespace lacuna
