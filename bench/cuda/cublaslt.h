#pragma once
// cuBLASLt's matrix product, the best of its heuristics by time.
#include <cstdint>
#include <memory>
#include <string>

#include "../../kernels/dtype.h"

namespace lacuna::bench {

/// c (m, n) = a b, row-major, with b (k, n), or (n, k) where transpose_b, and a (m, k), or (k, m) where transpose_a.
struct GemmShape {
  std::int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  double flops() const { return 2.0 * m * n * k; }
};

class CublasLt {
 public:
  CublasLt(const GemmShape& shape, Dtype dtype, bool tf32);
  ~CublasLt();
  CublasLt(const CublasLt&) = delete;
  CublasLt& operator=(const CublasLt&) = delete;
  int algorithms() const;
  bool run(int algorithm, const void* a, const void* b, void* c);
  static std::string version();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacuna::bench
