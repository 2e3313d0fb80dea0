// A row's random words and its smallest ones, on cpu.
//   method       words are drawn in vectors; word and position are one number, so that a partial sort in linear time decides
//   determinism  yes: no two numbers are equal
#include "select.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/select.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include "draw-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::select::HWY_NAMESPACE {

HWY_NOINLINE void draw_run(RandomKey key, const Run& run, std::uint32_t* out) {
  cpu::HWY_NAMESPACE::draw_words(key, run, out);
}

}  // namespace lacuna::cpu::select::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace select {
HWY_EXPORT(draw_run);
auto draw_kernel() { return HWY_DYNAMIC_DISPATCH(draw_run); }
}  // namespace select

void RowWords::draw(RandomKey key, std::uint64_t sample, std::uint64_t view, std::int64_t n) {
  n_ = n;
  words_.resize((n + kDraws - 1) / kDraws * kDraws);
  const auto kernel = select::draw_kernel();
  for (std::int64_t from = 0; from < n; from += kDraws)
    kernel(key,
           Run{0, std::min(kDraws, n - from), static_cast<std::uint64_t>(from / 4), sample, view},
           words_.data() + from);
}

void RowWords::keep_smallest(std::int64_t count, std::uint8_t* open) {
  order_.clear();
  for (std::int64_t e = 0; e < n_; e++)
    if (open[e]) order_.push_back(std::uint64_t{words_[e]} << 32 | static_cast<std::uint64_t>(e));
  if (count >= static_cast<std::int64_t>(order_.size())) return;
  if (count > 0) std::nth_element(order_.begin(), order_.begin() + count - 1, order_.end());
  for (std::size_t i = count; i < order_.size(); i++) open[order_[i] & 0xFFFFFFFFu] = 0;
}

}  // namespace lacuna::cpu
#endif
