#include "cudnn_graph.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <algorithm>
#include <stdexcept>

namespace lacuna::bench {

void check(cudnnStatus_t status, const char* what) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  char text[512] = {};
  cudnnGetLastErrorString(text, sizeof text);
  throw std::runtime_error(std::string("cuDNN ") + what + ": " + cudnnGetErrorString(status) + " " +
                           text);
}

namespace {

cudnnHandle_t library() {
  static cudnnHandle_t handle = [] {
    cudnnHandle_t h = nullptr;
    check(cudnnCreate(&h), "create handle");
    return h;
  }();
  return handle;
}

}  // namespace

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  check(cudnnBackendCreateDescriptor(type, &handle_), "create");
}
Descriptor::~Descriptor() {
  if (handle_) cudnnBackendDestroyDescriptor(handle_);
}
void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     std::int64_t count, const void* values) {
  check(cudnnBackendSetAttribute(handle_, name, type, count, values), "set attribute");
}
void Descriptor::set(cudnnBackendAttributeName_t name, Descriptor& d) {
  set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &d.handle_);
}
void Descriptor::set(cudnnBackendAttributeName_t name, std::int64_t v) {
  set(name, CUDNN_TYPE_INT64, 1, &v);
}
std::int64_t Descriptor::integer(cudnnBackendAttributeName_t name) {
  std::int64_t count = 0, value = 0;
  check(cudnnBackendGetAttribute(handle_, name, CUDNN_TYPE_INT64, 1, &count, &value),
        "get attribute");
  return value;
}
void Descriptor::finalize(const char* what) { check(cudnnBackendFinalize(handle_), what); }

Dims in_order(const Dims& d) { return {d[1] * d[2] * d[3], d[2] * d[3], d[3], 1}; }
Dims channels_last(const Dims& d) { return {d[1] * d[2] * d[3], 1, d[1] * d[3], d[1]}; }

CudnnGraph::Tensor& CudnnGraph::tensor(cudnnDataType_t type, const Dims& dims, const Dims& strides,
                                       Where where) {
  const std::int64_t id = static_cast<std::int64_t>(tensors_.size()) + 1;
  Tensor& made =
      tensors_.emplace_back(Tensor{id, dims, Descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR)});
  Descriptor& d = made.descriptor;
  const bool yes = true;
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id);
  d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims.data());
  d.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data());
  d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 16);
  if (where == Where::between)
    d.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &yes);
  else
    ids_.push_back(id);
  if (where == Where::number) d.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &yes);
  d.finalize("tensor");
  return made;
}

Descriptor& CudnnGraph::part(cudnnBackendDescriptorType_t type) { return kept_.emplace_back(type); }
Descriptor& CudnnGraph::operation(cudnnBackendDescriptorType_t type) {
  operations_.push_back(&part(type));
  return *operations_.back();
}

namespace {
constexpr cudnnDataType_t kSums = CUDNN_DATA_FLOAT;
}

void CudnnGraph::pointwise(cudnnPointwiseMode_t mode, Tensor& x, Tensor* b, Tensor& y, Tensor* t,
                           std::int64_t axis) {
  Descriptor& how = part(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  how.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  how.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &kSums);
  if (axis >= 0) how.set(CUDNN_ATTR_POINTWISE_AXIS, axis);
  how.finalize("pointwise");
  Descriptor& o = operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, how);
  o.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x.descriptor);
  if (b) o.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b->descriptor);
  if (t) o.set(CUDNN_ATTR_OPERATION_POINTWISE_TDESC, t->descriptor);
  o.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y.descriptor);
  o.finalize("pointwise operation");
}

void CudnnGraph::reduction(cudnnReduceTensorOp_t op, Tensor& x, Tensor& y) {
  Descriptor& how = part(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  how.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &op);
  how.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &kSums);
  how.finalize("reduction");
  Descriptor& o = operation(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, how);
  o.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x.descriptor);
  o.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y.descriptor);
  o.finalize("reduction operation");
}

