// Kernels that move bytes: their share of the measured copy bandwidth.
#include "../../kernels/backend.h"
#include "../../kernels/elementwise.h"
#include "../../kernels/layer_norm.h"
#include "../../kernels/optimizer.h"
#include "../../kernels/softmax.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

using Dims = std::vector<std::int64_t>;
using Arrays = std::vector<std::unique_ptr<DeviceArray>>;

// `launch(arrays)` on arrays of these shapes, which moves `bytes`.
Result race_one(const Roof& roof, const std::string& name, Dtype dtype,
                const std::vector<Dims>& shapes, const std::vector<bool>& f32, double bytes,
                int samples, const std::function<void(const std::vector<Array>&)>& launch) {
  const int count = sets_for(static_cast<std::size_t>(bytes));
  std::vector<Arrays> sets(static_cast<std::size_t>(count));
  std::vector<std::vector<Array>> views;
  for (Arrays& set : sets) {
    views.emplace_back();
    for (std::size_t i = 0; i < shapes.size(); i++) {
      set.push_back(std::make_unique<DeviceArray>(shapes[i], f32[i] ? Dtype::f32 : dtype, i + 1));
      views.back().push_back(set.back()->array());
    }
  }
  Result r;
  r.name = name + (dtype == Dtype::bf16 ? " bf16" : " f32");
  r.bytes = bytes;
  r.floor = bytes / roof.copy_bytes;
  r.timings = race({{"lacuna", [&](int i) { launch(views[i]); }}}, count, samples);
  return r;
}

}  // namespace

std::vector<Result> race_memory(const Roof& roof, bool small) {
  const Device device{DeviceType::cuda, 0};
  const int samples = small ? 11 : 51;
  std::vector<Result> results;
  for (const Dtype dtype : {Dtype::bf16, Dtype::f32}) {
    const double each = static_cast<double>(size_of(dtype));
    const std::vector<Dims> sizes =
        small ? std::vector<Dims>{{1024, 768}} : std::vector<Dims>{{65536, 768}, {16384, 4096}};
    for (const Dims& s : sizes) {
      const double n = static_cast<double>(s[0] * s[1]);
      const std::string shape = " " + std::to_string(s[0]) + "x" + std::to_string(s[1]);
      const Dims row{s[1]}, stats{s[0], 2};
      results.push_back(race_one(
          roof, "gelu" + shape, dtype, {s, s}, {false, false}, 2 * n * each, samples,
          [&](const std::vector<Array>& a) {
            run<&KernelTable::unary_forward>(UnaryForward{UnaryOp::gelu, a[0], a[1]}, device);
          }));
      results.push_back(
          race_one(roof, "softmax" + shape, dtype, {s, s}, {false, false}, 2 * n * each, samples,
                   [&](const std::vector<Array>& a) {
                     run<&KernelTable::softmax_forward>(SoftmaxForward{a[0], a[1]}, device);
                   }));
      results.push_back(race_one(roof, "layer_norm" + shape, dtype, {s, stats, s, row, row},
                                 {false, true, false, true, true}, 2 * n * each, samples,
                                 [&](const std::vector<Array>& a) {
                                   run<&KernelTable::layer_norm_forward>(
                                       LayerNormForward{a[0], a[1], a[2], a[3], a[4]}, device);
                                 }));
      results.push_back(
          race_one(roof, "layer_norm backward" + shape, dtype, {s, row, row, s, s, stats, row},
                   {false, true, true, false, false, true, true}, 3 * n * each, samples,
                   [&](const std::vector<Array>& a) {
                     run<&KernelTable::layer_norm_backward>(
                         LayerNormBackward{a[0], a[1], a[2], a[3], a[4], a[5], a[6]}, device);
                   }));
    }
  }
  const std::int64_t parameters = small ? 1 << 20 : 124'000'000;
  results.push_back(
      race_one(roof, "adamw " + std::to_string(parameters), Dtype::f32,
               {{parameters}, {parameters}, {parameters}, {parameters}}, {true, true, true, true},
               28.0 * static_cast<double>(parameters), samples, [&](const std::vector<Array>& a) {
                 const OptimizerTensor t{a[0], a[1], a[2], a[3], 1e-9, 0};
                 run<&KernelTable::adam_step>(AdamStep{&t, 1, 0.9, 0.999, 1e-8, true}, device);
               }));
  return results;
}

}  // namespace lacuna::bench
