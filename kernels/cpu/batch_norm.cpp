// Batch normalisation over the last dimension's channels, on cpu.
//   traffic      moments: x once (a chunk of rows stays in cache for its two passes); forward: x and residual once, y once;
//                sums and backward: dy and x once each, dx once
//   method       plain loops along the channels, which the compiler makes vectors of, once an instruction set; where there
//                are few channels, rows that follow each other count as one wide row
//   numerics     two passes a chunk, chunks joined in f64 (Chan, Golub, LeVeque 1979); at most 32 rows are summed in f32
//   determinism  chunks depend on the shape alone and are joined in order
#include "../batch_norm.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "parallel.h"
#include "scratch.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cpu/batch_norm.cpp"
// clang-format off
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// clang-format on

#ifndef LACUNA_CPU_BATCH_NORM_KERNELS
#define LACUNA_CPU_BATCH_NORM_KERNELS
namespace lacuna::cpu::batch_norm {

// Over (rows, width) arrays, with vectors of one value a column; `block` is room for a row, or two for gradient_sums.
template <class T>
struct Kernels {
  // Added to acc, plain and weighted.
  void (*sums)(const T* x, std::int64_t rows, std::int64_t width, T* block, double* acc);
  void (*squares)(const T* x, const T* mean, std::int64_t rows, std::int64_t width, T* block,
                  double* acc);
  // [whether relu ended forward]: sums of dy and of dy * (x - mean)
  void (*gradient_sums[2])(const T* dy, const T* x, const T* mean, const T* scale, const T* shift,
                           std::int64_t rows, std::int64_t width, T* block, double* plain,
                           double* weighted);
  // [whether there is a residual][whether relu ends it]
  void (*normalise[2][2])(T* y, const T* x, const T* residual, const T* mean, const T* scale,
                          const T* shift, std::int64_t rows, std::int64_t width);
  // dz = dy where forward's y was above 0
  void (*mask)(T* dz, const T* dy, const T* x, const T* mean, const T* scale, const T* shift,
               std::int64_t rows, std::int64_t width);
  void (*backward)(T* dx, const T* dy, const T* x, const T* mean, const T* scale, const T* offset,
                   const T* slope, std::int64_t rows, std::int64_t width);
};

}  // namespace lacuna::cpu::batch_norm
#endif

