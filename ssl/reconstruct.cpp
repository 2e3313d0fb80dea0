#include "reconstruct.h"

#include <cmath>

#include "../core/ops/mask_image.h"
#include "../core/tape.h"
#include "../kernels/cpu/parallel.h"

namespace lacuna {
namespace {

constexpr int kRadius = 5;  // of the 11x11 window
constexpr double kSigma = 1.5;

struct Picture4 {
  std::int64_t n, h, w, c;
  explicit Picture4(const Tensor& t) : n(t.dim(0)), h(t.dim(1)), w(t.dim(2)), c(t.dim(3)) {}
  std::int64_t size() const { return h * w * c; }
};

void check_pictures(const char* op, const Tensor& a, const Tensor& b) {
  LACUNA_CHECK(a.defined() && b.defined() && a.ndim() == 4 && a.shape() == b.shape(), op,
               "needs two batches of pictures (N, H, W, C) of one shape: got ", describe("a", a),
               ", ", describe("b", b));
}

template <class Body>
void each_picture(std::int64_t n, Body&& body) {
  cpu::parallel_for(n, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i++) body(i);
  });
}

// Gaussian mean of a (h, w) plane; the window's part outside of the picture counts nothing.
void blur(const std::vector<double>& plane, std::int64_t h, std::int64_t w,
          std::vector<double>& rows, std::vector<double>& out) {
  double weights[2 * kRadius + 1];
  for (int k = -kRadius; k <= kRadius; k++)
    weights[k + kRadius] = std::exp(-0.5 * k * k / (kSigma * kSigma));
  const auto pass = [&](const std::vector<double>& from, std::vector<double>& to,
                        std::int64_t lines, std::int64_t length, std::int64_t line_step,
                        std::int64_t step) {
    for (std::int64_t l = 0; l < lines; l++) {
      for (std::int64_t i = 0; i < length; i++) {
        double sum = 0, total = 0;
        const std::int64_t first = std::max<std::int64_t>(0, i - kRadius),
                           last = std::min(length - 1, i + kRadius);
        for (std::int64_t j = first; j <= last; j++) {
          const double weight = weights[j - i + kRadius];
          sum += weight * from[l * line_step + j * step];
          total += weight;
        }
        to[l * line_step + i * step] = sum / total;
      }
    }
  };
  pass(plane, rows, h, w, w, 1);
  pass(rows, out, w, h, 1, w);
}

}  // namespace

Tensor ssim_map(const Tensor& a, const Tensor& b, double range) {
  check_pictures("ssim_map", a, b);
  const Picture4 p(a);
  Tensor map = Tensor::empty(a.shape());
  const float *const x = a.data<float>(), *const y = b.data<float>();
  float* const out = map.data<float>();
  const double c1 = std::pow(0.01 * range, 2), c2 = std::pow(0.03 * range, 2);
  each_picture(p.n * p.c, [&](std::int64_t i) {
    const std::int64_t area = p.h * p.w, from = i / p.c * p.size() + i % p.c;
    std::vector<double> planes[5], means[5], rows(area);
    for (int k = 0; k < 5; k++) planes[k].resize(area), means[k].resize(area);
    for (std::int64_t j = 0; j < area; j++) {
      const double u = x[from + j * p.c], v = y[from + j * p.c];
      planes[0][j] = u, planes[1][j] = v, planes[2][j] = u * u, planes[3][j] = v * v,
      planes[4][j] = u * v;
    }
    for (int k = 0; k < 5; k++) blur(planes[k], p.h, p.w, rows, means[k]);
    for (std::int64_t j = 0; j < area; j++) {
      const double mu = means[0][j], mv = means[1][j];
      const double uu = means[2][j] - mu * mu, vv = means[3][j] - mv * mv,
                   uv = means[4][j] - mu * mv;
      out[from + j * p.c] = static_cast<float>((2 * mu * mv + c1) * (2 * uv + c2) /
                                               ((mu * mu + mv * mv + c1) * (uu + vv + c2)));
    }
  });
  return map;
}

Tensor mean_fill(const Tensor& original, const Tensor& hidden) {
  check_pictures("mean_fill", original, hidden);
  const Picture4 p(original);
  Tensor filled = original.clone();
  float* const out = filled.data<float>();
  const std::uint8_t* const hides = hidden.data<std::uint8_t>();
  each_picture(p.n * p.c, [&](std::int64_t i) {
    const std::int64_t from = i / p.c * p.size() + i % p.c, end = from + p.h * p.w * p.c;
    double sum = 0;
    std::int64_t seen = 0;
    for (std::int64_t j = from; j < end; j += p.c)
      if (!hides[j]) sum += out[j], seen++;
    const float mean = seen ? static_cast<float>(sum / static_cast<double>(seen)) : 0.0f;
    for (std::int64_t j = from; j < end; j += p.c)
      if (hides[j]) out[j] = mean;
  });
  return filled;
}

