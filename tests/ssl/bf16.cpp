// Training in bf16: what f32 gives, but for rounding; and every contract of checkpoints.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "../../core/safetensors.h"
#include "job.h"

namespace lacuna {
namespace {

// Smooth pictures of 8 x 8: little to compute, something to learn.
struct Tiny : Source {
  std::int64_t size() const override { return 12; }
  std::vector<Field> fields() const override { return {{"image", Dtype::u8, {8, 8, 3}}}; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    for (int e = 0; e < 8 * 8 * 3; e++) {
      const int y = e / 24, x = e / 3 % 8, c = e % 3;
      out[0][e] = static_cast<std::byte>(static_cast<int>(
          127.5 + 100 * std::sin(0.4 * y + 0.7 * x + static_cast<double>(index * (c + 1)))));
    }
  }
  std::string name() const override { return "tiny"; }
};

// In bf16 the losses are those of f32 on cpu but for rounding. With u = 2^-8, half a unit of bf16's last bit, a rounding
// is a relative error of at most u, of mean 0 and standard deviation at most s = u / sqrt(3), and roundings are independent:
//
//   depth     the input, 4 layers' weights and 3 layers' results are rounded on the way to the last result z, so that it is
//             off by about sqrt(8) s of itself. The output y = sigmoid(z) <= 1 moves by z y'(z) <= 0.224 times that, and is
//             rounded: its error's standard deviation is at most (1 + 0.224 sqrt(8)) s = 1.63 s < u.
//   loss      L = mean (y - x)^2 moves by the mean of 2 (y - x) dy. If all errors dy were one that were 2 sqrt(L) u (Cauchy,
//             Schwarz); but each of 4 x 192 outputs is rounded by itself, and so is each of the 64 x 12 weights of the
//             narrowest layer, which leaves 1 / sqrt(768) of it.
//   steps     a gradient has the roundings of the way forward and as many on the way back: about sqrt(18) s < 3 u of itself.
//             What the steps so far have gained, L(0) - L(t), is the sum of gradients times changes and is off by that share
//             (Adam's change has the gradient's sign; where a rounding turns it round the gradient is as small as its error),
//             averaged over no fewer of them.
//
// Four standard deviations are allowed: |L16(t) - L(t)| <= 4 / sqrt(768) u (2 sqrt(L(t)) + 3 (L(0) - L(t))).
double tolerance(double first, double now) {
  return 4 / std::sqrt(768.0) * 0x1p-8 * (2 * std::sqrt(now) + 3 * std::max(0.0, first - now));
}

}  // namespace

class bf16_device : public OnDevice {};
LACUNA_ON_DEVICES(bf16_device);

TEST_P(bf16_device, trains_as_f32_does) {
  const bool small = std::getenv("LACUNA_SMALL") != nullptr;
  const std::int64_t steps = small ? 6 : 20;
  InpaintingJob job;
  job.data = std::make_shared<Tiny>();
  job.validation = job.data;
  job.set("train.epochs", "0");
  job.set("train.steps", std::to_string(steps));
  job.set("train.log_every", "1");
  job.set("train.eval_every", "100");
  const auto losses = [](const Folder& folder) { return folder.values("metrics.jsonl", "loss"); };
  const Folder on_cpu("bf16cpu"), on_device("bf16device"), part("bf16part"), moved("bf16moved");
  job.run(on_cpu);
  const auto want = losses(on_cpu);
  const auto expect_near = [&](const Folder& folder) {
    const auto got = losses(folder);
    ASSERT_EQ(static_cast<std::int64_t>(got.size()), steps);
    double largest = 0, of_tolerance = 0;
    for (std::int64_t i = 0; i < steps; i++) {
      const double error = std::fabs(got[i] - want[i]), allowed = tolerance(want[0], want[i]);
      EXPECT_LE(error, allowed) << "step " << i << ": " << got[i] << ", on cpu " << want[i];
      largest = std::max(largest, error / want[i]);
      of_tolerance = std::max(of_tolerance, error / allowed);
    }
    EXPECT_GT(largest, 1e-6) << "nothing was rounded";
    std::printf(
        "bf16: losses from %.4f to %.4f, at most %.2e of themselves off, %.2f of the tolerance\n",
        got[0], got.back(), largest, of_tolerance);
  };
  EXPECT_LT(want.back(), (small ? 1 : 0.7) * want[0]) << "nothing was learned";

  job.set("train.device", GetParam());
  job.set("train.precision", "bf16");
  job.run(on_device);
  expect_near(on_device);
  for (const auto& [name, tensor] :
       read_safetensors(on_device.file("checkpoint.safetensors")).tensors)
    EXPECT_TRUE(tensor.dtype() == Dtype::f32 || tensor.dtype() == Dtype::i64) << name;

  // Stopped and resumed: the same bits.
  job.run(part, false, steps / 3);
  job.run(part, true);
  EXPECT_EQ(part.timeless(), on_device.timeless());
  EXPECT_TRUE(read_file(part.file("checkpoint.safetensors")) ==
              read_file(on_device.file("checkpoint.safetensors")));

  // From bf16 on the device to f32 on cpu and back.
  job.run(moved, false, steps / 4);
  job.set("train.device", "cpu");
  EXPECT_NE(error_of([&] {
              job.run(moved, true);
            }).find("[config] train.precision=bf16 is for cuda and emu: cpu computes in f32"),
            std::string::npos);
  job.set("train.precision", "f32");
  job.run(moved, true, steps / 2);
  job.set("train.device", GetParam());
  job.set("train.precision", "bf16");
  job.run(moved, true);
  expect_near(moved);
}

}  // namespace lacuna
