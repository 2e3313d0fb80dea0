// Matrix products beside cuBLASLt, and the ceilings.
#include <algorithm>
#include <cmath>
#include <limits>

#include "../../kernels/backend.h"
#include "../../kernels/copy.h"
#include "../../kernels/matmul.h"
#include "../../kernels/precision.h"
#include "../../kernels/random.h"
#include "cases.h"
#include "cublaslt.h"

namespace lacuna::bench {
namespace {

Array transposed(Array a) {
  std::swap(a.shape[0], a.shape[1]);
  std::swap(a.strides[0], a.strides[1]);
  return a;
}

struct Sets {
  std::vector<std::unique_ptr<DeviceArray>> a, b, c;
  Sets(const GemmShape& s, Dtype dtype, int count) {
    const auto make = [&](std::int64_t rows, std::int64_t columns, std::uint64_t seed) {
      return std::make_unique<DeviceArray>(std::vector<std::int64_t>{rows, columns}, dtype, seed);
    };
    for (int i = 0; i < count; i++) {
      a.push_back(s.transpose_a ? make(s.k, s.m, 1) : make(s.m, s.k, 1));
      b.push_back(s.transpose_b ? make(s.n, s.k, 2) : make(s.k, s.n, 2));
      c.push_back(make(s.m, s.n, 3));
    }
  }
};

std::vector<std::pair<std::int64_t, double>> reference(const GemmShape& s, const Sets& sets) {
  std::vector<std::pair<std::int64_t, double>> out;
  const RandomKey key = RandomKey::of(5, 5);
  for (std::uint64_t r = 0; r < 64; r++) {
    const std::int64_t i = below(draw_word(key, 2 * r, 0), static_cast<std::uint32_t>(s.m)),
                       j = below(draw_word(key, 2 * r + 1, 0), static_cast<std::uint32_t>(s.n));
    double sum = 0;
    for (std::int64_t k = 0; k < s.k; k++)
      sum += sets.a[0]->at(s.transpose_a ? k * s.m + i : i * s.k + k) *
             sets.b[0]->at(s.transpose_b ? j * s.k + k : k * s.n + j);
    out.emplace_back(i * s.n + j, sum);
  }
  return out;
}

std::vector<Timing> race_one(const GemmShape& s, Dtype dtype, bool tf32, int samples) {
  const std::size_t bytes =
      static_cast<std::size_t>(s.m * s.k + s.k * s.n + s.m * s.n) * size_of(dtype);
  const int count = sets_for(bytes);
  Sets sets(s, dtype, count);
  const auto want = reference(s, sets);
  const Device device{DeviceType::cuda, 0};
  set_precision(tf32 ? Precision::tf32 : Precision::f32);
  std::vector<Contender> all{{"lacuna", [&](int i) {
                                const Array a = sets.a[i]->array(), b = sets.b[i]->array();
                                run<&KernelTable::matmul>(Matmul{sets.c[i]->array(),
                                                                 s.transpose_a ? transposed(a) : a,
                                                                 s.transpose_b ? transposed(b) : b,
                                                                 {}},
                                                          device);
                              }}};
  sets.c[0]->poison();
  all[0].launch(0);
  all[0].error = sampled_error(*sets.c[0], want);

  CublasLt library(s, dtype, tf32);
  int best = -1;
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < library.algorithms(); i++) {
    if (!library.run(i, sets.a[0]->data(), sets.b[0]->data(), sets.c[0]->data())) continue;
    const auto t = race(
        {{"",
          [&](int k) { library.run(i, sets.a[k]->data(), sets.b[k]->data(), sets.c[k]->data()); }}},
        count, 9);
    if (t[0].seconds < fastest) fastest = t[0].seconds, best = i;
  }
  if (best >= 0) {
    all.push_back({"cuBLASLt", [&, best](int k) {
                     library.run(best, sets.a[k]->data(), sets.b[k]->data(), sets.c[k]->data());
                   }});
    sets.c[0]->poison();
    all[1].launch(0);
    all[1].error = sampled_error(*sets.c[0], want);
  }
  auto timings = race(all, count, samples);
  set_precision(Precision::f32);
  return timings;
}

}  // namespace

