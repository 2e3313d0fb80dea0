#include "attention.h"

#include <cmath>

#include "random_fill.h"

namespace lacuna {
namespace {

struct Operands {
  const Array &q, &k, &v, &y, &lse;
  double scale;
  const AttentionMask& mask;
  const AttentionDropout& dropout;
  std::string text() const {
    return describe("q", q) + ", " + describe("k", k) + ", " + describe("v", v);
  }
};

void check_rows(const char* op, const Arg& arg) {
  const Array& a = arg.array;
  bool ok = a.dim(-1) <= 1 || a.strides[a.ndim - 1] == 1;
  for (int i = 0; i < a.ndim; i++) ok = ok && a.strides[i] >= 0;
  LACUNA_CHECK(ok, op, arg.name,
               " must have unit stride in its last dimension and no negative stride: got ",
               describe(arg.name, a));
}

void check(const char* op, const Operands& o) {
  check_same_device(op, {{"q", o.q}, {"k", o.k}, {"v", o.v}, {"y", o.y}, {"lse", o.lse}});
  check_same_dtype(op, {{"q", o.q}, {"k", o.k}, {"v", o.v}, {"y", o.y}});
  check_float_dtype(op, {{"q", o.q}});
  LACUNA_CHECK(o.q.ndim == 4 && o.k.ndim == 4 && o.v.ndim == 4, op,
               "needs q (samples, heads, queries, d), k and v (samples, heads, keys, d): got ",
               o.text());
  check_same_shape(op, {{"k", o.k}, {"v", o.v}});
  LACUNA_CHECK(o.q.dim(0) == o.k.dim(0) && o.q.dim(1) == o.k.dim(1) && o.q.dim(3) == o.k.dim(3), op,
               "q and k must have the same samples, heads and d: got ", o.text());
  LACUNA_CHECK(o.q.dim(3) >= 1, op, "d must be at least 1: got ", o.text());
  LACUNA_CHECK(o.q.device.type == DeviceType::cpu || o.q.dim(3) <= kMaxAttentionDepth, op,
               "d is at most ", kMaxAttentionDepth, " on cuda and emu: got ", o.text());
  LACUNA_CHECK(o.q.dim(2) < 1 << 30 && o.k.dim(2) < 1 << 30, op,
               "at most 2^30 queries or keys: got ", o.text());
  check_same_shape(op, {{"q", o.q}, {"y", o.y}});
  for (const Arg& arg : {Arg{"q", o.q}, Arg{"k", o.k}, Arg{"v", o.v}, Arg{"y", o.y}})
    check_rows(op, arg);
  check_statistics(op, {"q", o.q}, {{"lse", o.lse}});
  LACUNA_CHECK(o.lse.ndim == 3 && o.lse.dim(0) == o.q.dim(0) && o.lse.dim(1) == o.q.dim(1) &&
                   o.lse.dim(2) == o.q.dim(2),
               op, "lse must have one element a query: got ", describe("lse", o.lse), " for ",
               o.text());
  LACUNA_CHECK(o.scale > 0 && std::isfinite(o.scale), op,
               "the scale must be positive and finite: got ", o.scale);

  const auto &lengths = o.mask.lengths, &blocks = o.mask.blocks;
  LACUNA_CHECK(o.mask.window >= 0, op, "the window must not be negative: got ", o.mask.window);
  check_same_device(op, {{"q", o.q}, {"lengths", lengths}, {"blocks", blocks}});
  check_contiguous(op, {{"lengths", lengths}, {"blocks", blocks}});
  LACUNA_CHECK(
      !lengths ||
          (lengths.dtype == Dtype::i64 && lengths.ndim == 1 && lengths.dim(0) == o.q.dim(0)),
      op, "needs one i64 length a sample: got ", describe("lengths", lengths), " for ", o.text());
  const auto tiles = [](std::int64_t n) { return (n + kAttentionBlock - 1) / kAttentionBlock; };
  LACUNA_CHECK(
      !blocks || (blocks.dtype == Dtype::u8 && blocks.ndim == 2 &&
                  blocks.dim(0) == tiles(o.q.dim(2)) && blocks.dim(1) == tiles(o.k.dim(2))),
      op, "needs one u8 a block of ", kAttentionBlock, " queries and ", kAttentionBlock,
      " keys: got ", describe("blocks", blocks), " for ", o.text());
  LACUNA_CHECK(o.dropout.p >= 0 && o.dropout.p <= 1, op, "a probability is between 0 and 1: got ",
               o.dropout.p);
  check_row_ids(op, "q", o.q, o.dropout.ids);
}

}  // namespace

void validate(const AttentionForward& a) {
  check(a.op, {a.q, a.k, a.v, a.y, a.lse, a.scale, a.mask, a.dropout});
}

void validate(const AttentionBackward& a) {
  check(a.op, {a.q, a.k, a.v, a.y, a.lse, a.scale, a.mask, a.dropout});
  check_same_device(a.op, {{"q", a.q}, {"dy", a.dy}, {"dq", a.dq}, {"dk", a.dk}, {"dv", a.dv}});
  check_same_dtype(a.op, {{"q", a.q}, {"dy", a.dy}, {"dq", a.dq}, {"dk", a.dk}, {"dv", a.dv}});
  check_same_shape(a.op, {{"q", a.q}, {"dy", a.dy}, {"dq", a.dq}});
  check_same_shape(a.op, {{"k", a.k}, {"dk", a.dk}, {"dv", a.dv}});
  LACUNA_CHECK(static_cast<bool>(a.dk) == static_cast<bool>(a.dv), a.op,
               "dk and dv are computed together: one of them is missing");
  for (const Arg& arg : {Arg{"dy", a.dy}, Arg{"dq", a.dq}, Arg{"dk", a.dk}, Arg{"dv", a.dv}})
    if (arg.array) check_rows(a.op, arg);
}

}  // namespace lacuna
