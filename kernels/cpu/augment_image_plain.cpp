// Augmenting pictures in f64, a step after the other, each over the whole view.
#include <utility>
#include <vector>

#include "../augment_image_math.h"
#include "augment_image.h"

namespace lacuna::cpu {
namespace {

using namespace augment;
using std::int64_t;

// A view on its way: (height, width, C).
template <int C>
struct Canvas {
  int height, width;
  std::vector<double> values;
  Canvas(int64_t h, int64_t w)
      : height(static_cast<int>(h)), width(static_cast<int>(w)), values(h * w * C) {}
  double (&at(int y, int x))[C] {
    return *reinterpret_cast<double(*)[C]>(values.data() + (int64_t{y} * width + x) * C);
  }
  template <class F>
  void each_pixel(F&& f) {
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) f(y, x, at(y, x));
  }
};

template <int C>
void crop(Canvas<C>& to, const AugmentImage& a, const View& v, const std::uint8_t* image) {
  const ResizeAxis<double> rows(static_cast<int64_t>(v.height), to.height, a.interpolation),
      columns(static_cast<int64_t>(v.width), to.width, a.interpolation);
  const auto top = static_cast<int64_t>(v.top), left = static_cast<int64_t>(v.left);
  to.each_pixel([&](int y, int x, double(&pixel)[C]) {
    const auto down = rows.taps(y), across = columns.taps(v.flip != 0 ? to.width - 1 - x : x);
    const double all = rows.sum(down) * columns.sum(across) * 255;
    double sum[C] = {};
    for (int j = 0; j < down.count; j++)
      for (int i = 0; i < across.count; i++)
        for (int c = 0; c < C; c++)
          sum[c] +=
              rows.weight(down, j) * columns.weight(across, i) *
              image[((top + down.first + j) * a.images.dim(2) + left + across.first + i) * C + c];
    for (int c = 0; c < C; c++) pixel[c] = clip(sum[c] / all);
  });
}

template <int C>
void rotate(Canvas<C>& to, Canvas<C>& from, float degrees) {
  const Rotation<double> rotation(degrees, to.height, to.width);
  to.each_pixel([&](int y, int x, double(&pixel)[C]) {
    const auto p = rotation.at(y, x);
    for (int c = 0; c < C; c++) pixel[c] = 0;
    for (int j = 0; j < 2; j++)
      for (int i = 0; i < 2; i++) {
        const int row = p.top + j, column = p.left + i;
        if (row < 0 || row >= to.height || column < 0 || column >= to.width) continue;
        const double share = (j ? p.down : 1 - p.down) * (i ? p.right : 1 - p.right);
        for (int c = 0; c < C; c++) pixel[c] += share * from.at(row, column)[c];
      }
  });
}

template <int C>
void blur(Canvas<C>& to, Canvas<C>& from, double sigma, int radius, int step_y, int step_x) {
  double weights[kMaxBlurRadius + 1], all = 0;
  for (int k = 0; k <= radius; k++) {
    weights[k] = std::exp(-0.5 * k * k / (sigma * sigma));
    all += k == 0 ? weights[k] : 2 * weights[k];
  }
  to.each_pixel([&](int y, int x, double(&pixel)[C]) {
    for (int c = 0; c < C; c++) pixel[c] = 0;
    for (int k = -radius; k <= radius; k++) {
      const auto& near =
          from.at(mirrored(y + k * step_y, to.height), mirrored(x + k * step_x, to.width));
      for (int c = 0; c < C; c++) pixel[c] += weights[k < 0 ? -k : k] / all * near[c];
    }
  });
}

template <int C>
void one_view(const AugmentImage& a, int64_t row) {
  const View v = a.views.as<View>()[row];
  Canvas<C> view(a.out.dim(1), a.out.dim(2)), other = view;
  crop(view, a, v,
       a.images.as<std::uint8_t>() + row % a.images.dim(0) * a.images.dim(1) * a.images.dim(2) * C);
  if (v.angle != 0 && a.rotates) {
    rotate(other, view, v.angle);
    std::swap(view, other);
  }
  if (v.order >= 0) {
    const unsigned order = jitter_order(static_cast<int>(v.order));
    for (int k = 0; k < 4; k++) {
      const unsigned what = order >> (2 * k) & 3;
      double mean = 0;
      if (what == kContrast) {
        view.each_pixel([&](int, int, double(&x)[C]) { mean += luma(x); });
        mean /= static_cast<double>(view.height) * view.width;
      }
      view.each_pixel([&](int, int, double(&x)[C]) { jitter(x, what, v, mean); });
    }
  }
  if (v.grey != 0 && C > 1)
    view.each_pixel([&](int, int, double(&x)[C]) {
      const double grey = luma(x);
      for (double& value : x) value = grey;
    });
  if (v.sigma > 0 && a.radius > 0) {
    blur(other, view, v.sigma, static_cast<int>(a.radius), 0, 1);
    blur(view, other, v.sigma, static_cast<int>(a.radius), 1, 0);
  }
  double* out = a.out.as<double>() + row * static_cast<int64_t>(view.values.size());
  view.each_pixel([&](int y, int x, double(&pixel)[C]) {
    const auto size = static_cast<float>(a.cutout_size), fy = static_cast<float>(y),
               fx = static_cast<float>(x);
    const bool cut =
        fy >= v.cut_top && fy < v.cut_top + size && fx >= v.cut_left && fx < v.cut_left + size;
    for (const double value : pixel)
      *out++ = cut ? a.cutout_fill : value >= v.solarise ? 1 - value : value;
  });
}

}  // namespace

void augment_image_plain(const AugmentImage& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; row++)
    a.images.dim(3) == 1 ? one_view<1>(a, row) : one_view<3>(a, row);
}

}  // namespace lacuna::cpu
