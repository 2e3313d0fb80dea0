// Optimizers against torch.optim and published formulas (tests/golden/optim.json), and what surrounds them.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/cpu/parallel.h"
#include "../../nn/optim/adam.h"
#include "../../nn/optim/clip.h"
#include "../../nn/optim/early_stopping.h"
#include "../../nn/optim/ema.h"
#include "../../nn/optim/lamb.h"
#include "../../nn/optim/lars.h"
#include "../../nn/optim/schedule.h"
#include "../../nn/optim/sgd.h"
#include "support.h"

namespace lacuna {
namespace {

using nlohmann::json;

json fixture() {
  std::ifstream in(LACUNA_GOLDEN_DIR "/optim.json");
  return json::parse(in);
}

std::vector<NamedTensor> leaves(const json& values, Dtype dtype) {
  std::vector<NamedTensor> out;
  for (const auto& [name, v] : values.items()) {
    const auto numbers = v.get<std::vector<double>>();
    Tensor t = to(Tensor::from(numbers, {static_cast<std::int64_t>(numbers.size())}), dtype);
    t.requires_grad();
    out.push_back({name, t});
  }
  return out;
}

void set_gradients(std::vector<NamedTensor>& parameters, const json& gradients) {
  for (auto& [name, p] : parameters) {
    const auto numbers = gradients.at(name).get<std::vector<double>>();
    p.set_grad(to(Tensor::from(numbers, p.shape()), p.dtype()));
  }
}

std::unique_ptr<Optimizer> make(const json& c, const std::vector<NamedTensor>& parameters) {
  const json& o = c.at("options");
  const double lr = o.at("lr"), decay = o.value("weight_decay", 0.0);
  if (c.at("kind") == "SGD")
    return std::make_unique<Sgd>(parameters, Sgd::Options{.lr = lr,
                                                          .momentum = o.value("momentum", 0.0),
                                                          .nesterov = o.value("nesterov", false),
                                                          .weight_decay = decay});
  std::vector<ParameterGroup> groups;
  if (o.contains("excluded"))
    groups.push_back({.holds = [name = o.at("excluded").get<std::string>()](
                                   const std::string& n) { return n == name; },
                      .weight_decay = 0.0,
                      .adapt = false});
  if (c.at("kind") == "Lars")
    return std::make_unique<Lars>(
        parameters,
        Lars::Options{
            .lr = lr, .momentum = o.at("momentum"), .eta = o.at("eta"), .weight_decay = decay},
        groups);
  const auto betas = o.value("betas", std::vector<double>{0.9, 0.999});
  if (c.at("kind") == "Lamb")
    return std::make_unique<Lamb>(
        parameters,
        Lamb::Options{.lr = lr,
                      .beta1 = betas[0],
                      .beta2 = betas[1],
                      .eps = o.value("eps", 1e-6),
                      .weight_decay = decay,
                      .bias_correction = o.value("bias_correction", true)},
        groups);
  const Adam::Options options{.lr = lr,
                              .beta1 = betas[0],
                              .beta2 = betas[1],
                              .eps = o.value("eps", 1e-8),
                              .weight_decay = decay};
  if (c.at("kind") == "Adam") return std::make_unique<Adam>(parameters, options);
  return std::make_unique<AdamW>(parameters, options);
}

void expect_near(const Tensor& got, const std::vector<double>& want, double tolerance,
                 const std::string& what) {
  const auto values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size()) << what;
  for (std::size_t i = 0; i < want.size(); i++)
    EXPECT_LE(std::fabs(values[i] - want[i]), tolerance * std::fabs(want[i]) + tolerance * 1e-2)
        << what << " element " << i << ": got " << values[i] << ", want " << want[i];
}

Tensor leaf(const std::vector<float>& values) {
  Tensor t = Tensor::from(values, {static_cast<std::int64_t>(values.size())});
  t.requires_grad();
  return t;
}

}  // namespace

