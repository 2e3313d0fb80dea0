// Views: what they show, by index arithmetic, and how gradients find their way back through them.
#include "../../core/ops/shape.h"

#include <gtest/gtest.h>

#include "../../core/ops/elementwise.h"
#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

// Row-major values of `shape`, where element `i` of the result is element from(i) of the input.
using From = std::function<Shape(const Shape& i)>;

std::vector<double> picked(const Tensor& x, const Shape& shape, const From& from) {
  const auto v = x.to_vector<double>();
  std::vector<double> y;
  Shape i = shape;
  for (std::int64_t e = 0; e < shape.numel(); e++) {
    std::int64_t rest = e, place = 0;
    for (int d = shape.size() - 1; d >= 0; d--) {
      i[d] = rest % shape[d];
      rest /= shape[d];
    }
    const Shape at = from(i);
    for (int d = 0; d < at.size(); d++) place = place * x.dim(d) + at[d];
    y.push_back(v[place]);
  }
  return y;
}

void view(const std::string& name, const Shape& x, std::function<Tensor(const Tensor&)> op,
          const Shape& shape, const From& from) {
  // Squared, so that the gradient depends on which element came where.
  add({.name = name,
       .inputs = {{x}},
       .apply = [op](const Tensors& t) { return square(op(t[0])); },
       .reference =
           [=](const Tensors& t) {
             auto y = picked(t[0], shape, from);
             for (double& v : y) v *= v;
             return y;
           }});
}

const Register shape_cases([] {
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    view(
        "permute/" + size, {2, n, 3},
        [](const Tensor& x) {
          return permute(x, {2, 0, 1});
        },
        {3, 2, n},
        [](const Shape& i) {
          return Shape{i[1], i[2], i[0]};
        });
    view(
        "transpose/" + size, {n, 5}, [](const Tensor& x) { return transpose(x); }, {5, n},
        [](const Shape& i) {
          return Shape{i[1], i[0]};
        });
    view(
        "reshape/" + size, {n, 6},
        [n](const Tensor& x) {
          return reshape(x, {3, n, 2});
        },
        {3, n, 2},
        [n](const Shape& i) {
          const std::int64_t e = (i[0] * n + i[1]) * 2 + i[2];
          return Shape{e / 6, e % 6};
        });
    view(
        "flatten/" + size, {2, n, 3}, [](const Tensor& x) { return flatten(x, 1); }, {2, n * 3},
        [](const Shape& i) {
          return Shape{i[0], i[1] / 3, i[1] % 3};
        });
    view(
        "broadcast_to/" + size, {n, 1},
        [n](const Tensor& x) {
          return broadcast_to(x, {4, n, 3});
        },
        {4, n, 3},
        [](const Shape& i) {
          return Shape{i[1], 0};
        });
    view(
        "unsqueeze/" + size, {n, 3}, [](const Tensor& x) { return unsqueeze(x, 1); }, {n, 1, 3},
        [](const Shape& i) {
          return Shape{i[0], i[2]};
        });
    view(
        "squeeze/" + size, {n, 1, 3}, [](const Tensor& x) { return squeeze(x, 1); }, {n, 3},
        [](const Shape& i) {
          return Shape{i[0], 0, i[1]};
        });
    if (n < 7) continue;
    view(
        "slice/" + size, {2, n, 3}, [n](const Tensor& x) { return slice(x, 1, 2, n - 1, 2); },
        {2, (n - 2) / 2, 3},
        [](const Shape& i) {
          return Shape{i[0], 2 + 2 * i[1], i[2]};
        });
    view(
        "select/" + size, {n, 3}, [](const Tensor& x) { return select(x, 0, -2); }, {3},
        [n](const Shape& i) {
          return Shape{n - 2, i[0]};
        });
  }
  view(
      "reshape/inferred", {4, 6},
      [](const Tensor& x) {
        return reshape(x, {-1, 8});
      },
      {3, 8},
      [](const Shape& i) {
        return Shape{(i[0] * 8 + i[1]) / 6, (i[0] * 8 + i[1]) % 6};
      });
  view(
      "reshape/of_a_permuted_view", {4, 6},
      [](const Tensor& x) {
        return reshape(transpose(x), {8, 3});
      },
      {8, 3},
      [](const Shape& i) {
        return Shape{(i[0] * 3 + i[1]) % 4, (i[0] * 3 + i[1]) / 4};
      });
  view(
      "permute/of_permute", {2, 3, 4},
      [](const Tensor& x) {
        return permute(permute(x, {1, 2, 0}), {2, 1, 0});
      },
      {2, 4, 3},
      [](const Shape& i) {
        return Shape{i[0], i[2], i[1]};
      });
  view(
      "contiguous/of_a_slice", {5, 6},
      [](const Tensor& x) { return contiguous(slice(x, 1, 1, 6, 2)); }, {5, 3},
      [](const Shape& i) {
        return Shape{i[0], 1 + 2 * i[1]};
      });
  view(
      "select/of_a_slice", {5, 6}, [](const Tensor& x) { return select(slice(x, 0, 1, 4), 1, 4); },
      {3},
      [](const Shape& i) {
        return Shape{1 + i[0], 4};
      });
  view(
      "broadcast_to/scalar", {},
      [](const Tensor& x) {
        return broadcast_to(x, {2, 3});
      },
      {2, 3}, [](const Shape&) { return Shape{}; });
  // The same elements shown twice: their gradients add up.
  add({.name = "slice/overlapping", .inputs = {{{7, 3}}}, .apply = [](const Tensors& t) {
         return slice(t[0], 0, 0, 5) * slice(t[0], 0, 2, 7);
       }});
});

