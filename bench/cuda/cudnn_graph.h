#pragma once
// cuDNN's graph API, as far as the baselines need it: a graph of operations, and every execution plan that cuDNN's heuristics
// name for it, so that the fastest can be chosen by time (what cudnn.benchmark does).
#include <cudnn_backend.h>

#include <array>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace lacuna::bench {

/// Throws with cuDNN's words.
void check(cudnnStatus_t status, const char* what);

/// What cuDNN makes everything of: made, given attributes, finalized, destroyed.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Descriptor& operator=(Descriptor&&) = delete;
  cudnnBackendDescriptor_t& handle() { return handle_; }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values);
  void set(cudnnBackendAttributeName_t name, Descriptor& d);
  void set(cudnnBackendAttributeName_t name, std::int64_t v);
  std::int64_t integer(cudnnBackendAttributeName_t name);
  void finalize(const char* what);

 private:
  cudnnBackendDescriptor_t handle_ = nullptr;
};

using Dims = std::array<std::int64_t, 4>;
/// Strides of memory in the order of the dimensions, and in that of images: (n, c, h, w) with channels innermost.
Dims in_order(const Dims& dims);
Dims channels_last(const Dims& dims);

class CudnnGraph {
 public:
  /// memory: run() is given a pointer. between: what one operation hands to the next. number: one value, a pointer to the host's
  /// memory.
  enum class Where { memory, between, number };
  struct Tensor {
    std::int64_t id;
    Dims dims;
    Descriptor descriptor;
  };
  Tensor& tensor(cudnnDataType_t type, const Dims& dims, const Dims& strides,
                 Where where = Where::memory);
  Tensor& number(cudnnDataType_t type) {
    return tensor(type, {1, 1, 1, 1}, {1, 1, 1, 1}, Where::number);
  }
  /// In f32 unless said otherwise.
  Tensor& between(const Dims& dims, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return tensor(type, dims, in_order(dims), Where::between);
  }

  // Operations, with sums in f32.
  /// y = mode(x), mode(x, b), or t ? x : b. `axis` is gen_index's.
  void pointwise(cudnnPointwiseMode_t mode, Tensor& x, Tensor* b, Tensor& y, Tensor* t = nullptr,
                 std::int64_t axis = -1);
  void reduction(cudnnReduceTensorOp_t op, Tensor& x, Tensor& y);
  void product(Tensor& a, Tensor& b, Tensor& c);
  void reshape(Tensor& x, Tensor& y);
  /// Any other operation: set and finalized by the caller.
  Descriptor& operation(cudnnBackendDescriptorType_t type);
  /// A part of an operation that the graph only keeps.
  Descriptor& part(cudnnBackendDescriptorType_t type);

  /// After the last operation. With `device_json` there need be no device: plans are made for the one that it describes, and
  /// cannot run; or, where `only_name`, the heuristics are asked and no plan is made.
  void plan(const std::string& device_json, bool only_name = false);
  /// Engine configurations that the heuristics name, and those of them that became plans.
  int offered() const { return offered_; }
  int plans() const { return static_cast<int>(plans_.size()); }
  std::string plan_name(int plan) const;  // "engine 12"
  /// One pointer a tensor in memory or number, in the order in which they were made. False where the plan does not run.
  bool run(int plan, const std::vector<void*>& pointers);

  CudnnGraph() = default;
  ~CudnnGraph();
  CudnnGraph(const CudnnGraph&) = delete;
  CudnnGraph& operator=(const CudnnGraph&) = delete;

 private:
  void add_plans(Descriptor& graph, cudnnBackendHeurMode_t mode, Descriptor* device,
                 bool only_name);

  std::deque<Tensor> tensors_;
  std::deque<Descriptor> kept_;
  std::vector<Descriptor*> operations_;
  std::vector<std::int64_t> ids_;  // of what run() is given
  int offered_ = 0;
  std::vector<Descriptor> plans_;
  std::vector<std::int64_t> engines_;
  std::map<std::vector<void*>, Descriptor> packs_;  // pointers, made once
  std::int64_t workspace_bytes_ = 0;
  void* workspace_ = nullptr;
};

std::string cudnn_version();
/// The device's properties as cuDNN writes them, for a machine without one.
std::string describe_device();

}  // namespace lacuna::bench
