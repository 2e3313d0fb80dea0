#include "../../core/ops/token_subset.h"

#include <gtest/gtest.h>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/cpu/parallel.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

struct Size {
  std::int64_t n, l, k, d;
};

Subset subset(const Size& s, Device device = {}) {
  return random_subset(s.n, s.l, s.k, {.seed = 5}, "test", device);
}

// By the kept positions alone.
std::vector<double> kept_reference(const Size& s, const Tensors& in) {
  const auto x = in[0].to_vector<double>();
  const auto position = in.size() > 1 ? in[1].to_vector<double>() : std::vector<double>();
  const auto kept = subset(s).kept.to_vector<std::int64_t>();
  std::vector<double> y;
  for (std::int64_t i = 0; i < s.n * s.k; i++)
    for (std::int64_t j = 0; j < s.d; j++)
      y.push_back(x[(i / s.k * s.l + kept[i]) * s.d + j] +
                  (position.empty() ? 0 : position[kept[i] * s.d + j]));
  return y;
}

std::vector<double> restored_reference(const Size& s, const Tensors& in) {
  const auto x = in[0].to_vector<double>(), token = in[1].to_vector<double>();
  const auto position = in.size() > 2 ? in[2].to_vector<double>() : std::vector<double>();
  const auto kept = subset(s).kept.to_vector<std::int64_t>();
  std::vector<double> y;
  for (std::int64_t i = 0; i < s.n * s.l; i++) y.insert(y.end(), token.begin(), token.end());
  for (std::int64_t i = 0; i < s.n * s.k; i++)
    for (std::int64_t j = 0; j < s.d; j++) y[(i / s.k * s.l + kept[i]) * s.d + j] = x[i * s.d + j];
  for (std::size_t i = 0; i < y.size() && !position.empty(); i++) y[i] += position[i % (s.l * s.d)];
  return y;
}

void both_cases(const std::string& name, const Size& s) {
  const Input position{{s.l, s.d}}, whole{{s.n, s.l, s.d}}, part{{s.n, s.k, s.d}}, token{{s.d}};
  for (const bool placed : {false, true}) {
    const std::string suffix = name + (placed ? ",position" : "");
    add({.name = "keep_tokens/" + suffix,
         .inputs = placed ? std::vector<Input>{whole, position} : std::vector<Input>{whole},
         .apply =
             [=](const Tensors& x) {
               return keep_tokens(x[0], subset(s, x[0].device()), placed ? x[1] : Tensor());
             },
         .reference = [=](const Tensors& x) { return kept_reference(s, x); }});
    add({.name = "restore_tokens/" + suffix,
         .inputs =
             placed ? std::vector<Input>{part, token, position} : std::vector<Input>{part, token},
         .apply =
             [=](const Tensors& x) {
               return restore_tokens(x[0], subset(s, x[0].device()), x[1],
                                     placed ? x[2] : Tensor());
             },
         .reference = [=](const Tensors& x) { return restored_reference(s, x); }});
  }
}

const Register token_subset_cases([] {
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    both_cases("width=" + size, {2, 5, 2, n});
    both_cases("length=" + size, {2, n, n / 4, 3});
    both_cases("batch=" + size, {n, 4, 1, 3});
  }
  both_cases("none", {2, 6, 0, 8});
  both_cases("all", {2, 6, 6, 8});
  both_cases("wide", {1, 3, 1, 2056});
  both_cases("picture", {3, 64, 16, 48});
});

}  // namespace

TEST(restore_tokens, puts_back_what_keep_tokens_took) {
  const Size s{3, 20, 7, 5};
  const Tensor x = make_input({{3, 20, 5}}, 1, Dtype::f32), token = Tensor::full({5}, 9);
  const Subset seen = subset(s);
  const auto y = restore_tokens(keep_tokens(x, seen), seen, token).to_vector<float>();
  const auto in = x.to_vector<float>(), hidden = seen.hidden.to_vector<float>();
  int visible = 0;
  for (std::size_t i = 0; i < in.size(); i++) {
    ASSERT_EQ(y[i], hidden[i / 5] ? 9 : in[i]);
    visible += !hidden[i / 5];
  }
  EXPECT_EQ(visible, 3 * 7 * 5);
}

