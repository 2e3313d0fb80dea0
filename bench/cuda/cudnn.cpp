#include "cudnn.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <cudnn_backend.h>

#include <algorithm>
#include <stdexcept>

namespace lacuna::bench {
namespace {

using Handle = cudnnBackendDescriptor_t;

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char text[512] = {};
  cudnnGetLastErrorString(text, sizeof text);
  throw std::runtime_error(std::string("cuDNN ") + what + ": " + cudnnGetErrorString(status) + " " +
                           text);
}

// A descriptor: made, given attributes, finalized, destroyed.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) {
    check(cudnnBackendCreateDescriptor(type, &handle_), "create");
  }
  ~Descriptor() {
    if (handle_) cudnnBackendDestroyDescriptor(handle_);
  }
  Descriptor(Descriptor&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Descriptor& operator=(Descriptor&&) = delete;
  Handle& handle() { return handle_; }

  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
           const void* values) {
    check(cudnnBackendSetAttribute(handle_, name, type, count, values), "set attribute");
  }
  void set(cudnnBackendAttributeName_t name, Descriptor& d) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &d.handle_);
  }
  void set(cudnnBackendAttributeName_t name, std::int64_t v) { set(name, CUDNN_TYPE_INT64, 1, &v); }
  void finalize(const char* what) { check(cudnnBackendFinalize(handle_), what); }

 private:
  Handle handle_ = nullptr;
};

Descriptor tensor(std::int64_t id, const std::int64_t (&dims)[4], cudnnDataType_t type) {
  // (n, c, h, w) by dimension, channels innermost in memory.
  const std::int64_t strides[4] = {dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1]};
  Descriptor t(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  t.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  t.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
  t.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides);
  t.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 16);
  t.finalize("tensor");
  return t;
}

cudnnHandle_t library() {
  static cudnnHandle_t handle = [] {
    cudnnHandle_t h = nullptr;
    check(cudnnCreate(&h), "create handle");
    return h;
  }();
  return handle;
}

struct Attributes {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t x, w, y, conv, alpha, beta;
};
constexpr Attributes kAttributes[] = {
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA},
    {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
     CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA}};

constexpr std::int64_t kX = 'x', kWeight = 'w', kY = 'y';

}  // namespace

struct CudnnConv::State {
  std::vector<Descriptor> kept;  // what the plans are made of
  std::vector<Descriptor> plans;
  std::vector<std::int64_t> engines, workspaces;
  void* workspace = nullptr;
};

