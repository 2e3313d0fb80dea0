// Losses where the cases of tests/ops do not reach: alignment, masks of every layout, many blocks, gradients in place.
#include "../../kernels/pointwise_loss.h"

#include <cmath>

#include "../../kernels/emu/engine.h"
#include "twin.h"

namespace lacuna::test {
namespace {

struct Case {
  const char* name;
  Layout a, b, mask;
};
const Case kCases[] = {
    {"aligned", {{5, 64}}, {{5, 64}}, {{5, 64}}},
    {"a tail", {{1025}}, {{1025}}, {{1025}}},
    {"a off its alignment", {{1025}, {}, 1}, {{1025}}, {{1025}}},
    {"b off its alignment", {{1025}}, {{1025}, {}, 2}, {{1025}}},
    {"mask off its alignment", {{1025}}, {{1025}}, {{1025}, {}, 3}},
    {"a mask of pixels", {{2, 5, 7, 3}}, {{2, 5, 7, 3}}, {{2, 5, 7, 3}, {35, 7, 1, 0}}},
    {"a mask of rows", {{6, 64}}, {{6, 64}}, {{6, 64}, {1, 0}}},
    {"a mask of columns", {{6, 64}}, {{6, 64}}, {{6, 64}, {0, 1}}},
    {"many blocks", {{9000}}, {{9000}}, {{9000}}},
};
constexpr std::int64_t kSize = 9010;

// Buffers 0 to 3: y, weight, da, db.
void run_both(Buffers& b, Dtype t, PointwiseLoss kind, const Case& c, const Dtype* mask) {
  b.add(t, {7});
  b.add(t, {7});
  b.add(t, std::vector<double>(kSize, 7));
  b.add(t, std::vector<double>(kSize, 7));
  b.add(t, {0.75});
  b.add(t, values_of(bytes_of(drawn(kSize, -3, 3, 1), Dtype::f32), Dtype::f32));
  b.add(t, values_of(bytes_of(drawn(kSize, 0, 1, 2), Dtype::f32), Dtype::f32));
  std::vector<double> weights = drawn(kSize, 0, 2, 3);
  for (double& w : weights) w = std::floor(w);
  Array mask_array, weight;
  if (mask) {
    b.add(*mask == Dtype::f32 ? t : *mask, weights);
    mask_array = b.array(7, c.mask);
    weight = b.array(1, {});
  }
  const Array x = b.array(5, c.a), target = b.array(6, c.b);
  run<&KernelTable::pointwise_loss_forward>(
      PointwiseLossForward{kind, b.array(0, {}), x, target, 0.01, mask_array, weight}, b.device());
  run<&KernelTable::pointwise_loss_backward>(
      PointwiseLossBackward{kind, b.array(2, c.a), b.array(3, c.b), b.array(4, {}), x, target, 0.01,
                            mask_array, weight},
      b.device());
}

}  // namespace

TEST(EmuPointwiseLoss, EveryMaskAndAlignment) {
  const Dtype masks[] = {Dtype::u8, Dtype::boolean, Dtype::f32};
  for (const Case& c : kCases)
    for (PointwiseLoss kind : {
#define LOSS(NAME, ...) PointwiseLoss::NAME,
#include "../../kernels/pointwise_loss.def"
         })
      for (int m = -1; m < 3; m++) {
        Buffers emu(DeviceType::emu), cpu(DeviceType::cpu);
        run_both(emu, Dtype::f32, kind, c, m < 0 ? nullptr : &masks[m]);
        run_both(cpu, Dtype::f64, kind, c, m < 0 ? nullptr : &masks[m]);
        EXPECT_TRUE(emu.intact());
        for (int i = 0; i < 4; i++) {
          const auto got = emu.values(i), want = cpu.values(i);
          for (std::size_t k = 0; k < want.size(); k++)
            ASSERT_TRUE(std::fabs(got[k] - want[k]) <= 2e-6 * std::fabs(want[k]) + 1e-8)
                << c.name << ' ' << name_of(kind) << " mask " << m << " buffer " << i << ' ' << k
                << ": " << got[k] << ", not " << want[k];
        }
      }
}

TEST(EmuPointwiseLoss, SameBitsForEveryOrderOfThreads) {
  const Dtype mask = Dtype::f32;
  std::vector<std::vector<char>> first;
  for (std::uint64_t seed = 1; seed <= 4; seed++) {
    emu::set_seed(seed);
    Buffers b(DeviceType::emu);
    run_both(b, Dtype::f32, PointwiseLoss::bce_with_logits, kCases[8], &mask);
    std::vector<std::vector<char>> bytes;
    for (int i = 0; i < 4; i++) bytes.push_back(b.bytes(i));
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first);
  }
}

