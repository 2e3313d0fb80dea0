// Losses, norms, variance and GELU against PyTorch (ops.safetensors, written by ops.py): values within 1e-6 in f64 and 1e-5
// in f32, gradients in max |difference| over max |gradient|.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "../../core/ops.h"
#include "../../core/safetensors.h"
#include "../../core/tape.h"

namespace lacuna::test {
namespace {

using Tensors = std::vector<Tensor>;

const Safetensors& golden() {
  static const Safetensors file = read_safetensors(LACUNA_GOLDEN_DIR "/ops.safetensors");
  return file;
}

Tensor find(const std::string& name) {
  const auto it = golden().tensors.find(name);
  return it == golden().tensors.end() ? Tensor() : it->second;
}

void expect_near(const Tensor& got, const std::string& name, double tolerance) {
  const Tensor want = find(name);
  ASSERT_TRUE(want.defined()) << name;
  ASSERT_TRUE(got.defined()) << name;
  ASSERT_EQ(got.shape(), want.shape()) << name;
  const auto a = got.to_vector<double>(), b = want.to_vector<double>();
  double scale = 0;
  for (const double v : b) scale = std::fmax(scale, std::fabs(v));
  ASSERT_GT(scale, 0) << name;
  for (std::size_t i = 0; i < b.size(); i++)
    ASSERT_TRUE(std::fabs(a[i] - b[i]) <= tolerance * scale)
        << name << ", element " << i << ": " << a[i] << ", PyTorch has " << b[i];
}

// f of the inputs of a case, in both precisions, with the gradient of every input that has one.
void check(const std::string& name, const std::function<Tensor(const Tensors&)>& f) {
  for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
    const double tolerance = dtype == Dtype::f64 ? 1e-6 : 1e-5;
    const std::string what = name + (dtype == Dtype::f64 ? " in f64" : " in f32");
    SCOPED_TRACE(what);
    Tensors inputs;
    for (int i = 0; find(name + ".x" + std::to_string(i)).defined(); i++) {
      Tensor x = find(name + ".x" + std::to_string(i));
      if (is_floating(x.dtype())) x = to(x, dtype).clone().requires_grad();
      inputs.push_back(x);
    }
    ASSERT_FALSE(inputs.empty());
    const Tensor y = f(inputs);
    expect_near(y, name + ".y", tolerance);
    backward(y, to(find(name + ".dy"), dtype));
    for (std::size_t i = 0; i < inputs.size(); i++)
      if (is_floating(inputs[i].dtype()))
        expect_near(inputs[i].grad(), name + ".d" + std::to_string(i), tolerance);
  }
}

}  // namespace

TEST(golden_ops, cross_entropy) {
  check("cross_entropy", [](const Tensors& x) { return cross_entropy(x[0], x[1]); });
  check("cross_entropy_ignore",
        [](const Tensors& x) { return cross_entropy(x[0], x[1], {.ignore_index = 3}); });
  check("cross_entropy_smoothing",
        [](const Tensors& x) { return cross_entropy(x[0], x[1], {.label_smoothing = 0.1}); });
}

TEST(golden_ops, pointwise_losses) {
  check("mse_loss", [](const Tensors& x) { return mse_loss(x[0], x[1]); });
  check("mse_loss_masked", [](const Tensors& x) { return mse_loss(x[0], x[1], x[2]); });
  check("l1_loss", [](const Tensors& x) { return l1_loss(x[0], x[1]); });
  check("bce_with_logits", [](const Tensors& x) { return bce_with_logits(x[0], x[1]); });
  check("kl_unit_gaussian", [](const Tensors& x) { return kl_unit_gaussian(x[0], x[1]); });
}

TEST(golden_ops, batch_norm) {
  for (const bool training : {true, false}) {
    const std::string name = training ? "batch_norm_train" : "batch_norm_eval";
    check(name, [&](const Tensors& x) {
      Context ctx;
      ctx.training = training;
      const Tensor mean = to(find(name + ".mean_before"), x[0].dtype()).clone();
      const Tensor var = to(find(name + ".var_before"), x[0].dtype()).clone();
      const Tensor y = batch_norm(x[0], x[1], x[2], mean, var, ctx);
      const double tolerance = x[0].dtype() == Dtype::f64 ? 1e-6 : 1e-5;
      expect_near(mean, name + ".mean", tolerance);
      expect_near(var, name + ".var", tolerance);
      return y;
    });
  }
}

TEST(golden_ops, rows) {
  check("layer_norm", [](const Tensors& x) { return layer_norm(x[0], x[1], x[2]); });
  check("layer_norm_two_dims", [](const Tensors& x) { return layer_norm(x[0], x[1], x[2], 2); });
  check("l2_normalise", [](const Tensors& x) { return l2_normalise(x[0]); });
}

TEST(golden_ops, reductions) {
  check("var", [](const Tensors& x) { return var(x[0], {0, 2}); });
  check("var_biased", [](const Tensors& x) { return var(x[0], {1}, false, false); });
  check("logsumexp", [](const Tensors& x) { return logsumexp(x[0], {1}); });
}

TEST(golden_ops, gelu) {
  check("gelu", [](const Tensors& x) { return gelu(x[0]); });
  check("gelu_tanh", [](const Tensors& x) { return gelu_tanh(x[0]); });
}

}  // namespace lacuna::test
