#include "cudnn_attention.h"

#include <cuda_runtime_api.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace lacuna::bench {
namespace {

using Tensor = CudnnGraph::Tensor;
constexpr cudnnDataType_t kBf16 = CUDNN_DATA_BFLOAT16, kF32 = CUDNN_DATA_FLOAT,
                          kI32 = CUDNN_DATA_INT32;

Dims rows_of(const AttentionShape& s) { return {s.b, s.h, s.s, s.d}; }
Dims one_a_row(const AttentionShape& s) { return {s.b, s.h, s.s, 1}; }
Dims scores_of(const AttentionShape& s) { return {s.b, s.h, s.s, s.s}; }
Dims exchanged(Dims d) {
  std::swap(d[2], d[3]);
  return d;
}

Tensor& rows(CudnnGraph& g, const AttentionShape& s) {
  return g.tensor(kBf16, rows_of(s), in_order(rows_of(s)));
}
/// The same memory, seen as (b, h, d, s).
Tensor& across(CudnnGraph& g, const AttentionShape& s) {
  return g.tensor(kBf16, exchanged(rows_of(s)), exchanged(in_order(rows_of(s))));
}
Tensor& sums(CudnnGraph& g, const AttentionShape& s) {
  return g.tensor(kF32, one_a_row(s), in_order(one_a_row(s)));
}

}  // namespace

CudnnAttention::CudnnAttention(const AttentionShape& shape, bool backward,
                               const std::string& device_json)
    : shape_(shape),
      scale_(1 / std::sqrt(static_cast<float>(shape.d))),
      minus_infinity_(-std::numeric_limits<float>::infinity()),
      window_(static_cast<std::int32_t>(shape.window)) {
  backward ? describe_backward() : describe_forward();
  // Without a device the code of its engines, which is compiled for each plan, could not be loaded.
  graph_.plan(device_json, !device_json.empty());
  if (!backward || !device_json.empty()) return;
  const std::size_t n = static_cast<std::size_t>(shape.b * shape.h * shape.s) * sizeof(float);
  if (cudaMalloc(&row_sums_, n) != cudaSuccess ||
      cudaMalloc(&dq_sums_, n * static_cast<std::size_t>(shape.d)) != cudaSuccess)
    throw std::runtime_error("cuDNN attention: out of memory");
}

CudnnAttention::~CudnnAttention() {
  cudaFree(row_sums_);
  cudaFree(dq_sums_);
}

/// Scores, -inf where the mask hides a key. Its numbers are the last that run() takes.
Tensor& CudnnAttention::hidden_beyond_mask(Tensor& scores) {
  CudnnGraph& g = graph_;
  if (!shape_.causal) return scores;
  Tensor& hidden = g.number(kF32);
  numbers_.push_back(&minus_infinity_);
  Tensor* seen = &scores;
  const auto keep = [&](cudnnPointwiseMode_t compare, Tensor& a, Tensor& b) {
    Tensor& yes = g.between(scores_of(shape_), CUDNN_DATA_BOOLEAN);
    Tensor& kept = g.between(scores_of(shape_));
    g.pointwise(compare, a, &b, yes);
    g.pointwise(CUDNN_POINTWISE_BINARY_SELECT, *seen, &hidden, kept, &yes);
    seen = &kept;
  };
  const auto indices = [&](std::int64_t axis) -> Tensor& {
    Tensor& i = g.between(scores_of(shape_), kI32);
    g.pointwise(CUDNN_POINTWISE_GEN_INDEX, *seen, nullptr, i, nullptr, axis);
    return i;
  };
  Tensor& query = indices(2);
  Tensor& key = indices(3);
  keep(CUDNN_POINTWISE_CMP_GE, query, key);
  if (shape_.window) {
    Tensor& width = g.number(kI32);
    numbers_.push_back(&window_);
    Tensor& low = indices(2);
    Tensor& later = g.between(scores_of(shape_), kI32);
    Tensor& place = indices(3);
    g.pointwise(CUDNN_POINTWISE_ADD, place, &width, later);
    keep(CUDNN_POINTWISE_CMP_GT, later, low);
  }
  return *seen;
}

