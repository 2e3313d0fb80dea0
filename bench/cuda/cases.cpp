#include "cases.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "../../kernels/precision.h"
#include "../../kernels/row_major.h"

namespace lacuna::bench {
namespace {

std::vector<Timing> race_here(const Case& c, int samples) {
  const int count = sets_for(static_cast<std::size_t>(c.bytes));
  std::vector<DeviceArrays> sets(static_cast<std::size_t>(count));
  std::vector<Arrays> views(sets.size());
  set_precision(c.tf32 ? Precision::tf32 : Precision::f32);
  for (std::size_t i = 0; i < sets.size(); i++) {
    for (const Operand& o : c.operands) {
      sets[i].push_back(
          std::make_unique<DeviceArray>(o.shape, o.dtype, sets[i].size() + 1, o.values));
      views[i].push_back(sets[i].back()->array());
    }
    if (c.prepare) c.prepare(views[i], How::run);
  }
  const Sampled want = c.reference ? c.reference(sets[0]) : Sampled{};
  std::vector<Contender> all;
  const auto enter = [&](std::string name, std::size_t result, std::function<void(int)> launch) {
    all.push_back({std::move(name), std::move(launch)});
    if (!c.reference) return;
    sets[0][result]->poison();
    all.back().launch(0);
    all.back().error = sampled_error(*sets[0][result], want);
  };
  if (c.kernel) enter("lacuna", c.result, [&](int i) { c.kernel(views[i], How::run); });
  if (c.baseline) {
    const Baseline library = c.baseline();
    int best = -1;
    double fastest = std::numeric_limits<double>::infinity();
    for (int way = 0; way < library.ways; way++) {
      if (!library.run(way, views[0])) continue;
      const auto t = race({{"", [&](int i) { library.run(way, views[i]); }}}, count, 5);
      if (t[0].seconds < fastest) fastest = t[0].seconds, best = way;
    }
    if (best >= 0)
      enter(library.name(best), library.result,
            [&views, library, best](int i) { library.run(best, views[i]); });
  }
  return race(all, count, samples);
}

}  // namespace

Result race(const Roof& roof, const Case& c, int samples) {
  Result r{c.name, c.flops, c.bytes, floor_of(roof, c.dtype, c.tf32, c.flops, c.bytes), {}};
  try {
    r.timings = race_here(c, samples);
  } catch (const std::exception& e) {
    r.error = e.what();
    cudaGetLastError();  // the next case starts without it
  }
  return r;
}

void check(const Case& c) {
  Arrays arrays;
  for (const Operand& o : c.operands)
    arrays.push_back(row_major(nullptr, o.dtype, {DeviceType::cuda, 0}, o.shape));
  if (c.prepare) c.prepare(arrays, How::check);
  c.kernel(arrays, How::check);
}

double sampled_error(const DeviceArray& y, const Sampled& sampled) {
  check(cudaDeviceSynchronize(), "kernel");
  const auto got = y.fetch();
  double worst = 0, scale = 0;
  for (double v : got)
    if (!std::isfinite(v)) return std::numeric_limits<double>::infinity();  // not written, or wrong
  for (const auto& [index, value] : sampled) {
    worst = std::max(worst, std::fabs(got[index] - value));
    scale = std::max(scale, std::fabs(value));
  }
  return worst / (scale > 0 ? scale : 1);
}

double floor_of(const Roof& roof, Dtype dtype, bool tf32, double flops, double bytes) {
  const double rate = dtype == Dtype::bf16 ? roof.bf16_flops
                      : tf32               ? roof.tf32_flops
                                           : roof.f32_flops;
  return std::max(flops / rate, bytes / roof.copy_bytes);
}

}  // namespace lacuna::bench
