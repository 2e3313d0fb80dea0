#include "cases.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "../../kernels/precision.h"
#include "../../kernels/random.h"
#include "../../kernels/reduce.h"
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
          std::make_unique<DeviceArray>(o.shape, o.dtype, sets[i].size() + 1, o.values, o.limit));
      views[i].push_back(sets[i].back()->array());
    }
    if (c.prepare) c.prepare(views[i], How::run);
  }
  const Sampled want = c.reference ? c.reference(sets[0]) : Sampled{};
  std::vector<Contender> all;
  const auto enter = [&](std::string name, std::optional<std::size_t> result,
                         std::function<void(int)> launch) {
    all.push_back({std::move(name), std::move(launch)});
    if (!c.reference || !result) return;
    if (!c.updates) sets[0][*result]->poison();
    all.back().launch(0);
    all.back().error = sampled_error(*sets[0][*result], want);
  };
  if (c.kernel) enter("lacuna", c.result, [&](int i) { c.kernel(views[i], How::run); });
  for (const Rival& rival : c.rivals) {
    const Baseline library = rival.make();
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

// A sum is finite where every number in it is.
bool is_finite(const DeviceArray& y) {
  if (!is_floating(y.array().dtype)) return true;
  const DeviceArray sum({1}, Dtype::f32, 1);
  Array total = y.array();
  total.dtype = Dtype::f32;
  total.data = sum.data();
  for (int d = 0; d < total.ndim; d++) total.strides[d] = 0;
  run<&KernelTable::sum>(Sum{total, y.array()}, y.array().device);
  return std::isfinite(sum.fetch(0));
}

}  // namespace

Case moves(const std::string& name, Dtype dtype, double bytes, std::vector<Operand> operands,
           std::function<void(const Arrays&, How)> kernel,
           std::function<Sampled(const DeviceArrays&)> reference) {
  Case c;
  c.name = name + (dtype == Dtype::bf16 ? " bf16" : " f32");
  c.dtype = dtype;
  c.bytes = bytes;
  c.operands = std::move(operands);
  c.kernel = std::move(kernel);
  c.reference = std::move(reference);
  return c;
}

std::vector<std::int64_t> places(std::int64_t size, int count) {
  const RandomKey key = RandomKey::of(5, 5);
  std::vector<std::int64_t> out{size - 1};
  for (std::uint64_t r = 1; r < static_cast<std::uint64_t>(count); r++) {
    const Philox4 words = draw(key, r, 0);
    out.push_back(static_cast<std::int64_t>((std::uint64_t{words.v[0]} << 32 | words.v[1]) %
                                            static_cast<std::uint64_t>(size)));
  }
  return out;
}

Result race(const Roof& roof, const Case& c, int samples) {
  Result r{floor_of(roof, c.dtype, c.tf32, c.flops, c.bytes), {}};
  try {
    r.timings = race_here(c, samples);
  } catch (const std::exception& e) {
    r.error = e.what();
    cudaGetLastError();  // the next case starts without it
  }
  return r;
}

void check(const Case& c) {
  alignas(64) static char somewhere[64];  // nobody reads there
  Arrays arrays;
  for (const Operand& o : c.operands)
    arrays.push_back(row_major(somewhere, o.dtype, {DeviceType::cuda, 0}, o.shape));
  if (c.prepare) c.prepare(arrays, How::check);
  c.kernel(arrays, How::check);
}

double sampled_error(const DeviceArray& y, const Sampled& sampled) {
  check(cudaDeviceSynchronize(), "kernel");
  if (!is_finite(y)) return std::numeric_limits<double>::infinity();  // not written, or wrong
  double worst = 0, scale = 0;
  for (const auto& [index, value] : sampled) {
    worst = std::max(worst, std::fabs(y.fetch(index) - value));
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