Tensor nearest_fill(const Tensor& original, const Tensor& hidden) {
  check_pictures("nearest_fill", original, hidden);
  const Picture4 p(original);
  Tensor filled = original.clone();
  const float* const x = original.data<float>();
  float* const out = filled.data<float>();
  const std::uint8_t* const hides = hidden.data<std::uint8_t>();
  each_picture(p.n, [&](std::int64_t n) {
    const auto at = [&](std::int64_t r, std::int64_t s, std::int64_t c) {
      return ((n * p.h + r) * p.w + s) * p.c + c;
    };
    for (std::int64_t r = 0; r < p.h; r++)
      for (std::int64_t s = 0; s < p.w; s++)
        for (std::int64_t c = 0; c < p.c; c++) {
          if (!hides[at(r, s, c)]) continue;
          // Square rings outwards; a ring at distance d cannot hold anything nearer than d.
          std::int64_t best = -1, found = 0;
          for (std::int64_t d = 1; d < std::max(p.h, p.w) && (best < 0 || d * d <= best); d++) {
            for (std::int64_t i = std::max<std::int64_t>(0, r - d); i <= std::min(p.h - 1, r + d);
                 i++) {
              const bool edge = i == r - d || i == r + d;
              for (std::int64_t j = s - d; j <= s + d; j += edge ? 1 : 2 * d) {
                if (j < 0 || j >= p.w || hides[at(i, j, c)]) continue;
                const std::int64_t distance = (i - r) * (i - r) + (j - s) * (j - s);
                if (best < 0 || distance < best || (distance == best && at(i, j, c) < found)) {
                  best = distance;
                  found = at(i, j, c);
                }
              }
            }
          }
          out[at(r, s, c)] = best < 0 ? 0.0f : x[found];
        }
  });
  return filled;
}

namespace {

struct Sums {
  double square[2] = {}, ssim[2] = {};  // over hidden values, over all

  void add(const Tensor& original, const Tensor& guess, const Tensor& hidden) {
    const Tensor map = ssim_map(original, guess);
    const float *const a = original.data<float>(), *const b = guess.data<float>(),
                       *const s = map.data<float>();
    const std::uint8_t* const hides = hidden.data<std::uint8_t>();
    for (std::int64_t i = 0; i < original.numel(); i++) {
      const double d = static_cast<double>(a[i]) - b[i];
      square[1] += d * d;
      ssim[1] += s[i];
      if (hides[i]) {
        square[0] += d * d;
        ssim[0] += s[i];
      }
    }
  }
  ReconstructionScore score(int which, double count) const {
    ReconstructionScore r;
    r.mse = square[which] / count;
    r.psnr = 10 * std::log10(4 / r.mse);
    r.ssim = ssim[which] / count;
    return r;
  }
};

}  // namespace

ReconstructionReport evaluate_reconstruction(Reconstructs& task, const Source& source,
                                             std::uint64_t seed, std::int64_t batch_size,
                                             Device device) {
  NoGrad guard;
  std::map<std::string, Sums> sums;
  double values = 0, hidden = 0;
  Context context{.training = false, .seed = seed};
  for (std::int64_t first = 0; first < source.size(); first += batch_size) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = first; i < std::min(first + batch_size, source.size()); i++)
      ids.push_back(i);
    context.ids = row_ids(ids, 1, device);
    const Reconstruction r = task.reconstruct(context, read_batch(source, ids).to(device));
    sums["model"].add(r.original, r.output, r.hidden);
    sums["mean_fill"].add(r.original, mean_fill(r.masked, r.hidden), r.hidden);
    sums["nearest_pixel"].add(r.original, nearest_fill(r.masked, r.hidden), r.hidden);
    values += static_cast<double>(r.hidden.numel());
    for (std::int64_t i = 0; i < r.hidden.numel(); i++) hidden += r.hidden.data<std::uint8_t>()[i];
  }
  ReconstructionReport report;
  report.images = source.size();
  report.hidden_share = values > 0 ? hidden / values : 0;
  for (const auto& [method, sum] : sums) {
    report.all[method] = sum.score(1, values);
    if (hidden > 0) report.hidden[method] = sum.score(0, hidden);
  }
  return report;
}

}  // namespace lacuna