TEST(optim, ten_steps_are_the_golden_ones) {
  const json golden = fixture();
  for (const auto& [name, c] : golden.at("cases").items()) {
    for (Dtype dtype : {Dtype::f32, Dtype::f64}) {
      const double tolerance = dtype == Dtype::f32 ? 1e-6 : 1e-12;
      const json& want = c.at(name_of(dtype));
      auto parameters = leaves(golden.at("start"), dtype);
      const auto optimizer = make(c, parameters);
      for (int step = 1; step <= 10; step++) {
        set_gradients(parameters, golden.at("gradients")[step - 1]);
        double scale = 1;
        if (c.at("options").contains("max_norm")) {
          const double norm = global_norm(parameters);
          const double wanted = want.at("norms")[step - 1];
          EXPECT_NEAR(norm, wanted, tolerance * wanted);
          scale = clip_scale(norm, c.at("options").at("max_norm"));
        }
        optimizer->step(scale);
        const auto kept = want.at("params").find(std::to_string(step));
        if (kept == want.at("params").end()) continue;
        for (const auto& [key, p] : parameters)
          expect_near(p, kept->at(key).get<std::vector<double>>(), tolerance,
                      name + " " + name_of(dtype) + " step " + std::to_string(step) + " " + key);
      }
    }
  }
}

TEST(optim, without_bias_correction_the_first_step_is_small) {
  Tensor p = leaf({1});
  Adam adam({{"p", p}}, {.lr = 0.1, .eps = 0, .bias_correction = false});
  p.set_grad(Tensor::of({2}, {1}));
  adam.step();  // m = 0.1 g, v = 0.001 g^2
  EXPECT_NEAR(p.item(), 1 - 0.1 * 0.1 / std::sqrt(0.001), 1e-6);
}

template <class Kind>
void expect_the_same_bits_for_any_split(const typename Kind::Options& options) {
  const auto train = [&](int threads, bool together) {
    const int before = cpu::threads();
    cpu::set_threads(threads);
    std::vector<NamedTensor> parameters;
    for (int n : {0, 1, 15, 16, 17, 50000}) {
      std::vector<float> v(n);
      for (int i = 0; i < n; i++) v[i] = std::sin(static_cast<float>(i + n));
      parameters.push_back({"p" + std::to_string(n), leaf(v)});
    }
    std::vector<std::unique_ptr<Optimizer>> optimizers;
    if (together) {
      optimizers.push_back(std::make_unique<Kind>(parameters, options));
    } else {
      for (const auto& p : parameters)
        optimizers.push_back(std::make_unique<Kind>(std::vector{p}, options));
    }
    double norm = 0;
    for (int step = 0; step < 3; step++) {
      for (auto& [name, p] : parameters) p.set_grad(p.detach().clone());
      norm = global_norm(parameters);
      for (auto& o : optimizers) o->step(0.5);
    }
    cpu::set_threads(before);
    std::vector<double> out{norm};
    for (const NamedTensor& p : parameters)
      for (double v : p.tensor.to_vector<double>()) out.push_back(v);
    return out;
  };
  const auto one = train(1, true);
  EXPECT_EQ(train(3, true), one);
  EXPECT_EQ(train(1, false), one);
}

TEST(optim, many_tensors_in_one_call_and_any_number_of_threads_give_the_same_bits) {
  expect_the_same_bits_for_any_split<Adam>({.weight_decay = 0.1});
  expect_the_same_bits_for_any_split<Lamb>({.weight_decay = 0.1});
  expect_the_same_bits_for_any_split<Lars>({.weight_decay = 0.1});
}

TEST(optim, the_rate_is_the_tensors_own_and_1_where_a_norm_is_0) {
  const auto first_step = [](const std::vector<float>& value, const std::vector<float>& gradient,
                             bool adapt) {
    Tensor p = leaf(value);
    Lars lars({{"p", p}}, {.lr = 0.5, .eta = 0.1, .weight_decay = 0},
              {{.holds = [](const std::string&) { return true; }, .adapt = adapt}});
    p.set_grad(Tensor::from(gradient, p.shape()));
    lars.step();
    return p.to_vector<float>();
  };
  EXPECT_EQ(first_step({3, 4}, {0, 2}, true), (std::vector<float>{3, 3.75f}));  // 0.5 * 0.1 * 5 / 2
  EXPECT_EQ(first_step({3, 4}, {0, 2}, false), (std::vector<float>{3, 3}));
  EXPECT_EQ(first_step({0, 0}, {0, 2}, true), (std::vector<float>{0, -1}));
  EXPECT_EQ(first_step({3, 4}, {0, 0}, true), (std::vector<float>{3, 4}));
}

