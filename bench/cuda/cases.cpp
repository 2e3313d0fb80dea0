#include "cases.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>

#include "../../kernels/held_bytes.h"
#include "../../kernels/precision.h"
#include "../../kernels/random.h"
#include "../../kernels/reduce.h"
#include "../../kernels/row_major.h"

namespace lacuna::bench {
namespace {

/// Arrays of a case, filled, and what follows from them made.
struct Set {
  DeviceArrays arrays;
  Arrays views;
  Set(const Case& c, How how) {
    const Device device{how == How::run ? DeviceType::cuda : DeviceType::emu, 0};
    for (const Operand& o : c.operands) {
      arrays.push_back(std::make_unique<DeviceArray>(o.shape, o.dtype, arrays.size() + 1, o.values,
                                                     o.limit, device));
      views.push_back(arrays.back()->array());
    }
    if (c.prepare) c.prepare(views, how);
    if (how == How::run) bench::check(cudaDeviceSynchronize(), "prepare");
  }
  /// The largest error of what `launch` writes into `results`, where `wanted` should stand.
  template <class F>
  double error_of(const std::vector<std::size_t>& results, const std::vector<Sampled>& wanted,
                  bool poison, F&& launch) {
    for (const std::size_t i : results)
      if (poison) arrays[i]->poison();
    launch();
    double worst = 0;
    for (std::size_t i = 0; i < results.size(); i++)
      worst = std::max(worst, sampled_error(*arrays[results[i]], wanted[i]));
    return worst;
  }
  std::vector<Sampled> wanted(const Case& c) const {
    std::vector<Sampled> all;
    for (const Output& output : c.outputs) all.push_back(output.reference(arrays));
    return all;
  }
};

std::vector<std::size_t> results_of(const Case& c) {
  std::vector<std::size_t> all;
  for (const Output& output : c.outputs) all.push_back(output.operand);
  return all;
}

void race_here(const Case& c, int samples, Result& result) {
  const int count = sets_for(static_cast<std::size_t>(c.bytes));
  set_precision(c.tf32 ? Precision::tf32 : Precision::f32);
  std::vector<Set> sets;
  for (int i = 0; i < count; i++) sets.emplace_back(c, How::run);
  const std::vector<Sampled> wanted = sets[0].wanted(c);
  std::vector<Contender> all;
  const auto enter = [&](std::string name, const std::vector<std::size_t>& results,
                         std::function<void(int)> launch) {
    all.push_back({std::move(name), std::move(launch)});
    if (!wanted.empty() && !results.empty())
      all.back().error =
          sets[0].error_of(results, wanted, !c.updates, [&] { all.back().launch(0); });
  };
  if (c.kernel) {
    enter("lacuna", results_of(c), [&](int i) {
      const HeldBytes::Watch watch(HeldBytes::of(DeviceType::cuda));
      c.kernel(sets[i].views, How::run);
      result.workspace = static_cast<double>(watch.most());
    });
  }
  for (const Rival& rival : c.rivals) {
    const Baseline library = rival.make();
    int best = -1;
    double fastest = std::numeric_limits<double>::infinity();
    for (int way = 0; way < library.ways; way++) {
      if (!library.run(way, sets[0].views)) continue;
      const auto t = race({{"", [&](int i) { library.run(way, sets[i].views); }}}, count, 5);
      if (t[0].seconds < fastest) fastest = t[0].seconds, best = way;
    }
    if (best >= 0)
      enter(library.name(best), library.results,
            [&sets, library, best](int i) { library.run(best, sets[i].views); });
  }
  result.timings = race(all, count, samples);
}

// A sum is finite where every number in it is.
bool is_finite(const DeviceArray& y) {
  if (!is_floating(y.array().dtype)) return true;
  if (y.array().dtype == Dtype::f64) {  // the devices do not sum it; few numbers are
    const auto values = y.fetch(0, y.size());
    return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
  }
  const DeviceArray sum({1}, Dtype::f32, 1, Values::normal, 0, y.array().device);
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
  c.outputs = {{0, std::move(reference)}};
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
  Result r;
  r.floor = floor_of(roof, c.dtype, c.tf32, c.flops, c.bytes);
  try {
    race_here(c, samples, r);
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

double emulated_error(const Case& c) {
  set_precision(c.tf32 ? Precision::tf32 : Precision::f32);
  Set set(c, How::emulate);
  return set.error_of(results_of(c), set.wanted(c), !c.updates,
                      [&] { c.kernel(set.views, How::emulate); });
}

double sampled_error(const DeviceArray& y, const Sampled& sampled) {
  if (y.array().device.type == DeviceType::cuda) check(cudaDeviceSynchronize(), "kernel");
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