CudnnConv::CudnnConv(ConvKind kind, const ConvShape& s, Dtype dtype, const std::string& device_json)
    : state_(std::make_unique<State>()) {
  const bool deviceless = !device_json.empty();
  const cudnnDataType_t type = dtype == Dtype::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
  const cudnnDataType_t sums = CUDNN_DATA_FLOAT;
  auto& kept = state_->kept;
  kept.reserve(64);
  kept.push_back(tensor(kX, {s.n, s.ci, s.h, s.w}, type));
  kept.push_back(tensor(kWeight, {s.co, s.ci, s.k, s.k}, type));
  kept.push_back(tensor(kY, {s.n, s.co, s.oh(), s.ow()}, type));
  kept.emplace_back(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  Descriptor& conv = kept.back();
  const std::int64_t padding[2] = {s.padding, s.padding}, strides[2] = {s.stride, s.stride},
                     ones[2] = {1, 1};
  const cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  conv.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, 2);
  conv.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &sums);
  conv.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  conv.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, padding);
  conv.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, padding);
  conv.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, ones);
  conv.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
  conv.finalize("convolution");

  const Attributes& names = kAttributes[static_cast<int>(kind)];
  const float one = 1, zero = 0;
  kept.emplace_back(names.operation);
  Descriptor& operation = kept.back();
  operation.set(names.x, kept[0]);
  operation.set(names.w, kept[1]);
  operation.set(names.y, kept[2]);
  operation.set(names.conv, conv);
  operation.set(names.alpha, CUDNN_TYPE_FLOAT, 1, &one);
  operation.set(names.beta, CUDNN_TYPE_FLOAT, 1, &zero);
  operation.finalize("operation");

  Descriptor* device = nullptr;
  if (deviceless) {
    kept.emplace_back(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    device = &kept.back();
    device->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                static_cast<std::int64_t>(device_json.size()), device_json.data());
    device->finalize("device properties");
  }
  kept.emplace_back(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  Descriptor& graph = kept.back();
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
  if (!deviceless) {
    cudnnHandle_t handle = library();
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  }
  graph.finalize("graph");

  for (const cudnnBackendHeurMode_t heuristic : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    Descriptor search(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    search.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    search.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &heuristic);
    if (device) search.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
    search.finalize("heuristics");
    std::int64_t count = 0;
    check(cudnnBackendGetAttribute(search.handle(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
          "count of configurations");
    std::vector<Descriptor> configurations;
    std::vector<Handle> handles;
    for (std::int64_t i = 0; i < count; i++) {
      configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      handles.push_back(configurations.back().handle());
    }
    check(cudnnBackendGetAttribute(search.handle(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, handles.data()),
          "configurations");
    for (std::int64_t i = 0; i < count; i++) {
      Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR),
          plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      std::int64_t got = 0, number = -1, bytes = 0;
      check(cudnnBackendGetAttribute(configurations[i].handle(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                     CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &got, &engine.handle()),
            "engine");
      check(cudnnBackendGetAttribute(engine.handle(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX,
                                     CUDNN_TYPE_INT64, 1, &got, &number),
            "engine number");
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configurations[i]);
      if (device) {
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device);
      } else {
        cudnnHandle_t handle = library();
        plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
      }
      if (cudnnBackendFinalize(plan.handle()) != CUDNN_STATUS_SUCCESS)
        continue;  // not every one that is named can be had
      check(cudnnBackendGetAttribute(plan.handle(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE,
                                     CUDNN_TYPE_INT64, 1, &got, &bytes),
            "workspace size");
      state_->engines.push_back(number);
      state_->workspaces.push_back(bytes);
      state_->plans.push_back(std::move(plan));
    }
  }
  std::int64_t most = 0;
  for (std::int64_t bytes : state_->workspaces) most = std::max(most, bytes);
  if (!deviceless && most > 0 &&
      cudaMalloc(&state_->workspace, static_cast<std::size_t>(most)) != cudaSuccess)
    throw std::runtime_error("cuDNN workspace: out of memory");
}

CudnnConv::~CudnnConv() {
  if (state_ && state_->workspace) cudaFree(state_->workspace);
}

int CudnnConv::plans() const { return static_cast<int>(state_->plans.size()); }
std::string CudnnConv::plan_name(int plan) const {
  return "engine " + std::to_string(state_->engines[plan]);
}

bool CudnnConv::run(int plan, void* x, void* weight, void* y) {
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  void* pointers[3] = {x, weight, y};
  const std::int64_t ids[3] = {kX, kWeight, kY};
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &state_->workspace);
  pack.finalize("variant pack");
  return cudnnBackendExecute(library(), state_->plans[plan].handle(), pack.handle()) ==
         CUDNN_STATUS_SUCCESS;
}

std::string CudnnConv::version() { return std::to_string(cudnnGetVersion()); }

std::string CudnnConv::describe_device() {
  Descriptor device(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  cudnnHandle_t handle = library();
  device.set(CUDNN_ATTR_DEVICEPROP_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  device.finalize("device properties");
  std::int64_t size = 0;
  check(cudnnBackendGetAttribute(device.handle(), CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                 CUDNN_TYPE_CHAR, 0, &size, nullptr),
        "device JSON");
  std::string text(static_cast<std::size_t>(size), ' ');
  check(cudnnBackendGetAttribute(device.handle(), CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION,
                                 CUDNN_TYPE_CHAR, size, &size, text.data()),
        "device JSON");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

}  // namespace lacuna::bench