TEST(restore_tokens, gradients_go_where_the_values_came_from) {
  const Size s{3, 20, 7, 2};
  const Subset seen = subset(s);
  Tensor x = Tensor::zeros({3, 7, 2}), token = Tensor::zeros({2}),
         position = Tensor::zeros({20, 2});
  x.requires_grad();
  token.requires_grad();
  position.requires_grad();
  backward(restore_tokens(x, seen, token, position), Tensor::full({3, 20, 2}, 1));
  EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(3 * 7 * 2, 1));
  EXPECT_EQ(token.grad().to_vector<float>(), std::vector<float>(2, 3 * 13));
  EXPECT_EQ(position.grad().to_vector<float>(), std::vector<float>(20 * 2, 3));
  const Tensor only = Tensor::zeros({2});
  Tensor y = restore_tokens(x.detach(), seen, token);  // no gradient for x: it is not computed
  token.set_grad({});
  backward(y, Tensor::full({3, 20, 2}, 2));
  EXPECT_EQ(token.grad().to_vector<float>(), std::vector<float>(2, 2 * 3 * 13));
}

TEST(keep_tokens, hidden_tokens_have_no_gradient) {
  const Size s{2, 9, 3, 1};
  const Subset seen = subset(s);
  Tensor x = make_input({{2, 9, 1}}, 1, Dtype::f32);
  x.requires_grad();
  backward(keep_tokens(x, seen), Tensor::full({2, 3, 1}, 4));
  const auto dx = x.grad().to_vector<float>(), hidden = seen.hidden.to_vector<float>();
  for (std::size_t i = 0; i < dx.size(); i++) EXPECT_EQ(dx[i], hidden[i] ? 0 : 4);
}

TEST(token_subset, nothing_of_the_size_of_the_tokens_is_saved) {
  const Size s{2, 16, 4, 1000};
  Tensor x = Tensor::zeros({2, 16, 1000}), token = Tensor::zeros({1000});
  x.requires_grad();
  const Subset seen = subset(s);
  const Tensor y = restore_tokens(keep_tokens(x, seen), seen, token);
  EXPECT_LE(tape_stats(y).saved_bytes, 2 * 16 * 8);
}

TEST(token_subset, errors) {
  const Subset s = subset({2, 6, 3, 4});
  EXPECT_EQ(error_of([&] {
              keep_tokens(Tensor::zeros({2, 5, 4}), s);
            }),
            "[keep_tokens] the subset must have a row for each of x's and a place for each token: "
            "got x (2, 5, 4) f32 cpu, kept (2, 3) i64 cpu, places (2, 6) i64 cpu");
  EXPECT_EQ(error_of([&] {
              restore_tokens(Tensor::zeros({2, 6, 4}), s, Tensor::zeros({4}));
            }),
            "[restore_tokens] the subset must have a row for each of x's and a place for each "
            "token: got x (2, 6, 4) f32 cpu, kept (2, 3) i64 cpu, places (2, 6) i64 cpu");
  EXPECT_EQ(error_of([&] {
              restore_tokens(Tensor::zeros({2, 3, 4}), s, Tensor::zeros({3}));
            }),
            "[take_tokens] fill must be one token, (d): got fill (3) f32 cpu for x (2, 3, 4) f32 "
            "cpu");
  EXPECT_EQ(error_of([&] {
              keep_tokens(Tensor::zeros({2, 6, 4}), s, Tensor::zeros({5, 4}));
            }),
            "[take_tokens] position must have a row a token of the whole picture: got position "
            "(5, 4) f32 cpu for x (2, 6, 4) f32 cpu, y (2, 3, 4) f32 cpu");
  EXPECT_EQ(error_of([&] {
              restore_tokens(Tensor::zeros({2, 3, 4}), s, Tensor::zeros({4}, Dtype::f64));
            }),
            "[take_tokens] arguments must have one dtype: got x (2, 3, 4) f32 cpu, y (2, 6, 4) f32 "
            "cpu, fill (4) f64 cpu");
}

}  // namespace lacuna::test