void CudnnGraph::product(Tensor& a, Tensor& b, Tensor& c) {
  Descriptor& how = part(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  how.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &kSums);
  how.finalize("product");
  Descriptor& o = operation(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, how);
  o.set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, a.descriptor);
  o.set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, b.descriptor);
  o.set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, c.descriptor);
  o.finalize("product operation");
}

void CudnnGraph::reshape(Tensor& x, Tensor& y) {
  Descriptor& o = operation(CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR);
  o.set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x.descriptor);
  o.set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, y.descriptor);
  o.finalize("reshape operation");
}

void CudnnGraph::plan(const std::string& device_json, bool only_name) {
  const bool deviceless = !device_json.empty();
  Descriptor* device = nullptr;
  if (deviceless) {
    device = &part(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
    device->set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                static_cast<std::int64_t>(device_json.size()), device_json.data());
    device->finalize("device properties");
  }
  Descriptor& graph = part(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  std::vector<cudnnBackendDescriptor_t> handles;
  for (Descriptor* o : operations_) handles.push_back(o->handle());
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
            static_cast<std::int64_t>(handles.size()), handles.data());
  if (!deviceless) {
    cudnnHandle_t handle = library();
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  }
  graph.finalize("graph");
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    add_plans(graph, mode, device, only_name);
  if (!deviceless && workspace_bytes_ > 0 &&
      cudaMalloc(&workspace_, static_cast<std::size_t>(workspace_bytes_)) != cudaSuccess)
    throw std::runtime_error("cuDNN workspace: out of memory");
}

void CudnnGraph::add_plans(Descriptor& graph, cudnnBackendHeurMode_t mode, Descriptor* device,
                           bool only_name) {
  Descriptor search(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  search.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  search.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  if (device) search.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *device);
  search.finalize("heuristics");
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(search.handle(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr),
        "count of configurations");
  std::vector<Descriptor> configurations;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (std::int64_t i = 0; i < count; i++) {
    configurations.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    handles.push_back(configurations.back().handle());
  }
  check(cudnnBackendGetAttribute(search.handle(), CUDNN_ATTR_ENGINEHEUR_RESULTS,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, count, &count, handles.data()),
        "configurations");
  offered_ += static_cast<int>(count);
  if (only_name) return;
  for (std::int64_t i = 0; i < count; i++) {
    Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR),
        plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    std::int64_t got = 0;
    check(cudnnBackendGetAttribute(configurations[i].handle(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &got, &engine.handle()),
          "engine");
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configurations[i]);
    if (device) {
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *device);
    } else {
      cudnnHandle_t handle = library();
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
    }
    if (cudnnBackendFinalize(plan.handle()) != CUDNN_STATUS_SUCCESS)
      continue;  // not every one that is named can be had
    engines_.push_back(engine.integer(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
    workspace_bytes_ =
        std::max(workspace_bytes_, plan.integer(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
    plans_.push_back(std::move(plan));
  }
}

CudnnGraph::~CudnnGraph() { cudaFree(workspace_); }

std::string CudnnGraph::plan_name(int plan) const {
  return "engine " + std::to_string(engines_[plan]);
}

bool CudnnGraph::run(int plan, const std::vector<void*>& pointers) {
  auto found = packs_.find(pointers);
  if (found == packs_.end()) {
    Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    if (pointers.size() != ids_.size())
      throw std::logic_error("cuDNN graph: " + std::to_string(pointers.size()) + " pointers for " +
                             std::to_string(ids_.size()) + " tensors");
    const auto count = static_cast<std::int64_t>(ids_.size());
    pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, pointers.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids_.data());
    pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace_);
    pack.finalize("variant pack");
    found = packs_.emplace(pointers, std::move(pack)).first;
  }
  return cudnnBackendExecute(library(), plans_[plan].handle(), found->second.handle()) ==
         CUDNN_STATUS_SUCCESS;
}

std::string cudnn_version() { return std::to_string(cudnnGetVersion()); }

std::string describe_device() {
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