HWY_BEFORE_NAMESPACE();
namespace lacuna::cpu::batch_norm::HWY_NAMESPACE {
// acc[s][j] += sum over rows of the s-th of kSums values that f(row * width + j, j, values) gives, by way of at most 32 rows in
// T. Memory is read as it lies: with sums in registers and rows side by side it came at half the speed.
template <int kSums, class T, class F>
HWY_INLINE void add_rows(std::int64_t rows, std::int64_t width, T* HWY_RESTRICT block,
                         double* const (&acc)[kSums], F f) {
  for (std::int64_t begin = 0; begin < rows; begin += 32) {
    const std::int64_t end = std::min<std::int64_t>(begin + 32, rows);
    for (std::int64_t j = 0; j < kSums * width; j++) block[j] = 0;
    for (std::int64_t r = begin; r < end; r++)
      for (std::int64_t j = 0; j < width; j++) {
        T values[kSums];
        f(r * width + j, j, values);
        for (int s = 0; s < kSums; s++) block[s * width + j] += values[s];
      }
    for (int s = 0; s < kSums; s++)
      for (std::int64_t j = 0; j < width; j++) acc[s][j] += block[s * width + j];
  }
}

template <class T>
HWY_NOINLINE void sums(const T* x, std::int64_t rows, std::int64_t width, T* HWY_RESTRICT block,
                       double* HWY_RESTRICT acc) {
  add_rows<1>(rows, width, block, {acc},
              [=](std::int64_t i, std::int64_t, T* v) HWY_ATTR { v[0] = x[i]; });
}

template <class T>
HWY_NOINLINE void squares(const T* x, const T* HWY_RESTRICT mean, std::int64_t rows,
                          std::int64_t width, T* HWY_RESTRICT block, double* HWY_RESTRICT acc) {
  add_rows<1>(rows, width, block, {acc}, [=](std::int64_t i, std::int64_t j, T* v) HWY_ATTR {
    v[0] = (x[i] - mean[j]) * (x[i] - mean[j]);
  });
}

template <class T, bool kRelu>
HWY_NOINLINE void gradient_sums(const T* dy, const T* x, const T* HWY_RESTRICT mean,
                                const T* HWY_RESTRICT scale, const T* HWY_RESTRICT shift,
                                std::int64_t rows, std::int64_t width, T* HWY_RESTRICT block,
                                double* HWY_RESTRICT plain, double* HWY_RESTRICT weighted) {
  add_rows<2>(rows, width, block, {plain, weighted},
              [=](std::int64_t i, std::int64_t j, T* v) HWY_ATTR {
                const T u = x[i] - mean[j];
                v[0] = !kRelu || u * scale[j] + shift[j] > 0 ? dy[i] : 0;
                v[1] = v[0] * u;
              });
}

template <class T, bool kResidual, bool kRelu>
HWY_NOINLINE void normalise(T* HWY_RESTRICT y, const T* x, const T* residual,
                            const T* HWY_RESTRICT mean, const T* HWY_RESTRICT scale,
                            const T* HWY_RESTRICT shift, std::int64_t rows, std::int64_t width) {
  for (std::int64_t r = 0; r < rows; r++)
    for (std::int64_t j = 0; j < width; j++) {
      const std::int64_t i = r * width + j;
      T v = (x[i] - mean[j]) * scale[j] + shift[j];
      if (kResidual) v += residual[i];
      y[i] = kRelu && v < 0 ? 0 : v;
    }
}

template <class T>
HWY_NOINLINE void mask(T* dz, const T* dy, const T* x, const T* HWY_RESTRICT mean,
                       const T* HWY_RESTRICT scale, const T* HWY_RESTRICT shift, std::int64_t rows,
                       std::int64_t width) {
  for (std::int64_t r = 0; r < rows; r++)
    for (std::int64_t j = 0; j < width; j++) {
      const std::int64_t i = r * width + j;
      dz[i] = (x[i] - mean[j]) * scale[j] + shift[j] > 0 ? dy[i] : 0;
    }
}

// dx = scale * (dy - offset - (x - mean) * slope)
template <class T>
HWY_NOINLINE void backward(T* dx, const T* dy, const T* x, const T* HWY_RESTRICT mean,
                           const T* HWY_RESTRICT scale, const T* HWY_RESTRICT offset,
                           const T* HWY_RESTRICT slope, std::int64_t rows, std::int64_t width) {
  for (std::int64_t r = 0; r < rows; r++)
    for (std::int64_t j = 0; j < width; j++) {
      const std::int64_t i = r * width + j;
      dx[i] = scale[j] * (dy[i] - offset[j] - (x[i] - mean[j]) * slope[j]);
    }
}

template <class T>
Kernels<T> kernels() {
  return {sums<T>,
          squares<T>,
          {gradient_sums<T, false>, gradient_sums<T, true>},
          {{normalise<T, false, false>, normalise<T, false, true>},
           {normalise<T, true, false>, normalise<T, true, true>}},
          mask<T>,
          backward<T>};
}
Kernels<float> kernels_f32() { return kernels<float>(); }
Kernels<double> kernels_f64() { return kernels<double>(); }

}  // namespace lacuna::cpu::batch_norm::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lacuna::cpu {
namespace batch_norm {
HWY_EXPORT(kernels_f32);
HWY_EXPORT(kernels_f64);
Kernels<float> kernels_of(float) { return HWY_DYNAMIC_DISPATCH(kernels_f32)(); }
Kernels<double> kernels_of(double) { return HWY_DYNAMIC_DISPATCH(kernels_f64)(); }
}  // namespace batch_norm

namespace {

// x (rows, channels) as (rows / wide, wide * channels) and what is left, in chunks.
struct Plan {
  std::int64_t rows, channels, wide, width, chunk, chunks;

  explicit Plan(const Array& x)
      : rows(x.dim(-1) ? x.size() / x.dim(-1) : 0), channels(x.dim(-1)), wide(1) {
    const std::int64_t widening = 64 / std::gcd(channels, std::int64_t{64});
    if (widening * channels <= 1024) wide = widening;
    width = wide * channels;
    // About 16,384 elements, so that two passes find them in cache; 64 rows at least, to pay for joining.
    chunk = std::max<std::int64_t>(64, 16384 / std::max<std::int64_t>(1, channels));
    chunk = (chunk + wide - 1) / wide * wide;
    chunks = (rows + chunk - 1) / chunk;
  }

