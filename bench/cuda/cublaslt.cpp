#include "cublaslt.h"

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <stdexcept>
#include <vector>

namespace lacuna::bench {
namespace {

constexpr std::size_t kWorkspace = 32 << 20;

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string("cuBLASLt ") + what + ": " +
                             cublasLtGetStatusString(status));
}

}  // namespace

struct CublasLt::State {
  cublasLtHandle_t handle = nullptr;
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  std::vector<cublasLtMatmulHeuristicResult_t> found;
  void* workspace = nullptr;
};

// Column-major in its own words: c^T = b^T a^T, so that its first operand is our b.
CublasLt::CublasLt(const GemmShape& s, Dtype dtype, bool tf32) : state_(std::make_unique<State>()) {
  State& st = *state_;
  const cudaDataType_t type = dtype == Dtype::bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const cublasComputeType_t compute =
      dtype == Dtype::f32 && tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
  check(cublasLtCreate(&st.handle), "create");
  check(cublasLtMatmulDescCreate(&st.product, compute, CUDA_R_32F), "description");
  const cublasOperation_t first = s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                          second = s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N;
  check(
      cublasLtMatmulDescSetAttribute(st.product, CUBLASLT_MATMUL_DESC_TRANSA, &first, sizeof first),
      "transpose");
  check(cublasLtMatmulDescSetAttribute(st.product, CUBLASLT_MATMUL_DESC_TRANSB, &second,
                                       sizeof second),
        "transpose");
  const auto layout = [&](cublasLtMatrixLayout_t* to, std::int64_t rows, std::int64_t columns) {
    check(cublasLtMatrixLayoutCreate(to, type, static_cast<std::uint64_t>(columns),
                                     static_cast<std::uint64_t>(rows), columns),
          "layout");
  };
  s.transpose_b ? layout(&st.b, s.n, s.k) : layout(&st.b, s.k, s.n);
  s.transpose_a ? layout(&st.a, s.k, s.m) : layout(&st.a, s.m, s.k);
  layout(&st.c, s.m, s.n);
  cublasLtMatmulPreference_t preference = nullptr;
  check(cublasLtMatmulPreferenceCreate(&preference), "preference");
  check(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                             &kWorkspace, sizeof kWorkspace),
        "workspace");
  st.found.resize(8);
  int count = 0;
  check(cublasLtMatmulAlgoGetHeuristic(st.handle, st.product, st.b, st.a, st.c, st.c, preference, 8,
                                       st.found.data(), &count),
        "heuristics");
  st.found.resize(static_cast<std::size_t>(count));
  cublasLtMatmulPreferenceDestroy(preference);
  if (cudaMalloc(&st.workspace, kWorkspace) != cudaSuccess)
    throw std::runtime_error("cuBLASLt workspace: out of memory");
}

CublasLt::~CublasLt() {
  State& st = *state_;
  cudaFree(st.workspace);
  cublasLtMatrixLayoutDestroy(st.a);
  cublasLtMatrixLayoutDestroy(st.b);
  cublasLtMatrixLayoutDestroy(st.c);
  cublasLtMatmulDescDestroy(st.product);
  cublasLtDestroy(st.handle);
}

int CublasLt::algorithms() const { return static_cast<int>(state_->found.size()); }

bool CublasLt::run(int algorithm, const void* a, const void* b, void* c) {
  State& st = *state_;
  const float one = 1, zero = 0;
  return cublasLtMatmul(st.handle, st.product, &one, b, st.b, a, st.a, &zero, c, st.c, c, st.c,
                        &st.found[algorithm].algo, st.workspace, kWorkspace,
                        nullptr) == CUBLAS_STATUS_SUCCESS;
}

std::string CublasLt::version() { return std::to_string(cublasLtGetVersion()); }

}  // namespace lacuna::bench
