#include "../../core/ops/dropout.h"

#include <gtest/gtest.h>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "case.h"

namespace lacuna::test {
namespace {

Context context(const Tensor& ids = {}) {
  Context ctx;
  ctx.seed = 7;
  ctx.epoch = 3;
  ctx.ids = ids;
  return ctx;
}

// From draw_word() alone, one element at a time.
std::vector<double> reference(const Tensor& x, double p, const Context& ctx) {
  auto v = x.to_vector<double>();
  const std::int64_t n = x.dim(0) ? x.numel() / x.dim(0) : 0;
  const auto ids =
      ctx.ids.defined() ? ctx.ids.to_vector<std::int64_t>() : std::vector<std::int64_t>();
  for (std::int64_t i = 0; i < x.numel(); i++) {
    const std::int64_t row = i / n;
    const auto word = draw_word(ctx.key("net.drop"), i % n, ids.empty() ? row : ids[2 * row],
                                ids.empty() ? 0 : ids[2 * row + 1]);
    v[i] = BernoulliThreshold(1 - p)(word) ? v[i] / (1 - p) : 0;
  }
  return v;
}

const Register dropout_cases([] {
  const auto one = [](const std::string& name, const Shape& shape, double p, const Tensor& ids) {
    add({.name = "dropout/" + name,
         .inputs = {{shape}},
         .apply = [=](const Tensors& x) { return dropout(x[0], p, context(ids), "net.drop"); },
         .reference = [=](const Tensors& x) { return reference(x[0], p, context(ids)); }});
  };
  for (int n : kSizes) {
    one("cols=" + std::to_string(n), {3, n}, 0.3, {});
    one("rows=" + std::to_string(n), {n, 5}, 0.6, {});
  }
  one("image", {2, 32, 32, 3}, 0.5, {});
  one("views", {4, 33}, 0.5, row_ids({1 << 20, 5}, 2));
  one("all", {4, 9}, 1, {});
});

}  // namespace

TEST(dropout, does_not_depend_on_how_rows_are_batched) {
  const std::vector<std::int64_t> samples = {5, 900, 17, 3};
  const Tensor x = make_input({{4, 1500}, 1, 2}, 1, Dtype::f32);
  const auto drop = [&](const Tensor& rows, const Tensor& ids) {
    return dropout(rows, 0.4, context(ids), "net.drop").to_vector<float>();
  };
  const auto whole = drop(x, row_ids(samples));
  for (int i = 0; i < 4; i++)
    EXPECT_EQ(drop(slice(x, 0, i, i + 1), row_ids({samples[i]})),
              std::vector<float>(whole.begin() + i * 1500, whole.begin() + (i + 1) * 1500));
}

TEST(dropout, is_the_identity_in_evaluation_and_at_zero) {
  const Tensor x = Tensor::of({1, 2}, {2});
  Context ctx;
  EXPECT_EQ(dropout(x, 0, ctx, "a").storage(), x.storage());
  ctx.training = false;
  EXPECT_EQ(dropout(x, 0.5, ctx, "a").storage(), x.storage());
}

TEST(dropout, stores_nothing_of_the_size_of_x) {
  Tensor x = Tensor::zeros({4, 1000});
  x.requires_grad();
  EXPECT_LE(tape_stats(dropout(x, 0.5, context(row_ids({1, 2, 3, 4})), "a")).saved_bytes, 64);
}

TEST(dropout, errors) {
  const auto text = [](auto f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(text([] { dropout(Tensor::zeros({2}), 1.5, {}, "a"); }),
            "[dropout] a probability is between 0 and 1: got 1.5");
  EXPECT_EQ(
      text([] {
        dropout(Tensor::zeros({6, 2}), 0.5, context(row_ids({1, 2, 3})), "a");
      }),
      "[dropout] needs one (sample, view) i64 a row of dimension 0: got ids (3, 2) i64 cpu for "
      "x (6, 2) f32 cpu");
}

}  // namespace lacuna::test
