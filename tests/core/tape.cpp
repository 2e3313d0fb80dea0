#include "../../core/tape.h"

#include <gtest/gtest.h>

#include <sstream>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/layer_norm.h"
#include "../../core/ops/reduce.h"
#include "../../core/ops/shape.h"
#include "../../core/ops/softmax.h"
#include "../errors.h"

namespace lacuna {
namespace {

using test::error_of;

Tensor leaf(std::initializer_list<float> values, const Shape& shape) {
  Tensor t = Tensor::of(values, shape);
  t.requires_grad();
  return t;
}

}  // namespace

TEST(tape, chain_rule_and_accumulation) {
  Tensor x = leaf({1, 2, 3}, {3});
  backward(sum(x * x + x));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{3, 5, 7}));
  backward(sum(x * 2.0));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{5, 7, 9}));
}

TEST(tape, a_gradient_shared_by_two_inputs_is_not_overwritten) {
  Tensor a = leaf({1}, {1}), b = leaf({2}, {1});
  const Tensor s = a + b;      // backward hands the same dy to both
  backward(sum(s + a * 3.0));  // and a gets a second one
  EXPECT_EQ(a.grad().item(), 4);
  EXPECT_EQ(b.grad().item(), 1);
}

TEST(tape, broadcast_dimensions_are_summed_by_the_engine) {
  Tensor row = leaf({1, 2}, {2}), x = leaf({1, 2, 3, 4, 5, 6}, {3, 2});
  backward(sum(x * row));
  EXPECT_EQ(row.grad().to_vector<float>(), (std::vector<float>{9, 12}));
}

TEST(tape, in_place_change_of_a_saved_tensor_is_an_error_that_names_the_op) {
  Tensor x = leaf({1, 2}, {2});
  const Tensor y = sum(x * x);
  {
    NoGrad guard;
    x.fill(0);
  }
  EXPECT_NE(error_of([&] {
              backward(y);
            }).find("[mul] a tensor that backward needs was changed in place"),
            std::string::npos);
  EXPECT_NE(error_of([&] { x.fill(1); }).find("[fill] a leaf cannot be changed in place"),
            std::string::npos);
  Tensor z = x * 2.0;
  EXPECT_NE(error_of([&] { z.fill(1); }).find("made by affine"), std::string::npos);
}

TEST(tape, second_backward_needs_retain) {
  Tensor x = leaf({3}, {1});
  const Tensor y = sum(square(x));
  backward(y, true);
  backward(y);
  EXPECT_EQ(x.grad().item(), 12);
  EXPECT_NE(error_of([&] { backward(y); }).find("backward has been here before"),
            std::string::npos);
}

TEST(tape, no_grad_and_detach_record_nothing) {
  Tensor x = leaf({1}, {1});
  EXPECT_FALSE((x.detach() * 2.0).needs_grad());
  NoGrad guard;
  EXPECT_FALSE((x * 2.0).needs_grad());
}

TEST(tape, a_long_chain_of_ops_runs_and_is_dropped_without_recursion) {
  Tensor x = leaf({1}, {1});
  Tensor y = x;
  for (int i = 0; i < 200000; i++) y = y + 1.0;
  backward(sum(y));
  EXPECT_EQ(x.grad().item(), 1);
  Tensor z = x;
  for (int i = 0; i < 200000; i++) z = z + 1.0;  // dropped without backward
}

TEST(tape, memory_is_freed_on_the_way) {
  const auto before = memory_stats(DeviceType::cpu).live_bytes;
  {
    Tensor x = leaf({1, 2, 3, 4}, {4});
    Tensor y = sum(tanh(exp(x)));
    const TapeStats stats = tape_stats(y);
    EXPECT_EQ(stats.ops, 4);  // exp, tanh, sum_to and reshape
    EXPECT_EQ(stats.saved_bytes, 32);
    backward(y);
    EXPECT_EQ(tape_stats(y).saved_bytes, 0);
  }
  EXPECT_EQ(memory_stats(DeviceType::cpu).live_bytes, before);
}

