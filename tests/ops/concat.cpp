#include "../../core/ops/concat.h"

#include <gtest/gtest.h>

#include "../../core/ops/pad.h"
#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

// Parts seen as (outer, size, inner): rows of the result take from one part after the other.
std::vector<double> joined(const Tensors& parts, int dim) {
  std::int64_t outer = 1;
  for (int d = 0; d < dim; d++) outer *= parts[0].dim(d);
  std::vector<std::vector<double>> values;
  for (const Tensor& part : parts) values.push_back(part.to_vector<double>());
  std::vector<double> y;
  for (std::int64_t o = 0; o < outer; o++)
    for (const auto& v : values) {
      const std::int64_t row =
          static_cast<std::int64_t>(v.size()) / std::max<std::int64_t>(1, outer);
      y.insert(y.end(), v.begin() + o * row, v.begin() + (o + 1) * row);
    }
  return y;
}

void join(const std::string& name, const std::vector<Shape>& parts, int dim) {
  Case c;
  c.name = "concat/" + name;
  for (const Shape& shape : parts) c.inputs.push_back({shape});
  c.apply = [dim](const Tensors& x) { return concat(x, dim); };
  c.reference = [dim](const Tensors& x) { return joined(x, dim); };
  add(c);
}

void border(const std::string& name, const Shape& x, const Shape& before, const Shape& after,
            double value = 0) {
  add({.name = "pad/" + name,
       .inputs = {{x}},
       .apply = [=](const Tensors& t) { return pad(t[0], before, after, value); },
       .reference =
           [=](const Tensors& t) {
             const auto v = t[0].to_vector<double>();
             Shape shape = x;
             for (int d = 0; d < x.size(); d++) shape[d] += before[d] + after[d];
             std::vector<double> y;
             for (std::int64_t e = 0; e < shape.numel(); e++) {
               std::int64_t rest = e, from = 0, step = 1;
               bool inside = true;
               for (int d = x.size() - 1; d >= 0; d--) {
                 const std::int64_t i = rest % shape[d] - before[d];
                 rest /= shape[d];
                 inside = inside && i >= 0 && i < x[d];
                 from += i * step;
                 step *= x[d];
               }
               y.push_back(inside ? v[from] : value);
             }
             return y;
           }});
}

const Register concat_cases([] {
  for (int dim = 0; dim < 3; dim++) {
    Shape wide = {2, 3, 4};
    wide[dim] = 5;
    join("dim=" + std::to_string(dim), {{2, 3, 4}, wide, {2, 3, 4}}, dim);
    add({.name = "stack/dim=" + std::to_string(dim),
         .inputs = {{{2, 3}}, {{2, 3}}, {{2, 3}}},
         .apply = [dim](const Tensors& x) { return stack(x, dim); }});
    add({.name = "split/dim=" + std::to_string(dim),
         .inputs = {{{5, 5, 5}}},
         .apply = [dim](const Tensors& x) {
           const Tensors y = split(x[0], {1, 3, 1}, dim);
           return concat({y[2], y[0], y[1]}, dim);
         }});
  }
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    join("part=" + size, {{2, 3}, {2, n}}, 1);
    join("inner=" + size, {{2, n}, {3, n}}, 0);
    border("inner=" + size, {3, n}, {1, 2}, {2, 0}, 0.5);
    border("outer=" + size, {n, 3}, {0, 1}, {1, 1});
  }
  join("one", {{2, 3}}, -1);
  join("many", std::vector<Shape>(150, Shape{2, 1}), 1);
  border("image", {2, 4, 5, 3}, {0, 1, 2, 0}, {0, 3, 0, 0}, -1);
  border("nothing", {2, 3}, {0, 0}, {0, 0});
  add({.name = "chunk/rotated", .inputs = {{{2, 6}}}, .apply = [](const Tensors& x) {
         const Tensors y = chunk(x[0], 3, 1);
         return concat({y[1], y[2], y[0]}, 1);
       }});
  add({.name = "concat/integers",
       .inputs = {{{4}, 0, 100, Dtype::i64}, {{3}, 0, 100, Dtype::i64}},
       .apply = [](const Tensors& x) { return concat(x); },
       .gradient = false});
});

TEST(Concat, RulesNameThePart) {
  const Tensor a = Tensor::zeros({2, 3});
  EXPECT_EQ(error_of([] { concat({}); }), "[concat] needs at least one part: got none");
  EXPECT_EQ(error_of([&] {
              concat({a, a, Tensor::zeros({2, 4})});
            }),
            "[concat] parts must agree in every dimension but 0: got part 0 (2, 3) f32 cpu, part 2 "
            "(2, 4) f32 cpu");
  EXPECT_EQ(error_of([&] {
              concat({a, Tensor::zeros({2})});
            }),
            "[concat] parts must have the same number of dimensions: got part 0 (2, 3) f32 cpu, "
            "part 1 (2) f32 cpu");
  EXPECT_EQ(error_of([&] {
              concat({a, Tensor::zeros({2, 3}, Dtype::f64)});
            }),
            "[concat] parts must have one dtype and be on one device: got part 0 (2, 3) f32 cpu, "
            "part 1 (2, 3) f64 cpu");
  EXPECT_EQ(error_of([&] { concat({Tensor::scalar(1)}); }),
            "[concat] parts need at least one dimension: got part 0 () f32 cpu");
  EXPECT_EQ(error_of([&] {
              split(a, {1, 1}, 1);
            }),
            "[split] sizes must add up to the size of dimension 1: got a sum of 2 for x (2, 3) f32 "
            "cpu");
  EXPECT_EQ(error_of([&] { chunk(a, 2, 1); }),
            "[chunk] dimension 1 must come out even: got 2 pieces of x (2, 3) f32 cpu");
}

TEST(Concat, SomePartsOnTheTape) {
  Tensor a = Tensor::zeros({2}), b = Tensor::zeros({3});
  b.requires_grad();
  backward(concat({a, b}), Tensor::of({1, 2, 3, 4, 5}, {5}));
  EXPECT_FALSE(a.grad().defined());
  EXPECT_EQ(b.grad().to_vector<float>(), (std::vector<float>{3, 4, 5}));
}

TEST(Pad, RulesNameTheNumbers) {
  const Tensor x = Tensor::zeros({2, 3});
  EXPECT_EQ(error_of([&] {
              pad(x, {1}, {0, 1});
            }),
            "[pad] needs one number a dimension before and after: got (1) and (0, 1) for x (2, 3) "
            "f32 cpu");
  EXPECT_EQ(error_of([&] {
              pad(x, {1, -1}, {0, 1});
            }),
            "[pad] numbers must not be negative: got (1, -1) and (0, 1)");
}

}  // namespace
}  // namespace lacuna::test
