// f32 pooling: vectors of channels, a list of taps for every pixel.
//   traffic   forward reads x once (more where windows overlap, from cache) and writes y; backward gathers: every
//             pixel of dx is written once, from the windows that hold it, so that rows are independent and no sum
//             depends on the threads
#include <limits>
#include <vector>

#include "parallel.h"
#include "pool2d.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/pool2d_f32.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // first: includes this file once a target
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::pool2d::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<D>;

// f(channel, lanes that count) for vectors of channels; loads and stores go through `get` and `put`.
template <class F>
HWY_INLINE void each_vector(int64_t c, F&& f) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(D()));
  for (int64_t k = 0; k < c; k += lanes) f(k, HWY_MIN(lanes, c - k));
}
template <class DT>
HWY_INLINE hn::Vec<DT> get(DT d, const hn::TFromD<DT>* p, int64_t count) {
  return count == static_cast<int64_t>(hn::Lanes(d)) ? hn::LoadU(d, p)
                                                     : hn::MaskedLoad(hn::FirstN(d, count), d, p);
}
template <class DT>
HWY_INLINE void put(DT d, hn::Vec<DT> v, hn::TFromD<DT>* p, int64_t count) {
  if (count == static_cast<int64_t>(hn::Lanes(d)))
    hn::StoreU(v, d, p);
  else
    hn::BlendedStore(v, hn::FirstN(d, count), d, p);
}

HWY_NOINLINE void max_pixel(const float* image, const int64_t* at, const int32_t* pixel,
                            int64_t taps, int64_t c, float* y, int32_t* index) {
  const D d;
  const DI di;
  each_vector(c, [&](int64_t k, int64_t count) HWY_ATTR {
    auto best = hn::Set(d, -std::numeric_limits<float>::infinity());
    auto where = hn::Set(di, -1);
    for (int64_t t = 0; t < taps; t++) {
      const auto x = get(d, image + at[t] + k, count);
      const auto wins =
          t == 0 ? hn::Eq(hn::Zero(d), hn::Zero(d)) : hn::Or(hn::Gt(x, best), hn::IsNaN(x));
      best = hn::IfThenElse(wins, x, best);
      where = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, pixel[t]), where);
    }
    put(d, best, y + k, count);
    if (index) put(di, where, index + k, count);
  });
}

HWY_NOINLINE void sum_pixel(const float* image, const int64_t* at, const float* scale, int64_t taps,
                            int64_t c, float* y) {
  const D d;
  each_vector(c, [&](int64_t k, int64_t count) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int64_t t = 0; t < taps; t++)
      sum = hn::MulAdd(get(d, image + at[t] + k, count), hn::Set(d, scale[t]), sum);
    put(d, sum, y + k, count);
  });
}

// Of the windows at `at`, those that chose this pixel.
HWY_NOINLINE void chosen_pixel(const float* dy, const int32_t* index, const int64_t* at,
                               int64_t taps, int32_t pixel, int64_t c, float* dx) {
  const D d;
  const DI di;
  const auto here = hn::Set(di, pixel);
  each_vector(c, [&](int64_t k, int64_t count) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (int64_t t = 0; t < taps; t++) {
      const auto chosen = hn::RebindMask(d, hn::Eq(get(di, index + at[t] + k, count), here));
      sum = hn::Add(sum, hn::IfThenElseZero(chosen, get(d, dy + at[t] + k, count)));
    }
    put(d, sum, dx + k, count);
  });
}

}  // namespace lacuna::cpu::pool2d::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace pool2d {
HWY_EXPORT(max_pixel);
HWY_EXPORT(sum_pixel);
HWY_EXPORT(chosen_pixel);
auto max_kernel() { return HWY_DYNAMIC_DISPATCH(max_pixel); }
auto sum_kernel() { return HWY_DYNAMIC_DISPATCH(sum_pixel); }
auto chosen_kernel() { return HWY_DYNAMIC_DISPATCH(chosen_pixel); }
}  // namespace pool2d