TEST(tape, what_an_op_can_make_again_is_not_kept_for_others) {
  Tensor x = leaf({-1, 0.5f, 2}, {3}), w = leaf({1, 5, 2}, {3});
  const auto before = memory_stats(DeviceType::cpu).live_bytes;
  Tensor y = gelu(x);
  const std::vector<float> values = y.to_vector<float>();
  Tensor z = reshape(y, {3, 1}) * reshape(w, {3, 1});  // saves both; y by way of a view
  y = Tensor();
  EXPECT_EQ(memory_stats(DeviceType::cpu).live_bytes, before + 12);  // z
  EXPECT_EQ(tape_stats(z).saved_bytes, 24);                          // x for gelu, w for mul
  backward(sum(z), true);
  EXPECT_EQ(w.grad().to_vector<float>(), values);
  const auto dx = x.grad().to_vector<float>();
  backward(sum(z));  // retained: made once more
  EXPECT_EQ(w.grad().to_vector<float>(),
            (std::vector<float>{2 * values[0], 2 * values[1], 2 * values[2]}));
  Tensor same = leaf({-1, 0.5f, 2}, {3});
  backward(sum(gelu(same) * Tensor::of({1, 5, 2}, {3})));
  EXPECT_EQ(dx, same.grad().to_vector<float>());
}

TEST(tape, what_is_made_again_is_made_of_what_was_there) {
  Tensor x = leaf({1, 2}, {2});
  const Tensor y = gelu(x), one = sum(square(y)), two = sum(exp(y) * y);
  backward(one);
  EXPECT_NE(error_of([&] { backward(two); }).find("[gelu] backward has been here before"),
            std::string::npos);
  const Tensor three = sum(square(gelu(x)));
  {
    NoGrad guard;
    x.fill(0);
  }
  EXPECT_NE(error_of([&] { backward(three); }).find("[gelu] a tensor that backward needs was"),
            std::string::npos);
}

// Changed before others saw it, a tensor is kept as it is; after that they get what they saw.
TEST(tape, a_tensor_that_was_changed_is_not_made_again) {
  const auto gradient = [](int changed) {
    Tensor x = leaf({1, 2}, {2}), y = gelu(x), view = reshape(y, {2, 1});
    if (changed == 1) y.detach().fill(3);
    const Tensor z = y * y + reshape(reshape(y, {1, 2}) * reshape(view, {1, 2}), {2});
    if (changed == 2) y.detach().fill(3);
    backward(sum(z));
    return x.grad().to_vector<float>();
  };
  Tensor x = leaf({1, 2}, {2});
  backward(sum(gelu(x) * 12.0));
  EXPECT_EQ(gradient(1), x.grad().to_vector<float>());
  EXPECT_EQ(gradient(2), gradient(0));
}

TEST(tape, what_serves_a_remake_alone_may_change_where_none_is_needed) {
  Tensor x = leaf({1, 2, 4, 8}, {2, 2}), beta = leaf({1, 2}, {2});
  const Tensor y = layer_norm(x, {}, beta), loss = sum(y), squares = sum(square(y));
  backward(loss, true);
  {
    NoGrad guard;
    beta.fill(1);
  }
  backward(loss, true);
  EXPECT_EQ(beta.grad().to_vector<float>(), (std::vector<float>{4, 4}));
  EXPECT_NE(error_of([&] {
              backward(squares);
            }).find("[layer_norm] a tensor that backward needs was changed in place"),
            std::string::npos);
}

TEST(tape, a_long_chain_of_what_can_be_made_again_is_not_made_by_recursion) {
  Tensor x = leaf({3}, {1});
  Tensor y = x;
  for (int i = 0; i < 100000; i++) y = square(y) * 0.0 + x;
  backward(sum(y));
  EXPECT_EQ(x.grad().item(), 1);
  Tensor z = x;
  for (int i = 0; i < 100000; i++) z = leaky_relu(z, 0.5);
  backward(sum(z * z));
  for (int i = 0; i < 100000; i++) z = leaky_relu(z, 0.5);  // dropped without backward
  Tensor views = gelu(x);
  for (int i = 0; i < 100000; i++) views = reshape(views, i % 2 ? Shape{1} : Shape{1, 1});
  backward(sum(views * views));
}

TEST(tape, recompute_gives_the_same_gradients_and_saves_only_its_inputs) {
  const auto f = [](const std::vector<Tensor>& v) { return softmax(tanh(v[0] * v[1])); };
  Tensor a = leaf({1, 2, 3}, {3}), b = leaf({0.5f, -1, 2}, {3}), w = Tensor::of({1, 5, 2}, {3});
  backward(sum(f({a, b}) * w));
  const auto ga = a.grad().to_vector<float>(), gb = b.grad().to_vector<float>();
  a.set_grad({});
  b.set_grad({});
  const Tensor y = recompute(f, {a, b});
  EXPECT_EQ(tape_stats(y).saved_bytes, 24);
  backward(sum(y * w));
  EXPECT_EQ(a.grad().to_vector<float>(), ga);
  EXPECT_EQ(b.grad().to_vector<float>(), gb);
}

