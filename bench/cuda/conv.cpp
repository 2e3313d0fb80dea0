// Convolutions beside cuDNN, every plan of its graph API timed.
#include <stdexcept>

#include "../../kernels/conv2d.h"
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

// The operands: what is read beside what is written. A weight gradient is f32 beside bf16, and has an array of its own.
enum Place : std::size_t { kX, kWeight, kY, kWeightGradient };
Place result_of(ConvKind kind) {
  return kind == ConvKind::forward ? kY : kind == ConvKind::grad_input ? kX : kWeightGradient;
}

// 32 elements of the result, by their definition.
Sampled reference(ConvKind kind, const ConvShape& s, const DeviceArrays& arrays) {
  const DeviceArray &x = *arrays[kX], &w = *arrays[kWeight], &y = *arrays[kY];
  const RandomKey key = RandomKey::of(6, 6);
  Sampled out;
  const std::int64_t size =
      kind == ConvKind::grad_weight ? w.size() : arrays[result_of(kind)]->size();
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

void launch(ConvKind kind, const ConvShape& s, const Arrays& a, How how) {
  Window2d window;
  for (int axis = 0; axis < 2; axis++)
    window.stride[axis] = s.stride, window.padding[axis] = s.padding;
  switch (kind) {
    case ConvKind::forward:
      return call<&KernelTable::conv2d_forward>(Conv2dForward{a[kY], a[kX], a[kWeight], {}, window},
                                                how);
    case ConvKind::grad_input:
      return call<&KernelTable::conv2d_grad_input>(
          Conv2dGradInput{a[kX], a[kY], a[kWeight], window}, how);
    case ConvKind::grad_weight:
      return call<&KernelTable::conv2d_grad_weight>(
          Conv2dGradWeight{a[kWeightGradient], {}, a[kY], a[kX], window}, how);
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

Case conv(ConvKind kind, const Number& number, const Layer& layer) {
  const ConvShape& s = layer.shape;
  Case c;
  c.name = title(kind, number, layer);
  c.dtype = number.dtype;
  c.tf32 = number.tf32;
  c.flops = s.flops();
  c.operands = {{{s.n, s.h, s.w, s.ci}, number.dtype},
                {{s.co, s.k, s.k, s.ci}, number.dtype},
                {{s.n, s.oh(), s.ow(), s.co}, number.dtype}};
  if (kind == ConvKind::grad_weight) c.operands.push_back({{s.co, s.k, s.k, s.ci}, Dtype::f32});
  const double weights = static_cast<double>(s.co * s.k * s.k * s.ci),
               images = static_cast<double>(s.n) * (s.h * s.w * s.ci + s.oh() * s.ow() * s.co);
  c.bytes = images * size_of(number.dtype) +
            weights * size_of(kind == ConvKind::grad_weight ? Dtype::f32 : number.dtype);
  c.result = result_of(kind);
  c.kernel = [kind, s](const Arrays& a, How how) { launch(kind, s, a, how); };
  c.reference = [kind, s](const DeviceArrays& arrays) { return reference(kind, s, arrays); };
  // cuDNN's weight gradient is of the weight's own type, as frameworks ask for it.
  c.baseline = [kind, s, number] {
    const auto library = std::make_shared<CudnnConv>(kind, s, number.dtype, "");
    return Baseline{library->plans(),
                    [library](int way) { return "cuDNN " + library->plan_name(way); },
                    [library](int way, const Arrays& a) {
                      return library->run(way, a[kX].data, a[kWeight].data, a[kY].data);
                    },
                    kind == ConvKind::grad_weight ? kWeight : result_of(kind)};
  };
  return c;
}

}  // namespace

std::vector<Case> conv_cases(bool small) {
  std::vector<Case> cases;
  for (const Number& number : kNumbers)
    for (const Layer& layer : layers(small))
      for (const ConvKind kind : kKinds)
        if (kind != ConvKind::grad_input || layer.shape.ci != 3)  // nobody asks for an image's
          cases.push_back(conv(kind, number, layer));
  return cases;
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
