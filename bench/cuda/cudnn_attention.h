#pragma once
// Attention as cuDNN graphs: the operations of its flash kernels written out one by one, which its engines recognise.
#include <cstdint>
#include <memory>

#include "cudnn_graph.h"

namespace lacuna::bench {

/// q, k, v, y (b, h, s, d) bf16, contiguous; query i sees the keys j <= i where `causal`, of which j > i - window where that is
/// not 0.
struct AttentionShape {
  std::int64_t b, h, s, d;
  bool causal = false;
  std::int64_t window = 0;
};

class CudnnAttention {
 public:
  CudnnAttention(const AttentionShape& shape, bool backward, const std::string& device_json);
  ~CudnnAttention();
  CudnnAttention(const CudnnAttention&) = delete;
  CudnnAttention& operator=(const CudnnAttention&) = delete;

  const CudnnGraph& graph() const { return graph_; }
  /// Writes y and lse, (b, h, s) f32. False where the plan does not run.
  bool forward(int plan, void* q, void* k, void* v, void* y, void* lse);
  bool backward(int plan, void* q, void* k, void* v, void* y, void* lse, void* dy, void* dq,
                void* dk, void* dv);

 private:
  void describe_forward();
  void describe_backward();
  CudnnGraph::Tensor& hidden_beyond_mask(CudnnGraph::Tensor& scores);

  AttentionShape shape_;
  CudnnGraph graph_;
  float scale_, minus_infinity_, one_ = 1;
  std::int32_t window_;
  void *row_sums_ = nullptr, *dq_sums_ = nullptr;  // f32, of the backward pass
  std::vector<void*> numbers_;                     // of the mask: what graph_ takes last
};

}  // namespace lacuna::bench