TEST(tape, a_leaf_may_be_used_inside_a_recompute_and_after_it) {
  const auto run = [](bool again) {
    Tensor w = leaf({2, 3}, {2}), x = leaf({1, 4}, {2});
    const auto f = [w](const std::vector<Tensor>& v) { return tanh(v[0] * w); };
    const Tensor y = again ? recompute(f, {x}) : f({x});
    backward(sum(y * w));
    return w.grad().to_vector<float>();
  };
  EXPECT_EQ(run(true), run(false));
}

TEST(tape, a_backward_that_failed_leaves_nothing_to_the_next) {
  Tensor x = leaf({1, 2}, {2});
  Tensor c = Tensor::of({1, 1}, {2});
  {
    const Tensor y =
        sum(exp(x * c) + x);  // the sum's gradient reaches x before exp and mul are done
    c.fill(2);                // mul saved c
    EXPECT_THROW(backward(y), Error);
  }
  backward(sum(x * 3.0));
  EXPECT_EQ(x.grad().to_vector<float>(), (std::vector<float>{3, 3}));
}

TEST(tape, draws_itself) {
  Tensor x = leaf({1, 2}, {1, 2});
  std::ostringstream out;
  draw_tape(sum(exp(x)), out);
  EXPECT_NE(out.str().find("label=\"exp\\n(1, 2) f32\\nsaves 8 B\""), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("leaf"), std::string::npos);
}

TEST(tape, finite_check_names_the_first_op) {
  Tensor x = leaf({-1}, {1});
  { CheckFinite unused; }
  EXPECT_EQ(error_of([&] { sum(exp(log(x))); }), "no error");  // it ended with its guard
  CheckFinite guard;
  EXPECT_NE(
      error_of([&] { sum(exp(log(x))); }).find("[log] gave the first value that is not finite"),
      std::string::npos);
}

TEST(tensor, errors_say_what_was_got) {
  const Tensor a = Tensor::zeros({2, 3}), b = Tensor::zeros({4});
  EXPECT_EQ(error_of([&] { a + b; }),
            "[add] shapes must be equal or broadcast (sizes equal, or one of them 1): got (2, 3) "
            "and (4)");
  EXPECT_EQ(error_of([&] { a + to(b, Dtype::f64); }),
            "[add] both must have one dtype (convert with to(x, dtype)): got a (2, 3) f32 cpu, b "
            "(4) f64 cpu");
  EXPECT_NE(error_of([&] {
              reshape(a, {4, -1});
            }).find("[reshape] the number of elements must stay: got x (2, 3) f32 cpu to (4, -1)"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              Tensor::zeros({1}, Dtype::f32, {DeviceType::cuda, 0});
            }).find("cuda:0"),
            std::string::npos);
}

TEST(tensor, views_share_and_copies_do_not) {
  Tensor x = Tensor::arange(12, Dtype::f32);
  const Tensor v = transpose(reshape(x, {3, 4}));
  EXPECT_EQ(v.shape(), (Shape{4, 3}));
  EXPECT_EQ(v.to_vector<int>(), (std::vector<int>{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(slice(v, 0, 1, 4, 2).to_vector<int>(), (std::vector<int>{1, 5, 9, 3, 7, 11}));
  const Tensor copy = x.clone();
  x.fill(1);
  EXPECT_EQ(select(v, 0, 2).to_vector<int>(), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(copy.to_vector<int>()[11], 11);
  EXPECT_EQ(broadcast_to(Tensor::of({1, 2}, {2, 1}), {2, 3}).to_vector<int>(),
            (std::vector<int>{1, 1, 1, 2, 2, 2}));
}

TEST(tensor, dtypes_convert) {
  const Tensor x = Tensor::of({1.5f, -2.25f, 0}, {3});
  EXPECT_EQ(to(x, Dtype::i32).to_vector<int>(), (std::vector<int>{1, -2, 0}));
  EXPECT_EQ(to(x, Dtype::boolean).to_vector<int>(), (std::vector<int>{1, 1, 0}));
  EXPECT_EQ(to(to(x, Dtype::bf16), Dtype::f32).to_vector<float>(),
            (std::vector<float>{1.5f, -2.25f, 0}));
}

}  // namespace lacuna
