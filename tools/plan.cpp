// lacuna plan TASK: what a run will need, from one training step on real data: parameters, FLOPs, bytes, time.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "../core/ops/matmul.h"
#include "../core/ops/shape.h"
#include "../core/storage.h"
#include "../core/tape.h"
#include "command.h"
#include "format.h"
#include "trace.h"

namespace lacuna::tools {
namespace {

double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// FLOP/s of a large matrix product, the best of a few: what this machine can reach.
double measured_peak(Device device) {
  const std::int64_t n = 768;
  const Tensor a = Tensor::full({n, n}, 1, Dtype::f32, device),
               b = Tensor::full({n, n}, 1, Dtype::f32, device);
  double best = 1e30;
  for (int i = 0; i < 7; i++)
    best = std::min(best, seconds_of([&] { select(select(matmul(a, b), 0, 0), 0, 0).item(); }));
  return 2.0 * n * n * n / best;
}

std::string flops(double n) {
  const char* const units[] = {"", "k", "M", "G", "T", "P"};
  int unit = 0;
  while (n >= 1000 && unit < 5) {
    n /= 1000;
    unit++;
  }
  return fmt::format("{:.3g} {}FLOP", n, units[unit]);
}

struct Cost {
  std::int64_t ops = 0;
  double forward = 0, backward = 0;  // FLOPs
  double saved = 0, peak = 0;        // bytes
};

Cost measured(Trace& t, std::int64_t samples) {
  reset_peak_memory(t.device.type);
  const Losses losses = t.step(samples);
  const TapeStats tape = tape_stats(losses.total);
  const StepFlops work = count_flops(losses.total);
  for (const auto& p : t.task->model().parameters()) Tensor(p.tensor).set_grad({});
  backward(losses.total);
  return {tape.ops, work.forward, work.backward, static_cast<double>(tape.saved_bytes),
          static_cast<double>(memory_stats(t.device.type).peak_bytes)};
}

// Every figure is a constant and a share for each sample, so that a batch need not fit here to be planned.
constexpr std::int64_t kLargest = 64;  // samples that are really computed

Cost cost(Trace& t, std::int64_t samples) {
  if (samples <= kLargest) return measured(t, samples);
  const Cost half = measured(t, kLargest / 2), whole = measured(t, kLargest);
  const double times = static_cast<double>(samples - kLargest) / (kLargest / 2);
  const auto extend = [&](double a, double b) { return b + times * (b - a); };
  return {whole.ops, extend(half.forward, whole.forward), extend(half.backward, whole.backward),
          extend(half.saved, whole.saved), extend(half.peak, whole.peak)};
}

class Plan : public Command {
 public:
  void declare(Options& options) override { declare_trace(options, trace_); }

  int run() override {
    Trace t(trace_);
    const std::int64_t batch = t.settings.integer("train.batch_size");
    fmt::print("{} on {}, batches of {}, {} in {}\n\nParameters\n", trace_.task, t.source->name(),
               grouped(batch), to_string(t.device), t.settings.text("train.precision"));
    std::int64_t count = 0;
    std::size_t widest = 30;
    for (const auto& p : t.task->model().parameters()) widest = std::max(widest, p.name.size());
    for (const auto& p : t.task->model().parameters()) {
      count += p.tensor.numel();
      fmt::print("  {:<{}}{:<24}{:>14}\n", p.name, widest + 2, shape(p.tensor),
                 grouped(p.tensor.numel()));
    }
    fmt::print("  {:<{}}{:>14}\n", "together", widest + 26, grouped(count));

    const Cost n = cost(t, batch);
    const double samples = static_cast<double>(batch), step_flops = n.forward + n.backward;
    fmt::print("\nArithmetic of convolutions and matrix products\n");
    row("forward, a sample", flops(n.forward / samples));
    row("forward and backward, a sample", flops(step_flops / samples));
    row("a step", flops(step_flops));

    const double parameters = 4.0 * static_cast<double>(count);
    const std::string& optimizer = t.settings.text("optim.optimizer");
    const bool one = optimizer == "sgd" || optimizer == "lars";
    const double moments = one ? t.settings.number("optim.momentum") > 0 ? 1 : 0 : 2;
    fmt::print("\nMemory\n");
    row("parameters", bytes(parameters));
    row("gradients", bytes(parameters));
    row("optimizer (" + optimizer + ")", bytes(moments * parameters));
    row(fmt::format("saved for backward ({} ops)", n.ops), bytes(n.saved));
    row(batch > kLargest ? "peak of all tensors, without optimizer"
                         : "peak of all tensors, measured, without optimizer",
        bytes(n.peak));
    if (batch > kLargest)
      fmt::print("  (the last two from batches of {} and {}, extended)\n", kLargest / 2, kLargest);

    if (t.device.type == DeviceType::cpu && step_flops > 0) {
      const double peak = measured_peak(t.device), least = step_flops / peak;
      fmt::print("\nTime\n");
      row("a large matrix product here reaches", fmt::format("{:.0f} GFLOP/s", peak / 1e9));
      row("at that rate a step takes", fmt::format("{:.3g} ms", 1e3 * least));
      const auto size = t.source->size();
      row(fmt::format("and an epoch of {} samples", grouped(size)),
          duration(least * static_cast<double>(size) / samples));
    }
    return 0;
  }

 private:
  static std::string shape(const Tensor& t) {
    std::ostringstream out;
    out << t.shape();
    return out.str();
  }
  static void row(const std::string& what, const std::string& figure) {
    fmt::print("  {:<56}{:>14}\n", what, figure);
  }

  TraceOptions trace_;
};

}  // namespace

extern const CommandInfo plan_command{"plan", "parameters, FLOPs and bytes, before the run",
                                      make_command<Plan>};

}  // namespace lacuna::tools