TEST(Views, ShareTheirStorage) {
  const Tensor x = Tensor::zeros({4, 6});
  const std::int64_t before = memory_stats(DeviceType::cpu).allocations;
  const Tensor y = select(permute(unsqueeze(slice(transpose(x), 0, 1, 5), 1), {2, 1, 0}), 2, 1);
  EXPECT_EQ(reshape(x, {2, 12}).data<float>(), x.data<float>());
  EXPECT_EQ(memory_stats(DeviceType::cpu).allocations, before);
  EXPECT_EQ(y.shape(), (Shape{4, 1}));
}

TEST(Views, ConversionsKeepGradientsInTheInputsType) {
  Tensor x = make_input({{3, 4}}, 1, Dtype::f32).requires_grad();
  backward(to(x, Dtype::f64), Tensor::full({3, 4}, 2, Dtype::f64));
  EXPECT_EQ(x.grad().dtype(), Dtype::f32);
  EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(12, 2));
  EXPECT_FALSE(to(x, Dtype::i32).needs_grad());
}

TEST(Views, RulesNameEverything) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_NE(error_of([&] { reshape(x, {4, 2}); }).find("(2, 3)"), std::string::npos);
  EXPECT_NE(error_of([&] { reshape(x, {-1, -1}); }).find("[reshape]"), std::string::npos);
  EXPECT_NE(error_of([&] { permute(x, {0, 0}); }).find("[permute]"), std::string::npos);
  EXPECT_NE(error_of([&] { slice(x, 1, 2, 9); }).find("[slice]"), std::string::npos);
  EXPECT_NE(error_of([&] { slice(x, 1, 0, 2, 0); }).find("[slice]"), std::string::npos);
  EXPECT_NE(error_of([&] { select(x, 1, 3); }).find("[select]"), std::string::npos);
  EXPECT_NE(error_of([&] { squeeze(x, 0); }).find("[squeeze]"), std::string::npos);
  EXPECT_NE(error_of([&] { broadcast_to(x, {2, 4}); }).find("[broadcast_to]"), std::string::npos);
}

}  // namespace
}  // namespace lacuna::test