TEST(optim, groups_scale_the_rate_and_set_the_decay) {
  Tensor w = leaf({1}), b = leaf({1}), head = leaf({1});
  Sgd sgd({{"w", w}, {"w.bias", b}, {"head.w", head}}, {.lr = 0.1, .weight_decay = 0.5},
          {{.holds = [](const std::string& n) { return n.ends_with("bias"); }, .weight_decay = 0.0},
           {.holds = [](const std::string& n) { return n.starts_with("head"); }, .lr_scale = 10}});
  for (Tensor* t : {&w, &b, &head}) t->set_grad(Tensor::of({1}, {1}));
  sgd.step();
  EXPECT_FLOAT_EQ(static_cast<float>(w.item()), 1 - 0.1f * 1.5f);
  EXPECT_FLOAT_EQ(static_cast<float>(b.item()), 1 - 0.1f);
  EXPECT_FLOAT_EQ(static_cast<float>(head.item()), 1 - 1.5f);
}

TEST(optim, a_parameter_without_gradient_is_left_alone) {
  Tensor a = leaf({1}), b = leaf({1});
  AdamW adam({{"a", a}, {"b", b}}, {.lr = 0.1, .weight_decay = 0.5});
  a.set_grad(Tensor::of({1}, {1}));
  adam.step();
  EXPECT_NE(a.item(), 1);
  EXPECT_EQ(b.item(), 1);
  EXPECT_EQ(adam.state_dict().at("a.step").item(), 1);
  EXPECT_EQ(adam.state_dict().at("b.step").item(), 0);
  adam.zero_grad();
  EXPECT_FALSE(a.grad().defined());
}

TEST(optim, a_step_after_forward_is_seen_by_the_tape) {
  Tensor a = leaf({1, 2});
  Sgd sgd({{"a", a}}, {});
  a.set_grad(Tensor::of({1, 1}, {2}));
  const Tensor product = a * a;
  sgd.step();
  EXPECT_THROWS_WITH(backward(product, Tensor::of({1, 1}, {2})), "was changed in place");
}

TEST(optim, saved_and_loaded_it_continues_bit_for_bit) {
  const auto gradient = [](int step) {
    return Tensor::of({0.3f * static_cast<float>(step), -1, 0.01f}, {3});
  };
  Tensor a = leaf({1, 2, 3});
  Adam first({{"a", a}}, {.lr = 0.1});
  for (int step = 0; step < 3; step++) {
    a.set_grad(gradient(step));
    first.step();
  }
  Tensor b = leaf(a.to_vector<float>());
  Adam second({{"a", b}}, {.lr = 0.1});
  StateDict saved;
  for (const auto& [name, t] : first.state_dict()) saved[name] = t.clone();
  second.load_state_dict(saved);
  for (int step = 3; step < 6; step++) {
    a.set_grad(gradient(step));
    b.set_grad(gradient(step));
    first.step();
    second.step();
  }
  EXPECT_EQ(a.to_vector<float>(), b.to_vector<float>());
  saved.erase("a.step");
  EXPECT_THROWS_WITH(second.load_state_dict(saved), "missing: a.step");
}

TEST(optim, mistakes_are_errors) {
  Tensor a = leaf({1});
  EXPECT_THROWS_WITH(Sgd({{"a", a}, {"a", a}}, {}), "two parameters are named \"a\"");
  EXPECT_THROWS_WITH(Sgd({{"a", Tensor::zeros({1})}}, {}), "require a gradient");
  EXPECT_THROWS_WITH(Sgd({{"a", a}}, {.lr = -1}), "lr");
  EXPECT_THROWS_WITH(Sgd({{"a", a}}, {.nesterov = true}), "Nesterov needs a momentum");
  EXPECT_THROWS_WITH(Adam({{"a", a}}, {.beta1 = 1}), "betas");
  EXPECT_THROWS_WITH(Lamb({{"a", a}}, {.beta2 = 1}), "betas");
  EXPECT_THROWS_WITH(Lars({{"a", a}}, {.eta = 0}), "eta");
  EXPECT_THROWS_WITH(clip_scale(1, 0), "max_norm");
}

