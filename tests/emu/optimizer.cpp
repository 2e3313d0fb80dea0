// Optimizer steps over more tensors than go into one launch, of all sizes and alignments.
#include "../../kernels/optimizer.h"

#include <cmath>
#include <limits>

#include "../../kernels/emu/engine.h"
#include "../../kernels/optimizer_layerwise.h"
#include "twin.h"

namespace lacuna::test {
namespace {

constexpr int kTensors = 110, kArrays = 4;  // arrays of a tensor: param, grad, first, second

std::int64_t size_of_tensor(int t) {
  const std::int64_t sizes[] = {5, 0, 1, 33, 4096, 64, 9001, 4, 127};
  return sizes[t % 9];
}

// Every seventh tensor begins off its alignment.
Layout layout(int t) { return {{size_of_tensor(t)}, {}, t % 7 == 6 ? 1 : 0}; }

std::vector<OptimizerTensor> fill(Buffers& b, Dtype dtype, bool first, bool second) {
  std::vector<OptimizerTensor> tensors;
  for (int t = 0; t < kTensors; t++)
    for (int k = 0; k < kArrays; k++)
      b.add(dtype,
            values_of(bytes_of(drawn(size_of_tensor(t) + 1, k < 2 ? -1 : 0.1, 1, kArrays * t + k),
                               Dtype::f32),
                      Dtype::f32));
  for (int t = 0; t < kTensors; t++) {
    OptimizerTensor o;
    const int i = kArrays * t;
    o.param = b.array(i, layout(t));
    o.grad = b.array(i + 1, layout(t));
    if (first) o.first = b.array(i + 2, layout(t));
    if (second) o.second = b.array(i + 3, layout(t));
    o.lr = 0.01 * (1 + t % 3);
    o.weight_decay = t % 2 ? 0.1 : 0;
    o.adapt = t % 5 != 3;
    o.bias1 = 1 - std::pow(0.9, t + 1);
    o.bias2 = 1 - std::pow(0.99, t + 1);
    tensors.push_back(o);
  }
  return tensors;
}

template <class Step>
void against_f64(bool first, bool second, Step step) {
  Buffers emu(DeviceType::emu), cpu(DeviceType::cpu);
  const auto on_emu = fill(emu, Dtype::f32, first, second),
             on_cpu = fill(cpu, Dtype::f64, first, second);
  step(on_emu, emu.device());
  step(on_cpu, cpu.device());
  EXPECT_TRUE(emu.intact());
  for (int i = 0; i < kTensors * kArrays; i++) {
    const auto got = emu.values(i), want = cpu.values(i);
    for (std::size_t k = 0; k < want.size(); k++)
      ASSERT_TRUE(std::fabs(got[k] - want[k]) <= 2e-6 * std::fabs(want[k]) + 1e-6)
          << "buffer " << i << ' ' << k << ": " << got[k] << ", not " << want[k];
  }
}

using Tensors = std::vector<OptimizerTensor>;

}  // namespace

TEST(EmuOptimizer, Steps) {
  against_f64(false, false, [](const Tensors& t, Device device) {
    run<&KernelTable::sgd_step>(SgdStep{t.data(), kTensors, 0, false, 0.5}, device);
  });
  for (bool nesterov : {false, true})
    against_f64(true, false, [&](const Tensors& t, Device device) {
      run<&KernelTable::sgd_step>(SgdStep{t.data(), kTensors, 0.9, nesterov, 0.5}, device);
    });
  for (bool decoupled : {false, true})
    against_f64(true, true, [&](const Tensors& t, Device device) {
      run<&KernelTable::adam_step>(AdamStep{t.data(), kTensors, 0.9, 0.99, 1e-8, decoupled, 0.5},
                                   device);
    });
  against_f64(true, true, [](const Tensors& t, Device device) {
    run<&KernelTable::lamb_step>(LambStep{t.data(), kTensors, 0.9, 0.99, 1e-6, 0.5}, device);
  });
  against_f64(true, false, [](const Tensors& t, Device device) {
    run<&KernelTable::lars_step>(LarsStep{t.data(), kTensors, 0.9, 0.1, 0.5}, device);
  });
  against_f64(true, true, [](const Tensors& t, Device device) {  // the states are not lerp's
    run<&KernelTable::lerp_step>(LerpStep{t.data(), kTensors, 0.25}, device);
  });
}

// Rates that lie in the device's memory give the bits of those in the table, over all its launches.
TEST(EmuOptimizer, RatesFromMemory) {
  Buffers table(DeviceType::emu), memory(DeviceType::emu);
  const auto from_table = fill(table, Dtype::f32, true, true);
  auto from_memory = fill(memory, Dtype::f32, true, true);
  std::vector<double> rates;
  for (auto& t : from_memory) {
    const Rates r = rates_of(t, true);
    rates.insert(rates.end(), {r.step, r.keep, r.root_bias2});
    t.lr = t.bias1 = t.bias2 = 7;
  }
  memory.add(Dtype::f32, rates);
  memory.add(Dtype::f32, {0.25});
  run<&KernelTable::adam_step>(AdamStep{from_table.data(), kTensors, 0.9, 0.99, 1e-8, true, 0.5},
                               table.device());
  const int extra = kTensors * kArrays;
  run<&KernelTable::adam_step>(
      AdamStep{from_memory.data(), kTensors, 0.9, 0.99, 1e-8, true, 2,
               memory.array(extra + 1, {{1}}), memory.array(extra, {{kTensors, 3}})},
      memory.device());
  for (int i = 0; i < extra; i++) EXPECT_EQ(table.values(i), memory.values(i)) << i;
}

TEST(EmuOptimizer, ClipScale) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  struct {
    double loss, sum, want;
  } const rows[] = {{1, 16, 0.5},   {1, 1, 1},     {nan, 16, nan},
                    {-inf, 1, nan}, {1, nan, nan}, {1, inf, nan}};
  for (const auto& row : rows) {
    Buffers b(DeviceType::emu);
    b.add(Dtype::f32, {7});
    b.add(Dtype::f32, {row.loss});
    b.add(Dtype::f64, {0, row.sum});
    for (const bool with_sums : {true, false}) {
      run<&KernelTable::clip_scale>(ClipScale{b.array(0, {{1}}), b.array(1, {{1}}),
                                              with_sums ? b.array(2, {{2}}) : Array(), 2},
                                    b.device());
      const double got = b.values(0)[0];
      const double want = with_sums ? row.want : std::isfinite(row.loss) ? 1 : nan;
      if (std::isnan(want))
        EXPECT_TRUE(std::isnan(got)) << row.loss << ' ' << row.sum;
      else
        EXPECT_NEAR(got, want, 1e-6) << row.loss << ' ' << row.sum;
    }
  }
}

