// What the cases in tests/ops do not reach of pooling on a device: bf16, uneven buffers, NaN.
#include "../../kernels/pool2d.h"

#include "kernel_check.h"

namespace lacuna::test {
namespace {

struct Shape {
  std::int64_t n, h, w, c, kernel[2];
  Window2d window = {};
  bool count_include_pad = true;
  std::size_t skip = 0;
};

template <class T>
void check(const Shape& s, PoolKind kind) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + (kind == PoolKind::max ? " max" : " average") +
               " channels " + std::to_string(s.c) + " skip " + std::to_string(s.skip));
  const DeviceType type = DeviceType::emu;
  const Sizes in{s.n, s.h, s.w, s.c},
      out{s.n, s.window.output(s.h, s.kernel[0], 0), s.window.output(s.w, s.kernel[1], 1), s.c};
  std::vector<float> values = drawn(count(in), 1);
  for (float& v : values) v = std::round(v * 3) / 4;  // ties
  if (!values.empty()) values[values.size() / 2] = NAN;
  Twin<T> x(type, in, values, s.skip), y(type, out, s.skip), dx(type, in, s.skip),
      dy(type, out, drawn(count(out), 2), s.skip);
  Twin<std::int32_t> indices(type, out, s.skip);
  const auto common = [&](auto& a, bool device) {
    a.kind = kind;
    a.kernel[0] = s.kernel[0];
    a.kernel[1] = s.kernel[1];
    a.window = s.window;
    a.count_include_pad = s.count_include_pad;
    if (kind == PoolKind::max) a.indices = indices.on(device);
    return a;
  };
  run_both<&KernelTable::pool2d_forward>(type, [&](bool device) {
    Pool2dForward a;
    a.y = y.on(device);
    a.x = x.on(device);
    return common(a, device);
  });
  run_both<&KernelTable::pool2d_backward>(type, [&](bool device) {
    Pool2dBackward a;
    a.dx = dx.on(device);
    a.dy = dy.on(device);
    return common(a, device);
  });
  y.expect_close("y", 1e-6);
  dx.expect_close("dx", 1e-6);
  if (kind == PoolKind::max) indices.expect_close("indices", 0);
}

TEST(EmuPool2d, AgreesWithCpuF64) {
  for (const std::int64_t c : {0, 1, 3, 8, 16, 20})
    for (const std::size_t skip : {0, 1})
      for (const PoolKind kind : {PoolKind::max, PoolKind::average}) {
        const Shape shapes[] = {{2, 8, 6, c, {2, 2}, {{2, 2}}, true, skip},
                                {2, 7, 9, c, {3, 3}, {{2, 1}, {1, 1}}, false, skip},
                                {1, 9, 8, c, {3, 3}, {{2, 2}, {1, 1}, {2, 3}}, false, skip},
                                {1,
                                 2,
                                 3,
                                 c,
                                 {2, 2},
                                 {{1, 1}, {1, 1}, {3, 3}},
                                 false,
                                 skip},  // some windows wholly outside
                                {2, 9, 11, c, {9, 11}, {}, true, skip}};  // global
        for (const Shape& s : shapes) {
          check<float>(s, kind);
          check<bf16>(s, kind);
          if (HasFatalFailure()) return;
        }
      }
}

TEST(EmuPool2d, WithoutIndices) {
  Twin<float> x(DeviceType::emu, {1, 4, 4, 4}, drawn(64, 1)), y(DeviceType::emu, {1, 2, 2, 4});
  run_both<&KernelTable::pool2d_forward>(DeviceType::emu, [&](bool device) {
    return Pool2dForward{y.on(device), x.on(device), {}, PoolKind::max, {2, 2}, {{2, 2}}, true};
  });
  y.expect_close("y", 0);
}

}  // namespace
}  // namespace lacuna::test