TEST(EmuPointwiseLoss, GradientsInPlace) {
  Buffers apart(DeviceType::emu), in_place(DeviceType::emu);
  for (Buffers* b : {&apart, &in_place}) {
    b->add(Dtype::f32, drawn(1025, -2, 2, 1));
    b->add(Dtype::f32, drawn(1025, -2, 2, 2));
    b->add(Dtype::f32, std::vector<double>(1025));
    b->add(Dtype::f32, std::vector<double>(1025));
    b->add(Dtype::f32, {2});
    const Layout l{{1025}};
    const int da = b == &apart ? 2 : 0, db = b == &apart ? 3 : 1;
    run<&KernelTable::pointwise_loss_backward>(
        PointwiseLossBackward{PointwiseLoss::kl_unit_gaussian, b->array(da, l), b->array(db, l),
                              b->array(4, {}), b->array(0, l), b->array(1, l), 0.5},
        b->device());
  }
  EXPECT_EQ(apart.bytes(2), in_place.bytes(0));
  EXPECT_EQ(apart.bytes(3), in_place.bytes(1));
}

TEST(EmuPointwiseLoss, LossesAreF32) {
  Buffers b(DeviceType::emu);
  b.add(Dtype::bf16, {1, 2});
  const Array x = b.array(0, {{2}}), y = b.array(0, {});
  try {
    run<&KernelTable::pointwise_loss_forward>(
        PointwiseLossForward{PointwiseLoss::mse_loss, y, x, x}, b.device());
    FAIL() << "a bf16 loss was taken";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "[mse_loss] y must be f32 where a is bf16: got a (2) bf16 emu, y () bf16 emu");
  }
}

// Each of a and b may be bf16, at places that vectors suit and at others.
TEST(EmuPointwiseLoss, TakesBf16) {
  for (const std::int64_t n : {1, 7, 1025, 4096})
    for (const bool a_half : {false, true})
      for (const bool b_half : {false, true})
        for (const std::int64_t offset : {0, 1}) {
          const auto typed = [](bool half) { return half ? Dtype::bf16 : Dtype::f32; };
          const auto values = [&](bool half, std::uint64_t seed) {
            return values_of(bytes_of(drawn(n + 1, -2, 2, seed), typed(half)), typed(half));
          };
          const std::vector<double> u = values(a_half, 1), v = values(b_half, 2);
          Buffers b(DeviceType::emu);
          b.add(typed(a_half), u);
          b.add(typed(b_half), v);
          b.add(typed(a_half), std::vector<double>(n + 1));
          b.add(typed(b_half), std::vector<double>(n + 1));
          b.add(Dtype::f32, {0});
          b.add(Dtype::f32, {2});
          const Layout l{{n}, {}, offset};
          const Array x = b.array(0, l), t = b.array(1, l);
          run<&KernelTable::pointwise_loss_forward>(
              PointwiseLossForward{PointwiseLoss::mse_loss, b.array(4, {}), x, t, 0.5}, b.device());
          run<&KernelTable::pointwise_loss_backward>(
              PointwiseLossBackward{PointwiseLoss::mse_loss, b.array(2, l), b.array(3, l),
                                    b.array(5, {}), x, t, 0.5},
              b.device());
          const auto da = b.values(2), db = b.values(3);
          double sum = 0;
          for (std::int64_t i = offset; i < n + offset; i++) {
            const double d = u[i] - v[i];
            sum += 0.5 * d * d;
            // dy * scale * 2 d, rounded once where it is bf16.
            EXPECT_NEAR(da[i], 2 * d, std::fabs(2 * d) * (a_half ? 0x1p-8 : 1e-6));
            EXPECT_NEAR(db[i], -2 * d, std::fabs(2 * d) * (b_half ? 0x1p-8 : 1e-6));
          }
          EXPECT_NEAR(b.values(4)[0], sum, 1e-6 * sum) << n;
          EXPECT_TRUE(b.intact());
        }
}

}  // namespace lacuna::test