TEST(optim, clipping) {
  Tensor a = leaf({0, 0}), b = leaf({0});
  const std::vector<NamedTensor> parameters{{"a", a}, {"b", b}};
  EXPECT_EQ(global_norm(parameters), 0);
  a.set_grad(Tensor::of({2, 3}, {2}));
  b.set_grad(Tensor::of({6}, {1}));
  EXPECT_EQ(global_norm(parameters), 7);
  EXPECT_EQ(clip_scale(7, 10), 1);
  EXPECT_DOUBLE_EQ(clip_scale(7, 1), 1 / (7 + 1e-6));
  EXPECT_TRUE(std::isnan(clip_scale(INFINITY, 1)));
}

TEST(optim, moving_averages) {
  Tensor p = leaf({1, 2, 3});
  Ema ema({{"p", p}});
  {
    NoGrad guard;
    p.fill(5);
  }
  ema.update(0.75);
  EXPECT_EQ(ema.state_dict().at("p").to_vector<float>(), (std::vector<float>{2, 2.75f, 3.5f}));
  ema.swap();
  EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{2, 2.75f, 3.5f}));
  ema.swap();
  EXPECT_EQ(p.to_vector<float>(), (std::vector<float>{5, 5, 5}));
  ema.load_state_dict({{"p", Tensor::of({7, 8, 9}, {3})}});
  EXPECT_EQ(ema.state_dict().at("p").to_vector<float>(), (std::vector<float>{7, 8, 9}));
  EXPECT_THROWS_WITH(ema.update(1.5), "decay");
}

TEST(optim, schedules) {
  const Schedule constant{.base = 2, .warmup = 3};
  EXPECT_DOUBLE_EQ(constant.at(0), 0.5);
  EXPECT_DOUBLE_EQ(constant.at(2), 1.5);
  EXPECT_DOUBLE_EQ(constant.at(3), 2);
  const Schedule linear{.shape = Schedule::Shape::linear, .warmup = 2, .total = 12, .last = 0.1};
  EXPECT_DOUBLE_EQ(linear.at(2), 1);
  EXPECT_DOUBLE_EQ(linear.at(7), 0.55);
  EXPECT_DOUBLE_EQ(linear.at(12), 0.1);
  EXPECT_DOUBLE_EQ(linear.at(100), 0.1);
  const Schedule cosine{.shape = Schedule::Shape::cosine, .base = 4, .total = 100};
  EXPECT_DOUBLE_EQ(cosine.at(0), 4);
  EXPECT_NEAR(cosine.at(25), 2 * (1 + std::sqrt(0.5)), 1e-12);
  EXPECT_NEAR(cosine.at(100), 0, 1e-12);
  const Schedule steps{.shape = Schedule::Shape::step, .every = 10, .factor = 0.5};
  EXPECT_DOUBLE_EQ(steps.at(9), 1);
  EXPECT_DOUBLE_EQ(steps.at(10), 0.5);
  EXPECT_DOUBLE_EQ(steps.at(35), 0.125);
  EXPECT_THROWS_WITH(constant.at(-1), "step");
  EXPECT_EQ(schedule_shape("cosine"), Schedule::Shape::cosine);
  EXPECT_THROWS_WITH(schedule_shape("cos"),
                     "must be constant, linear, cosine or step: got \"cos\"");
}

TEST(optim, early_stopping) {
  EarlyStopping stop{.patience = 2, .min_delta = 0.1};
  EXPECT_TRUE(stop.observe(1));
  EXPECT_FALSE(stop.observe(0.95));
  EXPECT_FALSE(stop.should_stop());
  EXPECT_TRUE(stop.observe(0.5));
  EXPECT_FALSE(stop.observe(NAN));
  EXPECT_FALSE(stop.observe(0.6));
  EXPECT_TRUE(stop.should_stop());
  EarlyStopping never{};
  for (int i = 0; i < 10; i++) never.observe(1);
  EXPECT_FALSE(never.should_stop());
}

}  // namespace lacuna
