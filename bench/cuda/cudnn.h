#pragma once
// cuDNN's graph API, as far as convolutions need it: every execution plan that its heuristics name is made, so that the
// fastest can be chosen by time (what cudnn.benchmark does).
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../../kernels/dtype.h"

namespace lacuna::bench {

enum class ConvKind { forward, grad_input, grad_weight };

/// x (n, h, w, ci), weight (co, k, k, ci), y (n, oh, ow, co), channels last, square kernels.
struct ConvShape {
  std::int64_t n, h, w, ci, co, k, stride, padding;
  std::int64_t oh() const { return (h + 2 * padding - k) / stride + 1; }
  std::int64_t ow() const { return (w + 2 * padding - k) / stride + 1; }
  double flops() const { return 2.0 * n * oh() * ow() * co * k * k * ci; }
};

class CudnnConv {
 public:
  /// Plans of a convolution, bf16 or f32 (which may be rounded to tf32), f32 sums. With `device_json` there
  /// need be no device: plans are made for the one that it describes, and cannot run. Throws with cuDNN's words.
  CudnnConv(ConvKind kind, const ConvShape& shape, Dtype dtype, const std::string& device_json);
  ~CudnnConv();
  CudnnConv(const CudnnConv&) = delete;
  CudnnConv& operator=(const CudnnConv&) = delete;

  int plans() const;
  std::string plan_name(int plan) const;  // "engine 12"
  /// False where the plan does not run.
  bool run(int plan, void* x, void* weight, void* y);

  static std::string version();
  /// The device's properties as cuDNN writes them, for a machine without one.
  static std::string describe_device();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lacuna::bench