  /// body(first element, rows of width, width) for the wide rows of a chunk, then for the rows left over.
  template <class Body>
  void each(std::int64_t c, Body&& body) const {
    const std::int64_t begin = c * chunk, count = std::min(chunk, rows - begin);
    if (count / wide) body(begin * channels, count / wide, width);
    if (const std::int64_t rest = count % wide)
      body((begin + count - rest) * channels, std::int64_t{1}, rest * channels);
  }
  template <class Body>
  void parallel(Body&& body) const {
    parallel_for(chunks, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; c++) body(c);
    });
  }
  /// Channel c of the wide row v is the sum of its copies.
  void fold(double* v) const {
    for (std::int64_t w = 1; w < wide; w++)
      for (std::int64_t j = 0; j < channels; j++) v[j] += v[w * channels + j];
  }
};

// f(channel) for each channel, repeated to the width of a wide row.
template <class T, class F>
std::vector<T> repeated(const Plan& plan, F f) {
  std::vector<T> v(plan.width);
  for (std::int64_t j = 0; j < plan.width; j++) v[j] = static_cast<T>(f(j % plan.channels));
  return v;
}

template <class T>
void moments(const BatchNormMoments& a, T zero) {
  const auto kernels = batch_norm::kernels_of(zero);
  const Plan plan(a.x);
  const std::int64_t n = plan.channels;
  const T* const x = a.x.as<T>();
  const Scratch<double> partial(2 * plan.chunks * n + 1);  // mean and centred of each chunk
  const auto count = [&](std::int64_t c) {
    return static_cast<double>(std::min(plan.chunk, plan.rows - c * plan.chunk));
  };
  plan.parallel([&](std::int64_t c) {
    const Scratch<double> sums(plan.width), squares(plan.width);
    const Scratch<T> block(plan.width);
    std::fill_n(sums.data(), plan.width, 0.0);
    std::fill_n(squares.data(), plan.width, 0.0);
    plan.each(c, [&](std::int64_t at, std::int64_t rows, std::int64_t width) {
      kernels.sums(x + at, rows, width, block.data(), sums.data());
    });
    plan.fold(sums.data());
    const auto mean = repeated<T>(plan, [&](std::int64_t j) { return sums[j] / count(c); });
    plan.each(c, [&](std::int64_t at, std::int64_t rows, std::int64_t width) {
      kernels.squares(x + at, mean.data(), rows, width, block.data(), squares.data());
    });
    plan.fold(squares.data());
    double* const out = partial.data() + 2 * c * n;
    for (std::int64_t j = 0; j < n; j++) {
      const double exact = sums[j] / count(c), rounded = exact - mean[j];
      out[j] = exact;
      out[n + j] = squares[j] - count(c) * rounded * rounded;  // as if mean[j] had not been rounded
    }
  });
  std::vector<double> mean(n), centred(n);
  double total = 0;
  for (std::int64_t c = 0; c < plan.chunks; c++) {
    const double* const part = partial.data() + 2 * c * n;
    const double more = count(c), weight = more / (total + more), between = total * weight;
    for (std::int64_t j = 0; j < n; j++) {
      const double difference = part[j] - mean[j];
      mean[j] += difference * weight;
      centred[j] += part[n + j] + difference * difference * between;
    }
    total += more;
  }
  std::copy_n(mean.data(), n, a.mean.as<T>());
  std::copy_n(centred.data(), n, a.centred.as<T>());
}

// What forward multiplies by and adds, a column of the plan's width each.
template <class T>
struct Line {
  std::vector<T> mean, scale, shift;

  Line(const Plan& plan, const Array& means, const Array& rstd, const Array& gamma,
       const Array& beta) {
    const auto at = [](const Array& v, std::int64_t j, T absent) {
      return v ? v.as<T>()[j] : absent;
    };
    mean = repeated<T>(plan, [&](std::int64_t j) { return at(means, j, 0); });
    shift = repeated<T>(plan, [&](std::int64_t j) { return at(beta, j, 0); });
    scale = repeated<T>(plan, [&](std::int64_t j) { return at(rstd, j, 0) * at(gamma, j, 1); });
  }
};