namespace {

using std::int64_t;

// The windows that hold position `at` of an axis.
void windows_of(int64_t at, int64_t outputs, int64_t kernel, const Window2d& w, int axis,
                std::vector<int64_t>& list) {
  list.clear();
  for (int64_t tap = kernel - 1; tap >= 0; tap--) {  // ascending outputs
    const int64_t from = at + w.padding[axis] - tap * w.dilation[axis];
    if (from >= 0 && from % w.stride[axis] == 0 && from / w.stride[axis] < outputs)
      list.push_back(from / w.stride[axis]);
  }
}

int64_t grain(int64_t pixels_of_row, int64_t c, int64_t taps) {
  return grain_for(0.2 * static_cast<double>(pixels_of_row * (8 + c / 4 * taps)));
}

}  // namespace

void pool2d_forward_f32(const Pool2dForward& a) {
  const int64_t h = a.x.dim(1), w = a.x.dim(2), c = a.x.dim(3), oh = a.y.dim(1), ow = a.y.dim(2);
  const auto max = pool2d::max_kernel();
  const auto sum = pool2d::sum_kernel();
  const int64_t taps = a.kernel[0] * a.kernel[1];
  parallel_for(a.y.dim(0) * oh, grain(ow, c, taps), [&](int64_t begin, int64_t end) {
    std::vector<int64_t> at;
    std::vector<std::int32_t> pixel;
    std::vector<float> scale;
    for (int64_t r = begin; r < end; r++) {
      const float* image = a.x.as<float>() + r / oh * h * w * c;
      const PoolTaps rows = pool_taps(r % oh, h, a.kernel[0], a.window, 0);
      for (int64_t j = 0; j < ow; j++) {
        const PoolTaps columns = pool_taps(j, w, a.kernel[1], a.window, 1);
        at.clear();
        pixel.clear();
        for (int64_t p = 0; p < rows.count(); p++)
          for (int64_t q = 0; q < columns.count(); q++) {
            const int64_t one =
                (rows.at + p * a.window.dilation[0]) * w + columns.at + q * a.window.dilation[1];
            at.push_back(one * c);
            pixel.push_back(static_cast<std::int32_t>(one));
          }
        const auto inside = static_cast<int64_t>(at.size()), to = (r * ow + j) * c;
        if (a.kind == PoolKind::max) {
          max(image, at.data(), pixel.data(), inside, c, a.y.as<float>() + to,
              a.indices ? a.indices.as<std::int32_t>() + to : nullptr);
        } else {
          scale.assign(at.size(),
                       static_cast<float>(pool_scale(inside, a.kernel, a.count_include_pad)));
          sum(image, at.data(), scale.data(), inside, c, a.y.as<float>() + to);
        }
      }
    }
  });
}

void pool2d_backward_f32(const Pool2dBackward& a) {
  const int64_t h = a.dx.dim(1), w = a.dx.dim(2), c = a.dx.dim(3), oh = a.dy.dim(1),
                ow = a.dy.dim(2);
  const auto chosen = pool2d::chosen_kernel();
  const auto sum = pool2d::sum_kernel();
  const int64_t taps =
      (a.kernel[0] / a.window.stride[0] + 1) * (a.kernel[1] / a.window.stride[1] + 1);
  parallel_for(a.dx.dim(0) * h, grain(w, c, taps), [&](int64_t begin, int64_t end) {
    std::vector<int64_t> rows, columns, at;
    std::vector<float> scale;
    for (int64_t r = begin; r < end; r++) {
      const int64_t image = r / h * oh * ow * c, row = r % h;
      windows_of(row, oh, a.kernel[0], a.window, 0, rows);
      for (int64_t j = 0; j < w; j++) {
        windows_of(j, ow, a.kernel[1], a.window, 1, columns);
        at.clear();
        scale.clear();
        for (const int64_t p : rows)
          for (const int64_t q : columns) {
            at.push_back((p * ow + q) * c);
            if (a.kind == PoolKind::average)
              scale.push_back(static_cast<float>(
                  pool_scale(pool_taps(p, h, a.kernel[0], a.window, 0).count() *
                                 pool_taps(q, w, a.kernel[1], a.window, 1).count(),
                             a.kernel, a.count_include_pad)));
          }
        const auto windows = static_cast<int64_t>(at.size());
        float* dx = a.dx.as<float>() + (r * w + j) * c;
        if (a.kind == PoolKind::max)
          chosen(a.dy.as<float>() + image, a.indices.as<std::int32_t>() + image, at.data(), windows,
                 static_cast<std::int32_t>(row * w + j), c, dx);
        else
          sum(a.dy.as<float>() + image, at.data(), scale.data(), windows, c, dx);
      }
    }
  });
}

}  // namespace lacuna::cpu
#endif
