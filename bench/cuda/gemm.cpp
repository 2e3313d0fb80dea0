// Matrix products beside cuBLASLt, and the ceilings.
#include <stdexcept>

#include "../../kernels/matmul.h"
#include "../../kernels/row_major.h"
#include "cases.h"
#include "cublaslt.h"

namespace lacuna::bench {
namespace {

Sampled reference(const GemmShape& s, const DeviceArrays& arrays) {
  Sampled out;
  for (const std::int64_t e : places(s.m * s.n, 64)) {
    const std::int64_t i = e / s.n, j = e % s.n;
    double sum = 0;
    for (std::int64_t k = 0; k < s.k; k++)
      sum += arrays[0]->at(s.transpose_a ? k * s.m + i : i * s.k + k) *
             arrays[1]->at(s.transpose_b ? j * s.k + k : k * s.n + j);
    out.emplace_back(e, sum);
  }
  return out;
}

struct Kind {
  const char* name;
  Dtype dtype;
  bool tf32;
};
constexpr Kind kKinds[] = {
    {"bf16", Dtype::bf16, false}, {"tf32", Dtype::f32, true}, {"f32", Dtype::f32, false}};

Case gemm(const GemmShape& s, const Kind& kind) {
  Case c;
  c.name = std::string("gemm ") + kind.name + " " + std::to_string(s.m) + "x" +
           std::to_string(s.n) + "x" + std::to_string(s.k) + (s.transpose_a ? " a^T" : "") +
           (s.transpose_b ? " b^T" : "");
  c.op = "matmul";
  c.settings = {{"transpose_a", s.transpose_a}, {"transpose_b", s.transpose_b}};
  c.dtype = kind.dtype;
  c.tf32 = kind.tf32;
  c.flops = s.flops();
  c.bytes = static_cast<double>(s.m * s.k + s.k * s.n + s.m * s.n) * size_of(kind.dtype);
  using Dims = std::vector<std::int64_t>;
  c.operands = {{s.transpose_a ? Dims{s.k, s.m} : Dims{s.m, s.k}, kind.dtype},
                {s.transpose_b ? Dims{s.n, s.k} : Dims{s.k, s.n}, kind.dtype},
                {{s.m, s.n}, kind.dtype}};
  c.kernel = [s](const Arrays& a, How how) {
    call<&KernelTable::matmul>(Matmul{a[2],
                                      s.transpose_a ? transposed(a[0]) : a[0],
                                      s.transpose_b ? transposed(a[1]) : a[1],
                                      {}},
                               how);
  };
  c.outputs = {{2, [s](const DeviceArrays& arrays) { return reference(s, arrays); }}};
  c.rivals.push_back({[s, kind] {
    const auto library = std::make_shared<CublasLt>(s, kind.dtype, kind.tf32);
    return Baseline{library->algorithms(),
                    [](int) { return std::string("cuBLASLt"); },
                    [library](int way, const Arrays& a) {
                      return library->run(way, a[0].data, a[1].data, a[2].data);
                    },
                    {2}};
  }});
  return c;
}

}  // namespace

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
  const auto flops = [&](const Kind& kind) {
    Case c = gemm(s, kind);
    c.kernel = nullptr, c.outputs.clear();  // ours may fail, the ceilings are still wanted
    const Result r = race(roof, c, 11);
    if (r.timings.empty())
      throw std::runtime_error("no ceiling: " + c.name + ": " +
                               (r.error.empty() ? "cuBLASLt has no way" : r.error));
    return s.flops() / r.timings[0].seconds;
  };
  roof.bf16_flops = flops(kKinds[0]);
  roof.tf32_flops = flops(kKinds[1]);
  roof.f32_flops = flops(kKinds[2]);
  return roof;
}

std::vector<Case> gemm_cases(bool small) {
  std::vector<GemmShape> shapes{{136, 72, 200, false, true}, {72, 136, 264, true}};
  if (!small)
    shapes = {{1024, 1024, 1024, false, true}, {4096, 4096, 4096, false, true},
              {8192, 8192, 8192, false, true}, {4096, 4096, 4096},
              {65536, 768, 768, false, true},  {4096, 64, 576, false, true}};
  std::vector<Case> cases;
  for (const Kind& kind : kKinds)
    for (const GemmShape& s : shapes) cases.push_back(gemm(s, kind));
  if (small) return cases;
  // GPT-2's layers of 768 inputs, a batch of 64 x 1024 tokens: y = x w^T, dx = dy w, dw = dy^T x.
  for (const std::int64_t out : {768, 2304, 3072, 50304}) {
    if (out != 768) cases.push_back(gemm({65536, out, 768, false, true}, kKinds[0]));
    cases.push_back(gemm({65536, 768, out}, kKinds[0]));
    cases.push_back(gemm({out, 768, 65536, true}, kKinds[0]));
  }
  return cases;
}

}  // namespace lacuna::bench