template <class T>
void forward(const BatchNormForward& a, T zero) {
  const auto kernels = batch_norm::kernels_of(zero);
  const auto normalise = kernels.normalise[static_cast<bool>(a.residual)][a.relu];
  const Plan plan(a.x);
  const Line<T> line(plan, a.mean, a.rstd, a.gamma, a.beta);
  plan.parallel([&](std::int64_t c) {
    plan.each(c, [&](std::int64_t at, std::int64_t rows, std::int64_t width) {
      normalise(a.y.as<T>() + at, a.x.as<T>() + at, a.residual ? a.residual.as<T>() + at : nullptr,
                line.mean.data(), line.scale.data(), line.shift.data(), rows, width);
    });
  });
}

template <class T>
void sums(const BatchNormSums& a, T zero) {
  const auto kernels = batch_norm::kernels_of(zero);
  const Plan plan(a.x);
  const std::int64_t n = plan.channels;
  const Line<T> line(plan, a.mean, a.rstd, a.gamma, a.beta);
  const Scratch<double> partial(2 * plan.chunks * n + 1);
  plan.parallel([&](std::int64_t c) {
    const Scratch<double> plain(plan.width), weighted(plan.width);
    const Scratch<T> block(2 * plan.width);
    std::fill_n(plain.data(), plan.width, 0.0);
    std::fill_n(weighted.data(), plan.width, 0.0);
    plan.each(c, [&](std::int64_t at, std::int64_t rows, std::int64_t width) {
      kernels.gradient_sums[a.relu](a.dy.as<T>() + at, a.x.as<T>() + at, line.mean.data(),
                                    line.scale.data(), line.shift.data(), rows, width, block.data(),
                                    plain.data(), weighted.data());
    });
    plan.fold(plain.data());
    plan.fold(weighted.data());
    std::copy_n(plain.data(), n, partial.data() + 2 * c * n);
    std::copy_n(weighted.data(), n, partial.data() + (2 * c + 1) * n);
  });
  std::vector<double> sums(2 * n);
  for (std::int64_t c = 0; c < plan.chunks; c++)
    for (std::int64_t j = 0; j < 2 * n; j++) sums[j] += partial[2 * c * n + j];
  for (std::int64_t j = 0; j < n; j++) {
    a.dbeta.as<T>()[j] = static_cast<T>(sums[j]);
    a.dgamma.as<T>()[j] = static_cast<T>(sums[n + j] * a.rstd.as<T>()[j]);
  }
}

template <class T>
void backward(const BatchNormBackward& a, T zero) {
  const auto kernels = batch_norm::kernels_of(zero);
  const Plan plan(a.x);
  const Line<T> line(plan, a.mean, a.rstd, a.gamma, a.beta);
  const auto share = [&](const Array& sum, std::int64_t j) {
    return sum ? static_cast<double>(sum.as<T>()[j]) / a.count : 0.0;
  };
  const auto offset = repeated<T>(plan, [&](std::int64_t j) { return share(a.dbeta, j); });
  const auto slope =
      repeated<T>(plan, [&](std::int64_t j) { return a.rstd.as<T>()[j] * share(a.dgamma, j); });
  plan.parallel([&](std::int64_t c) {
    plan.each(c, [&](std::int64_t at, std::int64_t rows, std::int64_t width) {
      T* const dx = a.dx.as<T>() + at;
      const T *const x = a.x.as<T>() + at, *dy = a.dy.as<T>() + at;
      if (a.relu) {
        kernels.mask(dx, dy, x, line.mean.data(), line.scale.data(), line.shift.data(), rows,
                     width);
        dy = dx;
      }
      kernels.backward(dx, dy, x, line.mean.data(), line.scale.data(), offset.data(), slope.data(),
                       rows, width);
    });
  });
}

}  // namespace

void batch_norm_moments(const BatchNormMoments& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { moments(a, zero); });
}
void batch_norm_forward(const BatchNormForward& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { forward(a, zero); });
}
void batch_norm_sums(const BatchNormSums& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { sums(a, zero); });
}
void batch_norm_backward(const BatchNormBackward& a, Stream) {
  dispatch_float(a.x.dtype, [&](auto zero) { backward(a, zero); });
}

}  // namespace lacuna::cpu
#endif
