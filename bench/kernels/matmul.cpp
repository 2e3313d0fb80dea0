#include <lacuna/kernels/matmul.h>

#include <memory>

#include "bench.h"
#include "operand.h"

namespace lacuna::bench {
namespace {

struct Shape {
  std::int64_t m, n, k;
  bool a_across = false, b_across = false;
  std::int64_t batch = 1;
};

std::function<void()> ours(const Shape& s) {
  struct Data {
    Operand a, b, c;
    Matmul args;
  };
  auto d = std::make_shared<Data>();
  d->args.a = d->a.make({s.batch, s.m, s.k});
  d->args.b = d->b.make({s.batch, s.k, s.n});
  d->args.c = d->c.make({s.batch, s.m, s.n});
  const auto across = [](Array& a) {
    a.strides[1] = 1;
    a.strides[2] = a.shape[1];
  };
  if (s.a_across) across(d->args.a);
  if (s.b_across) across(d->args.b);
  return [d] { run<&KernelTable::matmul>(d->args, {}); };
}

}  // namespace

void add_matmul() {
  const Shape shapes[] = {
      {1024, 1024, 1024},
      {2048, 768, 768},
      {2048, 3072, 768},
      {2048, 768, 3072},
      {2048, 2304, 768},
      {2048, 2048, 2048},
      {512, 512, 512},
      {256, 256, 256},
      {128, 128, 128},
      {4096, 64, 576},
      {8192, 128, 1152},
      {128, 10, 512},
      {2048, 768, 768, false, true},
      {2048, 3072, 768, false, true},
      {64, 512, 2048, false, true},
      {1, 3072, 768, false, true},
      {768, 3072, 2048, true},
      {3072, 768, 2048, true},
      {768, 768, 2048, true},
      {1152, 128, 8192, true},
      {64, 27, 65536, true},
      {128, 128, 768, true},  // of a small GPT's layers, and of BERT-Mini's
      {512, 128, 768, true},
      {128, 512, 768, true},
      {256, 256, 1024, true},
      {1024, 256, 1024, true},
      {10, 512, 128, true},
      {64, 64, 64, false, true, 192},
      {64, 64, 64, false, false, 192},
  };
  for (const Shape& s : shapes) {
    std::string name =
        "matmul/" + std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k);
    if (s.a_across) name += "/a^T";
    if (s.b_across) name += "/b^T";
    if (s.batch > 1) name += "/batch" + std::to_string(s.batch);
    const Work work{2.0 * static_cast<double>(s.batch * s.m * s.n * s.k)};
    add(name, "lacuna", work, [s] { return ours(s); });
    if (s.batch > 1) continue;
#if defined(LACUNA_BENCH_ONEDNN)
    add(name, "onednn", work, [s] { return onednn_matmul(s.m, s.n, s.k, s.a_across, s.b_across); });
#endif
#if defined(LACUNA_BENCH_EIGEN)
    add(name, "eigen", work, [s] { return eigen_matmul(s.m, s.n, s.k, s.a_across, s.b_across); });
#endif
  }
}

}  // namespace lacuna::bench
