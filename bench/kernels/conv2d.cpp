#include <lacuna/kernels/conv2d.h>
#include <lacuna/kernels/conv_transpose2d.h>
#include <lacuna/kernels/winograd.h>

#include <memory>

#include "bench.h"
#include "operand.h"

namespace lacuna::bench {
namespace {

std::function<void()> ours(const ConvShape& s, Pass pass) {
  struct Data {
    Operand x, w, y, bias;
  };
  auto d = std::make_shared<Data>();
  const Array x = d->x.make({s.n, s.h, s.w, s.ci}), y = d->y.make({s.n, s.oh(), s.ow(), s.co});
  const Array w =
      d->w.make({s.transposed ? s.ci : s.co, s.kernel, s.kernel, s.transposed ? s.co : s.ci});
  const Array bias = d->bias.make({s.co});
  const Window2d window{{s.stride, s.stride}, {s.padding, s.padding}, {1, 1}};
  const auto call = [&](auto kernel, auto args) -> std::function<void()> {
    args.window = window;
    return [d, kernel, args] {
      validate(args);
      kernel(args, {});
    };
  };
  const KernelTable& table = find_backend(DeviceType::cpu)->kernels;
  if (s.transposed) {
    if (pass == Pass::forward)
      return call(table.conv_transpose2d_forward, ConvTranspose2dForward{y, x, w, bias});
    if (pass == Pass::grad_input)
      return call(table.conv_transpose2d_grad_input, ConvTranspose2dGradInput{x, y, w});
    return call(table.conv_transpose2d_grad_weight, ConvTranspose2dGradWeight{w, bias, y, x});
  }
  if (pass == Pass::forward) return call(table.conv2d_forward, Conv2dForward{y, x, w, bias});
  if (pass == Pass::grad_input) return call(table.conv2d_grad_input, Conv2dGradInput{x, y, w});
  return call(table.conv2d_grad_weight, Conv2dGradWeight{w, bias, y, x});
}

std::function<void()> directly(const std::function<void()>& f) {
  return [f] {
    set_winograd(false);
    f();
    set_winograd(true);
  };
}

}  // namespace

void add_conv() {
  struct Layer {
    const char* name;
    ConvShape shape;
  };
  std::vector<Layer> layers;
  for (const std::int64_t n : {64, 4}) {
    layers.push_back({"conv 3->64 k3 32x32", {n, 32, 32, 3, 64, 3, 1, 1}});
    layers.push_back({"conv 64->128 k3 16x16", {n, 16, 16, 64, 128, 3, 1, 1}});
    layers.push_back({"convT 128->64 k2 s2 8x8", {n, 8, 8, 128, 64, 2, 2, 0, true}});
    layers.push_back({"convT 64->3 k2 s2 16x16", {n, 16, 16, 64, 3, 2, 2, 0, true}});
    layers.push_back({"conv 64->64 k3 32x32", {n, 32, 32, 64, 64, 3, 1, 1}});
    layers.push_back({"conv 128->128 k3 16x16", {n, 16, 16, 128, 128, 3, 1, 1}});
    layers.push_back({"conv 256->256 k3 8x8", {n, 8, 8, 256, 256, 3, 1, 1}});
    layers.push_back({"conv 512->512 k3 4x4", {n, 4, 4, 512, 512, 3, 1, 1}});
    if (n == 4) continue;
    layers.push_back({"conv 64->128 k3 s2 32x32", {n, 32, 32, 64, 128, 3, 2, 1}});
    layers.push_back({"conv 128->256 k3 s2 16x16", {n, 16, 16, 128, 256, 3, 2, 1}});
    layers.push_back({"conv 256->512 k3 s2 8x8", {n, 8, 8, 256, 512, 3, 2, 1}});
    layers.push_back({"conv 64->128 k1 s2 32x32", {n, 32, 32, 64, 128, 1, 2, 0}});
    layers.push_back({"conv 3->64 k7 s2 224x224", {8, 224, 224, 3, 64, 7, 2, 3}});
    layers.push_back({"conv 3->192 k4 s4 32x32", {n, 32, 32, 3, 192, 4, 4, 0}});
  }
  for (const Layer& layer : layers) {
    const ConvShape s = layer.shape;
    for (const Pass pass : {Pass::forward, Pass::grad_input, Pass::grad_weight}) {
      std::string name = layer.name;
      for (char& c : name) c = c == ' ' ? '_' : c;
      name += "/batch" + std::to_string(s.n);
      name += pass == Pass::forward      ? "/forward"
              : pass == Pass::grad_input ? "/grad_input"
                                         : "/grad_weight";
      const Work work{s.flops()};
      add(name, "lacuna", work, [s, pass] { return ours(s, pass); });
      if (s.kernel == 3 && s.stride == 1 && s.ci > 3)
        add(name, "lacuna_direct", work, [s, pass] { return directly(ours(s, pass)); });
#if defined(LACUNA_BENCH_ONEDNN)
      add(name, "onednn_nhwc", work, [s, pass] { return onednn_conv(s, pass, false); });
      add(name, "onednn_auto", work, [s, pass] { return onednn_conv(s, pass, true); });
#endif
    }
  }
}

}  // namespace lacuna::bench