double sampled_error(const DeviceArray& y,
                     const std::vector<std::pair<std::int64_t, double>>& sampled) {
  check(cudaDeviceSynchronize(), "kernel");
  const auto got = y.fetch();
  double worst = 0, scale = 0;
  for (double v : got)
    if (!std::isfinite(v)) return std::numeric_limits<double>::infinity();  // not written, or wrong
  for (const auto& [index, value] : sampled) {
    worst = std::max(worst, std::fabs(got[index] - value));
    scale = std::max(scale, std::fabs(value));
  }
  return worst / (scale > 0 ? scale : 1);
}

double floor_of(const Roof& roof, Dtype dtype, bool tf32, double flops, double bytes) {
  const double rate = dtype == Dtype::bf16 ? roof.bf16_flops
                      : tf32               ? roof.tf32_flops
                                           : roof.f32_flops;
  return std::max(flops / rate, bytes / roof.copy_bytes);
}

Roof measure_roof() {
  Roof roof;
  const std::int64_t n = 1 << 28;  // 1 GiB of f32
  {
    DeviceArray x({n}, Dtype::f32, 1), y({n}, Dtype::f32, 2);
    const auto t = race(
        {{"copy",
          [&](int) {
            check(cudaMemcpyAsync(y.data(), x.data(), x.bytes(), cudaMemcpyDeviceToDevice), "copy");
          }}},
        1, 21);
    roof.copy_bytes = 2.0 * x.bytes() / t[0].seconds;
  }
  const GemmShape s{8192, 8192, 8192, false, true};
  const auto flops = [&](Dtype dtype, bool tf32) {
    for (const Timing& t : race_one(s, dtype, tf32, 11))
      if (t.name == "cuBLASLt") return s.flops() / t.seconds;
    return 1.0;
  };
  roof.bf16_flops = flops(Dtype::bf16, false);
  roof.tf32_flops = flops(Dtype::f32, true);
  roof.f32_flops = flops(Dtype::f32, false);
  return roof;
}

std::vector<Result> race_gemm(const Roof& roof, bool small) {
  std::vector<GemmShape> shapes{{1024, 1024, 1024, false, true}, {4096, 4096, 4096, false, true}};
  if (!small)
    shapes.insert(shapes.end(), {{8192, 8192, 8192, false, true},
                                 {4096, 4096, 4096},
                                 {65536, 768, 768, false, true},
                                 {65536, 2304, 768, false, true},
                                 {65536, 3072, 768, false, true},
                                 {768, 3072, 65536, true},
                                 {4096, 64, 576, false, true}});
  struct Kind {
    const char* name;
    Dtype dtype;
    bool tf32;
  };
  std::vector<Result> results;
  for (const Kind& kind :
       {Kind{"bf16", Dtype::bf16, false}, {"tf32", Dtype::f32, true}, {"f32", Dtype::f32, false}})
    for (const GemmShape& s : shapes) {
      Result r;
      r.name = std::string("gemm ") + kind.name + " " + std::to_string(s.m) + "x" +
               std::to_string(s.n) + "x" + std::to_string(s.k) + (s.transpose_a ? " a^T" : "") +
               (s.transpose_b ? " b^T" : "");
      r.flops = s.flops();
      r.bytes = static_cast<double>(s.m * s.k + s.k * s.n + s.m * s.n) * size_of(kind.dtype);
      r.floor = floor_of(roof, kind.dtype, kind.tf32, r.flops, r.bytes);
      r.timings = race_one(s, kind.dtype, kind.tf32, small ? 11 : 51);
      results.push_back(std::move(r));
    }
  return results;
}

}  // namespace lacuna::bench