void CudnnAttention::describe_forward() {
  CudnnGraph& g = graph_;
  Tensor &q = rows(g, shape_), &k = across(g, shape_), &v = rows(g, shape_), &y = rows(g, shape_),
         &lse = sums(g, shape_), &scale = g.number(kF32);
  const Dims all = scores_of(shape_), row = one_a_row(shape_);
  Tensor &product = g.between(all), &scores = g.between(all);
  g.product(q, k, product);
  g.pointwise(CUDNN_POINTWISE_MUL, product, &scale, scores);
  Tensor& seen = hidden_beyond_mask(scores);
  Tensor &most = g.between(row), &below = g.between(all), &weights = g.between(all),
         &total = g.between(row), &log = g.between(row), &p = g.between(all, kBf16);
  g.reduction(CUDNN_REDUCE_TENSOR_MAX, seen, most);
  g.pointwise(CUDNN_POINTWISE_SUB, seen, &most, below);
  g.pointwise(CUDNN_POINTWISE_EXP, below, nullptr, weights);
  g.reduction(CUDNN_REDUCE_TENSOR_ADD, weights, total);
  g.pointwise(CUDNN_POINTWISE_LOG, total, nullptr, log);
  g.pointwise(CUDNN_POINTWISE_ADD, most, &log, lse);
  g.pointwise(CUDNN_POINTWISE_DIV, weights, &total, p);
  g.product(p, v, y);
}

void CudnnAttention::describe_backward() {
  CudnnGraph& g = graph_;
  Tensor &q = rows(g, shape_), &k = across(g, shape_), &v = across(g, shape_), &y = rows(g, shape_),
         &lse = sums(g, shape_), &dy = rows(g, shape_), &dq = rows(g, shape_),
         &dk = rows(g, shape_), &dv = rows(g, shape_), &row_sums = sums(g, shape_),
         &dq_sums = g.tensor(kF32, rows_of(shape_), in_order(rows_of(shape_))),
         &scale = g.number(kF32), &one = g.number(kF32);
  const Dims all = scores_of(shape_), row = one_a_row(shape_), wide = rows_of(shape_);
  Tensor &both = g.between(wide), &added = g.between(row);
  g.pointwise(CUDNN_POINTWISE_MUL, dy, &y, both);
  g.reduction(CUDNN_REDUCE_TENSOR_ADD, both, added);
  g.pointwise(CUDNN_POINTWISE_MUL, added, &one, row_sums);
  Tensor &product = g.between(all), &scores = g.between(all), &below = g.between(all);
  g.product(q, k, product);
  g.pointwise(CUDNN_POINTWISE_MUL, product, &scale, scores);
  g.pointwise(CUDNN_POINTWISE_SUB, scores, &lse, below);
  Tensor& seen = hidden_beyond_mask(below);
  const auto turned = [&]() -> Tensor& {
    return g.tensor(kBf16, all, exchanged(in_order(all)), CudnnGraph::Where::between);
  };
  Tensor &p = g.between(all), &p_across = turned(), &dp = g.between(all), &centred = g.between(all),
         &weighted = g.between(all), &ds = g.between(all), &ds_across = turned(),
         &keys = g.between(wide, kBf16);
  g.pointwise(CUDNN_POINTWISE_EXP, seen, nullptr, p);
  g.reshape(p, p_across);
  g.product(p_across, dy, dv);
  g.product(dy, v, dp);
  g.pointwise(CUDNN_POINTWISE_SUB, dp, &row_sums, centred);
  g.pointwise(CUDNN_POINTWISE_MUL, centred, &p, weighted);
  g.pointwise(CUDNN_POINTWISE_MUL, weighted, &scale, ds);
  g.reshape(ds, ds_across);
  g.product(ds_across, q, dk);
  g.reshape(k, keys);
  g.product(ds, keys, dq_sums);
  g.pointwise(CUDNN_POINTWISE_IDENTITY, dq_sums, nullptr, dq);
}

bool CudnnAttention::forward(int plan, void* q, void* k, void* v, void* y, void* lse) {
  std::vector<void*> pointers{q, k, v, y, lse, &scale_};
  pointers.insert(pointers.end(), numbers_.begin(), numbers_.end());
  return graph_.run(plan, pointers);
}

bool CudnnAttention::backward(int plan, void* q, void* k, void* v, void* y, void* lse, void* dy,
                              void* dq, void* dk, void* dv) {
  // Its engines add to dq's sums.
  const auto bytes = static_cast<std::size_t>(shape_.b * shape_.h * shape_.s * shape_.d) * 4;
  if (cudaMemsetAsync(dq_sums_, 0, bytes) != cudaSuccess) return false;
  std::vector<void*> pointers{q, k, v, y, lse, dy, dq, dk, dv, row_sums_, dq_sums_, &scale_, &one_};
  pointers.insert(pointers.end(), numbers_.begin(), numbers_.end());
  return graph_.run(plan, pointers);
}

}  // namespace lacuna::bench
