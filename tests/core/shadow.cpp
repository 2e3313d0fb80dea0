// The bf16 copies of parameters that ops read beside bf16 activations.
#include "../../core/shadow.h"

#include <gtest/gtest.h>

#include "../../core/ops/embedding.h"
#include "../../core/ops/matmul.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"

namespace lacuna {
namespace {

std::vector<float> rounded(const Tensor& t) {
  return to(t.detach(), Dtype::bf16).to_vector<float>();
}

Tensor parameter() { return Tensor::of({1.001f, -2.3f, 3.1f, 1e-3f, 7.77f, -0.1f}, {2, 3}); }

}  // namespace

TEST(shadow, is_for_f32_beside_bf16_alone) {
  const Tensor w = parameter(), wide = to(w, Dtype::f64);
  EXPECT_EQ(beside(w, Dtype::f32).storage(), w.storage());
  EXPECT_EQ(beside(wide, Dtype::bf16).storage(), wide.storage());
  EXPECT_FALSE(beside(Tensor(), Dtype::bf16).defined());
  EXPECT_EQ(beside(w, Dtype::bf16).dtype(), Dtype::bf16);
}

TEST(shadow, follows_every_change) {
  Tensor w = parameter();
  EXPECT_EQ(beside(w, Dtype::bf16).to_vector<float>(), rounded(w));
  const auto storage = beside(w, Dtype::bf16).storage();
  w.copy_from(Tensor::of({6, 5, 4, 3, 2.002f, 1}, {2, 3}));
  EXPECT_EQ(beside(w, Dtype::bf16).to_vector<float>(), rounded(w));
  w.fill(0.3);
  EXPECT_EQ(beside(w, Dtype::bf16).to_vector<float>(), rounded(w));
  EXPECT_EQ(beside(w, Dtype::bf16).storage(), storage) << "one copy, in one place";
  const std::uint32_t version = storage->version();
  beside(w, Dtype::bf16);
  EXPECT_EQ(storage->version(), version) << "made anew without need";
}

TEST(shadow, has_the_strides_of_a_view) {
  const Tensor w = parameter();
  for (const Tensor& view : {transpose(w, 0, 1), slice(w, 1, 1, 3), slice(w, 0, 1, 2)}) {
    const Tensor seen = beside(view, Dtype::bf16);
    EXPECT_EQ(seen.shape(), view.shape());
    EXPECT_EQ(seen.to_vector<float>(), rounded(view));
    EXPECT_EQ(seen.storage(), beside(w, Dtype::bf16).storage());
  }
}

// A kernel that writes the shadow is told where, and nothing is copied after it.
TEST(shadow, counts_as_current_once_a_kernel_writes_it) {
  const Tensor w = parameter();
  EXPECT_FALSE(shadow_to_write(w)) << "nobody has asked for it";
  const Tensor seen = beside(w, Dtype::bf16);
  w.storage()->bump_version();
  const Array array = shadow_to_write(w);
  EXPECT_EQ(array.data, seen.array().data);
  const std::uint32_t version = seen.storage()->version();
  beside(w, Dtype::bf16);
  EXPECT_EQ(seen.storage()->version(), version);
  EXPECT_FALSE(shadow_to_write(slice(w, 0, 0, 1))) << "a kernel that sees a part cannot";
}

TEST(shadow, a_change_between_forward_and_backward_is_an_error) {
  if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "bf16 is for devices";
  const Device emu{DeviceType::emu};
  Tensor w = to(parameter(), emu), x = to(to(Tensor::of({1, 2, 3}, {1, 3}), Dtype::bf16), emu);
  w.requires_grad();
  x.requires_grad();
  const Tensor y = linear(x, w);
  {
    NoGrad guard;
    w.fill(1);
  }
  linear(x, w);
  try {
    backward(y, to(to(Tensor::of({1, 1}, {1, 2}), Dtype::bf16), emu));
    FAIL() << "the weights of forward are gone";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("[linear] a tensor that backward needs was changed"),
              std::string::npos)
        << e.what();
  }
}

// 300 times the same id: in bf16 a sum of ones would stop at 256.
TEST(shadow, gradients_of_embeddings_are_summed_in_f32) {
  if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "bf16 is for devices";
  const Device emu{DeviceType::emu};
  Tensor w = to(parameter(), emu);
  w.requires_grad();
  const Tensor y = embedding(w, Tensor::full({300}, 1, Dtype::i64, emu), -1, Dtype::bf16);
  EXPECT_EQ(y.dtype(), Dtype::bf16);
  EXPECT_EQ(select(y, 0, 7).to_vector<float>(), rounded(select(w, 0, 1)));
  backward(y, Tensor::full(y.shape(), 1, Dtype::bf16, emu));
  EXPECT_EQ(w.grad().dtype(), Dtype::f32);
  EXPECT_EQ(w.grad().to_vector<float>(), (std::vector<float>{0, 0, 0, 300, 300, 300}));
}

}  // namespace lacuna
