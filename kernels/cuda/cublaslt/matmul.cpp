#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "../../cublaslt.h"
#include "../../precision.h"
#include "../device/workspace.cuh"
#include "../graph.h"

namespace lacuna::cublaslt {
namespace {

constexpr std::size_t kWorkspace = 32 << 20;  // what NVIDIA recommends for sm_90

void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw RunError(std::string("[cublaslt] ") + what + ": " + cublasLtGetStatusString(status));
}

/// What the library's choice depends on.
struct Key {
  int device;
  Dtype dtype;
  Precision precision;
  bool bias, relu;
  Product product;
  std::int64_t alignment[4];  // of b, a, c and the bias, in bytes, up to 256

  static auto tied(const Matrix& m) {
    return std::tie(m.rows, m.columns, m.leading, m.step, m.transposed);
  }
  auto tied() const {
    return std::tuple_cat(std::tie(device, dtype, precision, bias, relu, product.batch,
                                   alignment[0], alignment[1], alignment[2], alignment[3]),
                          tied(product.first), tied(product.second), tied(product.out));
  }
  friend bool operator<(const Key& a, const Key& b) { return a.tied() < b.tied(); }
};

std::int64_t alignment_of(const Array& a) {
  const auto address = reinterpret_cast<std::uintptr_t>(a.data);
  return address % 256 == 0 ? 256 : static_cast<std::int64_t>(address & -address);
}

/// A product as the library wants it described, and its choice. Kept as long as the process lives.
struct Plan {
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t first = nullptr, second = nullptr, out = nullptr;
  cublasLtMatmulAlgo_t algorithm;
  std::size_t workspace = 0;
  bool possible = false;
};

template <class T>
void set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  check(cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value), "description");
}
template <class T>
void set(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute,
         const T& value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
        "preference");
}

cublasLtMatrixLayout_t layout_of(const Matrix& m, cudaDataType_t type, std::int64_t batch) {
  cublasLtMatrixLayout_t layout = nullptr;
  check(cublasLtMatrixLayoutCreate(&layout, type, static_cast<std::uint64_t>(m.rows),
                                   static_cast<std::uint64_t>(m.columns), m.leading),
        "layout");
  const auto count = static_cast<std::int32_t>(batch);
  check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count,
                                         sizeof count),
        "layout");
  check(cublasLtMatrixLayoutSetAttribute(layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                         &m.step, sizeof m.step),
        "layout");
  return layout;
}

Plan make_plan(cublasLtHandle_t handle, const Key& key) {
  Plan plan;
  const bool bf16 = key.dtype == Dtype::bf16;
  const cudaDataType_t type = bf16 ? CUDA_R_16BF : CUDA_R_32F;
  const bool tf32 = !bf16 && key.precision == Precision::tf32;
  check(cublasLtMatmulDescCreate(
            &plan.product, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "description");
  const auto operation = [](const Matrix& m) { return m.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, operation(key.product.first));
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSB, operation(key.product.second));
  const cublasLtEpilogue_t epilogue =
      key.bias ? (key.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS)
               : (key.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT);
  set(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  if (key.bias) set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, type);
  plan.first = layout_of(key.product.first, type, key.product.batch);
  plan.second = layout_of(key.product.second, type, key.product.batch);
  plan.out = layout_of(key.product.out, type, key.product.batch);

  cublasLtMatmulPreference_t preference = nullptr;
  check(cublasLtMatmulPreferenceCreate(&preference), "preference");
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
  const cublasLtMatmulPreferenceAttributes_t alignments[] = {
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
      CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES};
  for (int i = 0; i < 4; i++)
    set(preference, alignments[i], static_cast<std::uint32_t>(key.alignment[i < 2 ? i : 2]));
  cublasLtMatmulHeuristicResult_t found = {};
  int count = 0;
  // "Not supported" is an answer, too: the caller's own kernel does it then.
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(handle, plan.product, plan.first, plan.second, plan.out,
                                     plan.out, preference, 1, &found, &count);
  cublasLtMatmulPreferenceDestroy(preference);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED) check(status, "heuristics");
  plan.possible =
      status == CUBLAS_STATUS_SUCCESS && count > 0 && found.state == CUBLAS_STATUS_SUCCESS;
  plan.algorithm = found.algo;
  plan.workspace = found.workspaceSize;
  return plan;
}

struct Library {
  std::mutex mutex;
  std::map<int, cublasLtHandle_t> handles;  // one a device
  std::map<Key, Plan> plans;
};
Library& library() {
  static auto* l = new Library;  // never destroyed: the driver may be gone before it would be
  return *l;
}

}  // namespace

bool linked() { return true; }

bool matmul(const Matmul& p, Stream stream) {
  if (p.a.dtype != p.c.dtype) return false;  // f32 sums of bf16: our own kernel's
  Key key{p.c.device.index,
          p.c.dtype,
          precision(),
          static_cast<bool>(p.bias),
          p.epilogue == Epilogue::relu,
          {},
          {alignment_of(p.b), alignment_of(p.a),
           std::min(alignment_of(p.c), p.residual ? alignment_of(p.residual) : 256),
           p.bias ? alignment_of(p.bias) : 256}};
  if (!describe(p, key.product) || key.product.batch > 65535) return false;
  Library& l = library();
  std::lock_guard lock(l.mutex);  // a plan's bias is set anew for each product
  cublasLtHandle_t& handle = l.handles[key.device];
  if (!handle) check(cublasLtCreate(&handle), "create");
  auto at = l.plans.find(key);
  if (at == l.plans.end()) at = l.plans.emplace(key, make_plan(handle, key)).first;
  const Plan& plan = at->second;
  if (!plan.possible) return false;
  if (p.bias) {
    const void* const bias = p.bias.data;
    set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  }
  const cuda::Workspace<char> workspace(p.c.device, static_cast<std::int64_t>(plan.workspace));
  // The residual lies as c does (kernels/matmul.h), so that c's layout is also its own.
  const Array& added = p.residual ? p.residual : p.c;
  const float one = 1, share = p.residual ? 1.0f : 0.0f;
  check(cublasLtMatmul(handle, plan.product, &one, p.b.data, plan.first, p.a.data, plan.second,
                       &share, added.data, plan.out, p.c.data, plan.out, &plan.algorithm,
                       workspace.data(), plan.workspace, cuda::stream_of(stream)),
        "product");
  return true;
}

}  // namespace lacuna::cublaslt
