// Convolutions beside cuDNN, every plan of its graph API timed.
#include <algorithm>
#include <memory>

#include "../../kernels/batch_norm.h"
#include "../../kernels/conv2d.h"
#include "../../kernels/conv_transpose2d.h"
#include "../../kernels/copy.h"
#include "cases.h"
#include "conv_reference.h"
#include "cudnn_conv.h"

namespace lacuna::bench {
namespace {

// A transposed convolution is the gradient of one: `shape` is that one's, and each kind stands for another kernel (run()).
struct Layer {
  const char* name;
  ConvShape shape;
  bool transposed = false;
};

std::vector<Layer> layers(bool small) {
  std::vector<Layer> all{{"16 8^2", {2, 8, 8, 16, 16, 3, 1, 1}},
                         {"5x5 16->8 9^2", {2, 9, 9, 16, 8, 5, 1, 2}},
                         {"stem 3x3", {2, 9, 9, 3, 16, 3, 1, 1}},
                         {"2x2 s2 16->8 16^2", {2, 10, 10, 8, 16, 2, 2, 0}, true}};
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
          {"5x5 64 28^2", {256, 28, 28, 64, 64, 5, 1, 2}},
          {"1x1 64->256 56^2", {256, 56, 56, 64, 256, 1, 1, 0}},
          {"1x1 256->64 56^2", {256, 56, 56, 256, 64, 1, 1, 0}},
          {"1x1 1024->256 14^2", {256, 14, 14, 1024, 256, 1, 1, 0}},
          {"2x2 s2 128->64 128^2", {16, 256, 256, 64, 128, 2, 2, 0}, true},
          {"2x2 s2 256->128 64^2", {16, 128, 128, 128, 256, 2, 2, 0}, true},
          {"2x2 s2 1024->512 16^2", {16, 32, 32, 512, 1024, 2, 2, 0}, true}};
}

/// Which of a layer's kernels computes this kind of its shape.
const char* name_of(ConvKind kind, bool transposed) {
  return kind == ConvKind::grad_weight               ? "grad_weight"
         : (kind == ConvKind::forward) != transposed ? "forward"
                                                     : "grad_input";
}

Window2d window_of(const ConvShape& s) {
  Window2d window;
  for (int axis = 0; axis < 2; axis++)
    window.stride[axis] = s.stride, window.padding[axis] = s.padding;
  return window;
}

void launch(ConvKind kind, const ConvShape& s, const Arrays& a, How how) {
  const Window2d window = window_of(s);
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

void launch_transposed(ConvKind kind, const ConvShape& s, const Arrays& a, How how) {
  const Window2d window = window_of(s);
  switch (kind) {
    case ConvKind::forward:
      return call<&KernelTable::conv_transpose2d_grad_input>(
          ConvTranspose2dGradInput{a[kY], a[kX], a[kWeight], window}, how);
    case ConvKind::grad_input:
      return call<&KernelTable::conv_transpose2d_forward>(
          ConvTranspose2dForward{a[kX], a[kY], a[kWeight], {}, window}, how);
    case ConvKind::grad_weight:
      return call<&KernelTable::conv_transpose2d_grad_weight>(
          ConvTranspose2dGradWeight{a[kWeightGradient], {}, a[kX], a[kY], window}, how);
  }
}

constexpr ConvKind kKinds[] = {ConvKind::forward, ConvKind::grad_input, ConvKind::grad_weight};

struct Number {
  const char* name;
  Dtype dtype;
  bool tf32;
};
constexpr Number kNumbers[] = {{"bf16", Dtype::bf16, false}, {"tf32", Dtype::f32, true}};

using Shared = std::shared_ptr<CudnnGraph>;

Rival cudnn(ConvKind kind, const ConvShape& s, Dtype dtype, std::vector<std::size_t> operands,
            std::size_t result, const std::string& note = "") {
  const ConvTail tail = operands.size() == 5   ? ConvTail::bias_residual_relu
                        : operands.size() == 4 ? ConvTail::bias_relu
                                               : ConvTail::none;
  return {
      [=] {
        const Shared graph = cudnn_conv(kind, s, dtype, tail, "");
        return Baseline{graph->plans(),
                        [=](int way) { return "cuDNN" + note + " " + graph->plan_name(way); },
                        [=](int way, const Arrays& a) {
                          std::vector<void*> pointers;
                          for (const std::size_t i : operands) pointers.push_back(a[i].data);
                          return graph->run(way, pointers);
                        },
                        {result}};
      },
      [=](const std::string& device) { return cudnn_conv(kind, s, dtype, tail, device)->plans(); }};
}

Case conv(ConvKind kind, const Number& number, const Layer& layer) {
  const ConvShape& s = layer.shape;
  const bool transposed = layer.transposed;
  Case c;
  c.op = std::string(transposed ? "conv_transpose_" : "conv_") + name_of(kind, transposed);
  c.name = std::string(transposed ? "conv_transpose " : "conv ") + name_of(kind, transposed) + " " +
           number.name + " " + layer.name;
  c.settings = {{"stride", static_cast<double>(s.stride)},
                {"padding", static_cast<double>(s.padding)}};
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
  c.kernel = [=](const Arrays& a, How how) {
    (transposed ? launch_transposed : launch)(kind, s, a, how);
  };
  c.outputs = {
      {result_of(kind), [=](const DeviceArrays& a) { return conv_reference(kind, s, a); }}};
  // cuDNN's weight gradient is of the weight's own type, as frameworks ask for it.
  c.rivals = {cudnn(kind, s, number.dtype, {kX, kWeight, kY},
                    kind == ConvKind::grad_weight ? kWeight : result_of(kind))};
  return c;
}

// Images of three channels are an awkward case, which cuDNN can be spared: beside it, the same with five channels of zeros.
Case stem(const Number& number, const Layer& layer) {
  Case c = conv(ConvKind::forward, number, layer);
  ConvShape wide = layer.shape;
  wide.ci = 8;
  const std::size_t x = c.operands.size(), weight = x + 1;
  c.operands.push_back({{wide.n, wide.h, wide.w, wide.ci}, number.dtype});
  c.operands.push_back({{wide.co, wide.k, wide.k, wide.ci}, number.dtype});
  c.prepare = [=](const Arrays& a, How how) {
    for (const auto& [to, from] : {std::pair{x, kX}, {weight, kWeight}}) {
      call<&KernelTable::fill>(Fill{a[to], 0}, how);
      Array part = a[to];
      part.shape[3] = a[from].shape[3];
      call<&KernelTable::copy>(Copy{part, a[from]}, how);
    }
  };
  c.rivals.push_back(
      cudnn(ConvKind::forward, wide, number.dtype, {x, weight, kY}, kY, ", 8 channels,"));
  return c;
}

// y = relu(conv + bias), or relu(conv + bias + residual), in one kernel, beside cuDNN's in one.
Case with_relu(const Number& number, const Layer& layer, bool residual) {
  constexpr std::size_t kBias = 3, kResidual = 4;
  const ConvShape s = layer.shape;
  Case c = conv(ConvKind::forward, number, layer);
  c.name += residual ? " bias residual relu" : " bias relu";
  c.op += residual ? "_bias_residual_relu" : "_bias_relu";
  c.operands.push_back({{s.co}, number.dtype});
  std::vector<std::size_t> places = {kX, kWeight, kY, kBias};
  if (residual) {
    c.operands.push_back(c.operands[kY]);
    places.push_back(kResidual);
    c.bytes += static_cast<double>(s.n * s.oh() * s.ow() * s.co) * size_of(number.dtype);
  }
  c.kernel = [=](const Arrays& a, How how) {
    Conv2dForward args{a[kY], a[kX], a[kWeight], a[kBias], window_of(s)};
    args.epilogue = Epilogue::relu;
    if (residual) args.residual = a[kResidual];
    call<&KernelTable::conv2d_forward>(args, how);
  };
  c.outputs = {{kY, [=](const DeviceArrays& a) {
                  Sampled sampled = conv_reference(ConvKind::forward, s, a);
                  for (auto& [e, v] : sampled)
                    v = std::max(
                        0.0, v + a[kBias]->at(e % s.co) + (residual ? a[kResidual]->at(e) : 0.0));
                  return sampled;
                }}};
  c.rivals = {cudnn(ConvKind::forward, s, number.dtype, places, kY, " fused,")};
  return c;
}

// As a block of a ResNet ends where its norm is folded into the convolution.
Case with_residual(const Number& number, const Layer& layer) {
  return with_relu(number, layer, true);
}

// Beside cuDNN's in two kernels, too.
Case with_bias_relu(const Number& number, const Layer& layer) {
  constexpr std::size_t kBias = 3, kBefore = 4;
  const ConvShape s = layer.shape;
  const Dtype dtype = number.dtype;
  Case c = with_relu(number, layer, false);
  c.operands.push_back(c.operands[kY]);
  // The second graph is left to the first of its plans: it does nothing but read and write.
  c.rivals.push_back({[=] {
    const Shared graph = cudnn_conv(ConvKind::forward, s, dtype, ConvTail::none, ""),
                 rest = cudnn_bias_relu(s, dtype, "");
    return Baseline{rest->plans() ? graph->plans() : 0,
                    [=](int way) { return "cuDNN in two, " + graph->plan_name(way); },
                    [=](int way, const Arrays& a) {
                      return graph->run(way, {a[kX].data, a[kWeight].data, a[kBefore].data}) &&
                             rest->run(0, {a[kBefore].data, a[kBias].data, a[kY].data});
                    },
                    {kY}};
  }});
  return c;
}

// What a batch norm wants to know of its input, while the input is made; beside cuDNN's convolution and a pass over its result.
Case with_moments(const Number& number, const Layer& layer) {
  constexpr std::size_t kMean = 3, kCentred = 4;
  const ConvShape s = layer.shape;
  const Dtype dtype = number.dtype;
  Case c = conv(ConvKind::forward, number, layer);
  c.name += " moments";
  c.op += "_moments";
  c.operands.insert(c.operands.end(), 2, {{s.co}, Dtype::f32});
  c.kernel = [s](const Arrays& a, How how) {
    Conv2dForward args{a[kY], a[kX], a[kWeight], {}, window_of(s)};
    args.mean = a[kMean], args.centred = a[kCentred];
    call<&KernelTable::conv2d_forward>(args, how);
  };
  c.outputs.push_back({kMean, [s](const DeviceArrays& a) {
                         return Sampled{{s.co - 1, channel_moments(s, a).first}};
                       }});
  c.outputs.push_back({kCentred, [s](const DeviceArrays& a) {
                         return Sampled{{s.co - 1, channel_moments(s, a).second}};
                       }});
  c.rivals = {{[=] {
    const Shared graph = cudnn_conv(ConvKind::forward, s, dtype, ConvTail::none, "");
    return Baseline{graph->plans(),
                    [=](int way) { return "cuDNN and lacuna's moments, " + graph->plan_name(way); },
                    [=](int way, const Arrays& a) {
                      if (!graph->run(way, {a[kX].data, a[kWeight].data, a[kY].data})) return false;
                      call<&KernelTable::batch_norm_moments>(
                          BatchNormMoments{a[kMean], a[kCentred], a[kY]}, How::run);
                      return true;
                    },
                    {kY, kMean, kCentred}};
  }}};
  return c;
}

}  // namespace

std::vector<Case> conv_cases(bool small) {
  std::vector<Case> cases;
  for (const Number& number : kNumbers)
    for (const Layer& layer : layers(small))
      for (const ConvKind kind : kKinds) {
        const bool image = layer.shape.ci == 3;
        if (kind == ConvKind::forward && image)
          cases.push_back(stem(number, layer));
        else if (kind != ConvKind::grad_input || !image)  // nobody asks for an image's
          cases.push_back(conv(kind, number, layer));
      }
  for (const Layer& layer : layers(small))
    if (!layer.transposed && layer.shape.stride == 1 && layer.shape.ci % 8 == 0 &&
        layer.shape.k == 3)
      for (const auto with : {with_bias_relu, with_residual, with_moments})
        cases.push_back(with(kNumbers[0], layer));
  return cases;
}

}  // namespace lacuna::bench
