#include "cudnn_conv.h"

namespace lacuna::bench {
namespace {

using Tensor = CudnnGraph::Tensor;

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

cudnnDataType_t type_of(Dtype dtype) {
  return dtype == Dtype::bf16 ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;
}

Tensor& image(CudnnGraph& g, cudnnDataType_t type, const Dims& dims,
              CudnnGraph::Where where = CudnnGraph::Where::memory) {
  return g.tensor(type, dims, channels_last(dims), where);
}

// y = max(0, x + what is added).
void sum_relu(CudnnGraph& g, Tensor& x, const std::vector<Tensor*>& added, Tensor& y) {
  Tensor* sum = &x;
  for (Tensor* const one : added) {
    Tensor& next = image(g, CUDNN_DATA_FLOAT, x.dims, CudnnGraph::Where::between);
    g.pointwise(CUDNN_POINTWISE_ADD, *sum, one, next);
    sum = &next;
  }
  g.pointwise(CUDNN_POINTWISE_RELU_FWD, *sum, nullptr, y);
}

}  // namespace

std::unique_ptr<CudnnGraph> cudnn_conv(ConvKind kind, const ConvShape& s, Dtype dtype,
                                       ConvTail tail, const std::string& device_json) {
  auto graph = std::make_unique<CudnnGraph>();
  CudnnGraph& g = *graph;
  const cudnnDataType_t type = type_of(dtype), sums = CUDNN_DATA_FLOAT;
  const Dims out{s.n, s.co, s.oh(), s.ow()};
  Tensor& x = image(g, type, {s.n, s.ci, s.h, s.w});
  Tensor& w = image(g, type, {s.co, s.ci, s.k, s.k});
  Tensor& y = image(g, type, out);
  Tensor& result =
      tail == ConvTail::none ? y : image(g, CUDNN_DATA_FLOAT, out, CudnnGraph::Where::between);
  Descriptor& conv = g.part(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
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
  Descriptor& operation = g.operation(names.operation);
  operation.set(names.x, x.descriptor);
  operation.set(names.w, w.descriptor);
  operation.set(names.y, result.descriptor);
  operation.set(names.conv, conv);
  operation.set(names.alpha, CUDNN_TYPE_FLOAT, 1, &one);
  operation.set(names.beta, CUDNN_TYPE_FLOAT, 1, &zero);
  operation.finalize("convolution operation");
  if (tail != ConvTail::none) {
    std::vector<Tensor*> added{&image(g, type, {1, s.co, 1, 1})};
    // The residual comes first, which is the order that cuDNN knows.
    if (tail == ConvTail::bias_residual_relu) added.insert(added.begin(), &image(g, type, out));
    sum_relu(g, result, added, y);
  }
  g.plan(device_json);
  return graph;
}

std::unique_ptr<CudnnGraph> cudnn_bias_relu(const ConvShape& s, Dtype dtype,
                                            const std::string& device_json) {
  auto graph = std::make_unique<CudnnGraph>();
  CudnnGraph& g = *graph;
  const Dims dims{s.n, s.co, s.oh(), s.ow()};
  Tensor& x = image(g, type_of(dtype), dims);
  Tensor& bias = image(g, type_of(dtype), {1, s.co, 1, 1});
  sum_relu(g, x, {&bias}, image(g, type_of(dtype), dims));
  g.plan(device_json);
  return graph;
}

}  // namespace lacuna::bench
