// Optimizer steps over more tensors than go into one launch, of all sizes and alignments.
#include "../../kernels/optimizer.h"

#include <cmath>

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

}  // namespace lacuna::test