// Whatever the tensor's size and place, its shadow is what it became, rounded as a copy rounds.
TEST(EmuOptimizer, WritesShadows) {
  Buffers b(DeviceType::emu);
  auto tensors = fill(b, Dtype::f32, true, true);
  for (int t = 0; t < kTensors; t++)
    b.add(Dtype::bf16, std::vector<double>(size_of_tensor(t) + 1, 7));
  for (int t = 0; t < kTensors; t++)
    if (t % 4) tensors[t].shadow = b.array(kTensors * kArrays + t, layout(t));
  run<&KernelTable::adam_step>(AdamStep{tensors.data(), kTensors, 0.9, 0.99, 1e-8, true, 0.5},
                               b.device());
  EXPECT_TRUE(b.intact());
  for (int t = 0; t < kTensors; t++) {
    const auto param = b.values(kArrays * t), shadow = b.values(kTensors * kArrays + t);
    const std::int64_t first = t % 7 == 6, n = size_of_tensor(t);
    for (std::int64_t i = 0; i < n + 1; i++) {
      const bool written = t % 4 && i >= first && i < first + n;
      const auto rounded = static_cast<float>(bf16(static_cast<float>(param[i])));
      ASSERT_EQ(shadow[i], written ? rounded : 7) << "tensor " << t << ' ' << i;
    }
  }
}

TEST(EmuOptimizer, SumSquares) {
  constexpr int kCount = 300;
  const auto size = [](int i) { return i == 17 ? 40001 : i % 5 == 4 ? 0 : 37 * (i % 50) + i % 3; };
  std::vector<double> first;
  for (std::uint64_t seed = 1; seed <= 3; seed++) {
    emu::set_seed(seed);
    Buffers b(DeviceType::emu);
    std::vector<double> want;
    for (int i = 0; i < kCount; i++) {
      const auto v = values_of(bytes_of(drawn(size(i) + 1, -3, 3, i), Dtype::f32), Dtype::f32);
      b.add(Dtype::f32, v);
      double sum = 0;
      for (int k = 0; k < size(i); k++) sum += v[k + i % 2] * v[k + i % 2];
      want.push_back(sum);
    }
    b.add(Dtype::f64, std::vector<double>(kCount, 7));
    std::vector<Array> arrays;
    for (int i = 0; i < kCount; i++) arrays.push_back(b.array(i, {{size(i)}, {}, i % 2}));
    run<&KernelTable::sum_squares>(SumSquares{arrays.data(), kCount, b.array(kCount, {{kCount}})},
                                   b.device());
    const auto got = b.values(kCount);
    for (int i = 0; i < kCount; i++) EXPECT_NEAR(got[i], want[i], 1e-12 * want[i]) << i;
    if (first.empty()) first = got;
    EXPECT_EQ(got, first);
  }
}

// What goes wrong inside a kernel call says in which call: the op, and the arguments by the names that its rules use.
TEST(EmuOptimizer, ErrorsNameTheCall) {
  float nothing = 0;
  const Array huge = array_of(&nothing, Dtype::f32, {DeviceType::emu}, {{std::int64_t{1} << 50}});
  double sum = 0;
  const Array sums = array_of(&sum, Dtype::f64, {DeviceType::emu}, {{1}});
  try {
    run<&KernelTable::sum_squares>(SumSquares{&huge, 1, sums}, {DeviceType::emu});
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "[sum_squares] these are too many elements for one call; in sum_squares of array "
                 "(1125899906842624) f32 emu, sums (1) f64 emu");
  }
}

}  // namespace lacuna::test
