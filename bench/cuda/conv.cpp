// Convolutions beside cuDNN, every plan of its graph API timed.
#include <limits>
#include <stdexcept>

#include "../../kernels/backend.h"
#include "../../kernels/conv2d.h"
#include "../../kernels/precision.h"
#include "../../kernels/random.h"
#include "cases.h"
#include "cudnn.h"

namespace lacuna::bench {
namespace {

struct Layer {
  const char* name;
  ConvShape shape;
};

std::vector<Layer> layers(bool small) {
  std::vector<Layer> all{{"cifar 64 32^2", {128, 32, 32, 64, 64, 3, 1, 1}},
                         {"cifar stem 3x3", {128, 32, 32, 3, 64, 3, 1, 1}}};
  if (small) return all;
  return {{"cifar stem 3x3", {512, 32, 32, 3, 64, 3, 1, 1}},
          {"cifar 64 32^2", {512, 32, 32, 64, 64, 3, 1, 1}},
          {"cifar 128 16^2", {512, 16, 16, 128, 128, 3, 1, 1}},
          {"cifar 256 8^2", {512, 8, 8, 256, 256, 3, 1, 1}},
          {"cifar 512 4^2", {512, 4, 4, 512, 512, 3, 1, 1}},
          {"cifar 64->128 s2", {512, 32, 32, 64, 128, 3, 2, 1}},
          {"imagenet stem 7x7 s2", {256, 224, 224, 3, 64, 7, 2, 3}},
          {"imagenet 64 56^2", {256, 56, 56, 64, 64, 3, 1, 1}},
          {"imagenet 128 28^2", {256, 28, 28, 128, 128, 3, 1, 1}},
          {"imagenet 256 14^2", {256, 14, 14, 256, 256, 3, 1, 1}},
          {"imagenet 512 7^2", {256, 7, 7, 512, 512, 3, 1, 1}},
          {"1x1 256->64 56^2", {256, 56, 56, 256, 64, 1, 1, 0}},
          {"1x1 1024->256 14^2", {256, 14, 14, 1024, 256, 1, 1, 0}}};
}

const char* name_of(ConvKind kind) {
  return kind == ConvKind::forward      ? "forward"
         : kind == ConvKind::grad_input ? "grad_input"
                                        : "grad_weight";
}

struct Sets {
  std::vector<std::unique_ptr<DeviceArray>> x, w, y;
  Sets(const ConvShape& s, Dtype dtype, int count) {
    using Dims = std::vector<std::int64_t>;
    for (int i = 0; i < count; i++) {
      x.push_back(std::make_unique<DeviceArray>(Dims{s.n, s.h, s.w, s.ci}, dtype, 1));
      w.push_back(std::make_unique<DeviceArray>(Dims{s.co, s.k, s.k, s.ci}, dtype, 2));
      y.push_back(std::make_unique<DeviceArray>(Dims{s.n, s.oh(), s.ow(), s.co}, dtype, 3));
    }
  }
  DeviceArray& result(ConvKind kind) const {
    return *(kind == ConvKind::forward ? y : kind == ConvKind::grad_input ? x : w)[0];
  }
};

// 32 elements of the result, by their definition.
std::vector<std::pair<std::int64_t, double>> reference(ConvKind kind, const ConvShape& s,
                                                       const Sets& sets) {
  const DeviceArray &x = *sets.x[0], &w = *sets.w[0], &y = *sets.y[0];
  const RandomKey key = RandomKey::of(6, 6);
  std::vector<std::pair<std::int64_t, double>> out;
  const std::int64_t size = sets.result(kind).size();
  for (std::uint64_t r = 0; r < 32; r++) {
    const std::int64_t e = below(draw_word(key, r, 0), static_cast<std::uint32_t>(size));
    double sum = 0;
    if (kind == ConvKind::forward) {
      const std::int64_t o = e % s.co, j = e / s.co % s.ow(), i = e / s.co / s.ow() % s.oh(),
                         n = e / s.co / s.ow() / s.oh();
      for (std::int64_t p = 0; p < s.k; p++)
        for (std::int64_t q = 0; q < s.k; q++) {
          const std::int64_t h = i * s.stride + p - s.padding, v = j * s.stride + q - s.padding;
          if (h < 0 || h >= s.h || v < 0 || v >= s.w) continue;
          for (std::int64_t c = 0; c < s.ci; c++)
            sum += x.at(((n * s.h + h) * s.w + v) * s.ci + c) *
                   w.at(((o * s.k + p) * s.k + q) * s.ci + c);
        }
    } else if (kind == ConvKind::grad_input) {
      const std::int64_t c = e % s.ci, v = e / s.ci % s.w, h = e / s.ci / s.w % s.h,
                         n = e / s.ci / s.w / s.h;
      for (std::int64_t p = 0; p < s.k; p++)
        for (std::int64_t q = 0; q < s.k; q++) {
          const std::int64_t a = h + s.padding - p, b = v + s.padding - q;
          if (a < 0 || b < 0 || a % s.stride || b % s.stride) continue;
          const std::int64_t i = a / s.stride, j = b / s.stride;
          if (i >= s.oh() || j >= s.ow()) continue;
          for (std::int64_t o = 0; o < s.co; o++)
            sum += y.at(((n * s.oh() + i) * s.ow() + j) * s.co + o) *
                   w.at(((o * s.k + p) * s.k + q) * s.ci + c);
        }
    } else {
      if (r >= 4) break;  // each is a sum over all images
      const std::int64_t c = e % s.ci, q = e / s.ci % s.k, p = e / s.ci / s.k % s.k,
                         o = e / s.ci / s.k / s.k;
      for (std::int64_t n = 0; n < s.n; n++)
        for (std::int64_t i = 0; i < s.oh(); i++)
          for (std::int64_t j = 0; j < s.ow(); j++) {
            const std::int64_t h = i * s.stride + p - s.padding, v = j * s.stride + q - s.padding;
            if (h < 0 || h >= s.h || v < 0 || v >= s.w) continue;
            sum += y.at(((n * s.oh() + i) * s.ow() + j) * s.co + o) *
                   x.at(((n * s.h + h) * s.w + v) * s.ci + c);
          }
    }
    out.emplace_back(e, sum);
  }
  return out;
}

void launch(ConvKind kind, const ConvShape& s, const Sets& sets, int i) {
  const Device device{DeviceType::cuda, 0};
  Window2d window;
  for (int axis = 0; axis < 2; axis++)
    window.stride[axis] = s.stride, window.padding[axis] = s.padding;
  const Array x = sets.x[i]->array(), w = sets.w[i]->array(), y = sets.y[i]->array();
  switch (kind) {
    case ConvKind::forward:
      return run<&KernelTable::conv2d_forward>(Conv2dForward{y, x, w, {}, window}, device);
    case ConvKind::grad_input:
      return run<&KernelTable::conv2d_grad_input>(Conv2dGradInput{x, y, w, window}, device);
    case ConvKind::grad_weight:
      return run<&KernelTable::conv2d_grad_weight>(Conv2dGradWeight{w, {}, y, x, window}, device);
  }
}

constexpr ConvKind kKinds[] = {ConvKind::forward, ConvKind::grad_input, ConvKind::grad_weight};

struct Number {
  const char* name;
  Dtype dtype;
  bool tf32;
};
constexpr Number kNumbers[] = {{"bf16", Dtype::bf16, false}, {"tf32", Dtype::f32, true}};

std::string title(ConvKind kind, const Number& number, const Layer& layer) {
  return std::string("conv ") + name_of(kind) + " " + number.name + " " + layer.name;
}

}  // namespace

std::vector<Result> race_conv(const Roof& roof, bool small) {
  std::vector<Result> results;
  for (const Number& number : kNumbers)
    for (const Layer& layer : layers(small))
      for (const ConvKind kind : kKinds) {
        const ConvShape& s = layer.shape;
        if (kind == ConvKind::grad_input && s.ci == 3)
          continue;  // nobody asks for an image's gradient
        Result r;
        r.name = title(kind, number, layer);
        r.flops = s.flops();
        const double elements =
            static_cast<double>(s.n) * (s.h * s.w * s.ci + s.oh() * s.ow() * s.co) +
            static_cast<double>(s.co) * s.k * s.k * s.ci;
        r.bytes = elements * size_of(number.dtype);
        r.floor = floor_of(roof, number.dtype, number.tf32, r.flops, r.bytes);
        const int count = sets_for(static_cast<std::size_t>(r.bytes));
        Sets sets(s, number.dtype, count);
        const auto want = reference(kind, s, sets);
        set_precision(number.tf32 ? Precision::tf32 : Precision::f32);
        std::vector<Contender> all{{"lacuna", [&](int i) { launch(kind, s, sets, i); }}};
        sets.result(kind).poison();
        all[0].launch(0);
        all[0].error = sampled_error(sets.result(kind), want);

        CudnnConv library(kind, s, number.dtype, "");
        const auto plan_run = [&](int plan, int i) {
          return library.run(plan, sets.x[i]->data(), sets.w[i]->data(), sets.y[i]->data());
        };
        int best = -1;
        double fastest = std::numeric_limits<double>::infinity();
        for (int p = 0; p < library.plans(); p++) {
          if (!plan_run(p, 0)) continue;
          const auto t = race({{"", [&](int i) { plan_run(p, i); }}}, count, 5);
          if (t[0].seconds < fastest) fastest = t[0].seconds, best = p;
        }
        if (best >= 0) {
          all.push_back(
              {"cuDNN " + library.plan_name(best), [&, best](int i) { plan_run(best, i); }});
          sets.result(kind).poison();
          all[1].launch(0);
          all[1].error = sampled_error(sets.result(kind), want);
        }
        r.timings = race(all, count, small ? 11 : 31);
        results.push_back(std::move(r));
      }
  set_precision(Precision::f32);
  return results;
}

std::vector<std::string> check_plans(const std::string& device_json) {
  std::vector<std::string> lines;
  for (const Number& number : kNumbers)
    for (const Layer& layer : layers(false))
      for (const ConvKind kind : kKinds) {
        const CudnnConv c(kind, layer.shape, number.dtype, device_json);
        if (c.plans() == 0) throw std::runtime_error("no plan for " + title(kind, number, layer));
        lines.push_back(title(kind, number, layer) + ": " + std::to_string(c.plans()) + " plans");
      }
  return lines;
}

}  // namespace lacuna::bench
