#include <memory>
#include <oneapi/dnnl/dnnl.hpp>

#include "bench.h"

namespace lacuna::bench {

std::function<void()> onednn_matmul(std::int64_t m, std::int64_t n, std::int64_t k, bool a_across,
                                    bool b_across) {
  struct Data {
    std::vector<float> a, b, c;
  };
  auto d = std::make_shared<Data>();
  d->a = random_values(m * k);
  d->b = random_values(k * n);
  d->c.resize(m * n);
  return [=] {
    dnnl_sgemm(a_across ? 'T' : 'N', b_across ? 'T' : 'N', m, n, k, 1.0f, d->a.data(),
               a_across ? m : k, d->b.data(), b_across ? k : n, 0.0f, d->c.data(), n);
  };
}

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// The arguments of one primitive, filled with values in the layouts that it asked for.
struct Call {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::primitive primitive;
  std::unordered_map<int, memory> args;

  void give(int what, const memory::desc& layout) {
    memory m(layout, engine);
    const auto values = random_values(static_cast<std::int64_t>(layout.get_size() / 4));
    std::copy(values.begin(), values.end(), static_cast<float*>(m.get_data_handle()));
    args.emplace(what, m);
  }
  void run() {
    primitive.execute(stream, args);
    stream.wait();
  }
};

template <class Forward, class BackwardData, class BackwardWeights>
std::function<void()> prepare(const ConvShape& s, Pass pass, bool automatic) {
  auto call = std::make_shared<Call>();
  const auto f32 = memory::data_type::f32;
  const Tag layout = automatic ? Tag::any : Tag::nhwc;
  const memory::desc x({s.n, s.ci, s.h, s.w}, f32, layout),
      y({s.n, s.co, s.oh(), s.ow()}, f32, layout);
  const memory::desc w({s.co, s.ci, s.kernel, s.kernel}, f32, Tag::any);
  const memory::desc bias({s.co}, f32, Tag::a);
  const auto algorithm = s.transposed ? dnnl::algorithm::deconvolution_direct
                         : automatic  ? dnnl::algorithm::convolution_auto
                                      : dnnl::algorithm::convolution_direct;
  const memory::dims stride = {s.stride, s.stride}, pad = {s.padding, s.padding};
  const typename Forward::primitive_desc forward(
      typename Forward::desc(dnnl::prop_kind::forward_training, algorithm, x, w, bias, y, stride,
                             pad, pad),
      call->engine);
  if (pass == Pass::forward) {
    call->primitive = Forward(forward);
    call->give(DNNL_ARG_SRC, forward.src_desc());
    call->give(DNNL_ARG_WEIGHTS, forward.weights_desc());
    call->give(DNNL_ARG_BIAS, bias);
    call->give(DNNL_ARG_DST, forward.dst_desc());
  } else if (pass == Pass::grad_input) {
    const typename BackwardData::primitive_desc p(
        typename BackwardData::desc(algorithm, x, w, y, stride, pad, pad), call->engine, forward);
    call->primitive = BackwardData(p);
    call->give(DNNL_ARG_DIFF_DST, p.diff_dst_desc());
    call->give(DNNL_ARG_WEIGHTS, p.weights_desc());
    call->give(DNNL_ARG_DIFF_SRC, p.diff_src_desc());
  } else {
    const typename BackwardWeights::primitive_desc p(
        typename BackwardWeights::desc(algorithm, x, w, bias, y, stride, pad, pad), call->engine,
        forward);
    call->primitive = BackwardWeights(p);
    call->give(DNNL_ARG_DIFF_DST, p.diff_dst_desc());
    call->give(DNNL_ARG_SRC, p.src_desc());
    call->give(DNNL_ARG_DIFF_WEIGHTS, p.diff_weights_desc());
    call->give(DNNL_ARG_DIFF_BIAS, bias);
  }
  return [call] { call->run(); };
}

}  // namespace

std::function<void()> onednn_conv(const ConvShape& s, Pass pass, bool automatic) {
  if (s.transposed)
    return prepare<dnnl::deconvolution_forward, dnnl::deconvolution_backward_data,
                   dnnl::deconvolution_backward_weights>(s, pass, automatic);
  return prepare<dnnl::convolution_forward, dnnl::convolution_backward_data,
                 dnnl::convolution_backward_weights>(s, pass, automatic);
}

}  // namespace lacuna::bench
