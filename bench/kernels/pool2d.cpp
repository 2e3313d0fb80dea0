#include <lacuna/kernels/pool2d.h>

#include <memory>

#include "bench.h"
#include "operand.h"

namespace lacuna::bench {
namespace {

struct Shape {
  std::int64_t n, h, c, kernel, stride, padding;
  PoolKind kind;
  std::int64_t out() const { return (h + 2 * padding - kernel) / stride + 1; }
};

std::function<void()> ours(const Shape& s, bool backward) {
  struct Data {
    Operand x, y, indices;
    Pool2dForward forward;
    Pool2dBackward backward;
  };
  auto d = std::make_shared<Data>();
  Pool2dForward& f = d->forward;
  f.x = d->x.make({s.n, s.h, s.h, s.c});
  f.y = d->y.make({s.n, s.out(), s.out(), s.c});
  if (s.kind == PoolKind::max)
    f.indices = d->indices.make({s.n, s.out(), s.out(), s.c}, Dtype::i32);
  f.kind = s.kind;
  f.kernel[0] = f.kernel[1] = s.kernel;
  f.window = {{s.stride, s.stride}, {s.padding, s.padding}, {1, 1}};
  run<&KernelTable::pool2d_forward>(f, {});
  Pool2dBackward& b = d->backward;
  b.dx = f.x;
  b.dy = f.y;
  b.indices = f.indices;
  b.kind = s.kind;
  b.kernel[0] = b.kernel[1] = s.kernel;
  b.window = f.window;
  if (backward) return [d] { run<&KernelTable::pool2d_backward>(d->backward, {}); };
  return [d] { run<&KernelTable::pool2d_forward>(d->forward, {}); };
}

}  // namespace

void add_pool() {
  const Shape shapes[] = {{64, 32, 64, 2, 2, 0, PoolKind::max},
                          {64, 16, 128, 2, 2, 0, PoolKind::max},
                          {16, 112, 64, 3, 2, 1, PoolKind::max},
                          {64, 32, 64, 2, 2, 0, PoolKind::average},
                          {64, 8, 512, 8, 1, 0, PoolKind::average}};
  for (const Shape& s : shapes) {
    const std::string name = std::string(s.kind == PoolKind::max ? "max_pool" : "average_pool") +
                             "/" + std::to_string(s.n) + "x" + std::to_string(s.h) + "x" +
                             std::to_string(s.h) + "x" + std::to_string(s.c) + "_k" +
                             std::to_string(s.kernel) + "_s" + std::to_string(s.stride);
    const double bytes =
        static_cast<double>(s.n * s.c) *
        static_cast<double>(s.h * s.h * 4 + s.out() * s.out() * (s.kind == PoolKind::max ? 8 : 4));
    for (const bool backward : {false, true})
      add(name + (backward ? "/backward" : "/forward"), "lacuna", {0, bytes},
          [s, backward] { return ours(s, backward); });
  }
}

}  // namespace lacuna::bench
