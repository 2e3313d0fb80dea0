#include "../../core/ops/index.h"

#include <gtest/gtest.h>

#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

Input index(const Shape& shape, std::int64_t below) {
  return {shape, 0, static_cast<double>(below), Dtype::i64, false};
}

// Walks y's elements with their coordinates: at(i) is the value of y's element.
template <class F>
std::vector<double> each(const Shape& shape, F&& at) {
  std::vector<double> y;
  Shape i = shape;
  for (std::int64_t e = 0; e < shape.numel(); e++) {
    std::int64_t rest = e;
    for (int d = shape.size() - 1; d >= 0; d--) {
      i[d] = rest % shape[d];
      rest /= shape[d];
    }
    y.push_back(at(i));
  }
  return y;
}

std::size_t place(const Shape& shape, const Shape& i) {
  std::int64_t at = 0;
  for (int d = 0; d < shape.size(); d++) at = at * shape[d] + i[d];
  return static_cast<std::size_t>(at);
}

void gather_case(const std::string& name, const Shape& x, const Shape& y, int dim) {
  add({.name = "gather/" + name,
       .inputs = {{x}, index(y, x[dim])},
       .apply = [dim](const Tensors& t) { return gather(t[0], dim, t[1]); },
       .reference =
           [dim](const Tensors& t) {
             const auto v = t[0].to_vector<double>(), at = t[1].to_vector<double>();
             return each(t[1].shape(), [&](Shape i) {
               const double from = at[place(t[1].shape(), i)];
               i[dim] = static_cast<std::int64_t>(from);
               return v[place(t[0].shape(), i)];
             });
           }});
}

void select_case(const std::string& name, const Shape& x, std::int64_t m, int dim) {
  add({.name = "index_select/" + name,
       .inputs = {{x}, index({m}, x[dim])},
       .apply = [dim](const Tensors& t) { return index_select(t[0], dim, t[1]); },
       .reference =
           [dim](const Tensors& t) {
             const auto v = t[0].to_vector<double>(), at = t[1].to_vector<double>();
             Shape shape = t[0].shape();
             shape[dim] = t[1].dim(0);
             return each(shape, [&](Shape i) {
               i[dim] = static_cast<std::int64_t>(at[i[dim]]);
               return v[place(t[0].shape(), i)];
             });
           }});
}

void add_case(const std::string& name, const Shape& x, std::int64_t m, int dim) {
  Shape source = x;
  source[dim] = m;
  add({.name = "index_add/" + name,
       .inputs = {{x}, index({m}, x[dim]), {source}},
       .apply = [dim](const Tensors& t) { return index_add(t[0], dim, t[1], t[2]); },
       .reference =
           [dim](const Tensors& t) {
             const auto at = t[1].to_vector<double>(), from = t[2].to_vector<double>();
             auto y = t[0].to_vector<double>();
             std::size_t e = 0;
             each(t[2].shape(), [&](Shape i) {
               i[dim] = static_cast<std::int64_t>(at[i[dim]]);
               return y[place(t[0].shape(), i)] += from[e++];
             });
             return y;
           },
       .tolerance = 1e-5});  // up to a thousand terms in one f32
}

const Register index_cases([] {
  for (int dim = 0; dim < 3; dim++) {
    Shape y = {4, 5, 3};
    y[dim] = 6;
    gather_case("dim=" + std::to_string(dim), {4, 5, 3}, y, dim);
    select_case("dim=" + std::to_string(dim), {4, 5, 3}, 7, dim);
    add_case("dim=" + std::to_string(dim), {4, 5, 3}, 7, dim);
  }
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    gather_case("m=" + size, {2, 5, 3}, {2, n, 3}, 1);
    gather_case("inner=" + size, {2, 5, n}, {2, 4, n}, 1);
    gather_case("last_dim/rows=" + size, {n, 5}, {n, 1}, 1);
    select_case("m=" + size, {2, 5, 3}, n, 1);
    select_case("inner=" + size, {3, n}, 4, 0);
    add_case("m=" + size, {2, 5, 3}, n, 1);
    add_case("inner=" + size, {3, n}, 4, 0);
    if (n == 0) continue;  // nothing can be picked from nothing: RulesNameTheValueAndItsPlace
    gather_case("n=" + size, {2, n, 3}, {2, 4, 3}, 1);
    select_case("n=" + size, {2, n, 3}, 4, 1);
    add_case("n=" + size, {n, 3}, 4, 0);
  }
  gather_case("one_dim", {7}, {9}, 0);
  add({.name = "index_select/integers",
       .inputs = {{{4, 3}, 0, 100, Dtype::i32}, index({6}, 4)},
       .apply = [](const Tensors& t) { return index_select(t[0], 0, t[1]); },
       .gradient = false});
});

Tensor places(const std::vector<std::int64_t>& values, const Shape& shape) {
  return Tensor::from(values, shape);
}

TEST(Index, RulesNameTheValueAndItsPlace) {
  const Tensor x = Tensor::zeros({4, 3});
  EXPECT_EQ(error_of([&] {
              gather(x, 1, places({0, 1, -1, 0}, {4, 1}));
            }),
            "[gather] index must be at least 0 and below 3: got -1 at (2, 0) of index (4, 1) i64 "
            "cpu");
  EXPECT_EQ(error_of([&] { index_select(x, 0, places({7}, {1})); }),
            "[index_select] index must be at least 0 and below 4: got 7 at (0) of index (1) i64 "
            "cpu");
  EXPECT_EQ(error_of([&] {
              index_add(x, 0, places({3, 4}, {2}), Tensor::zeros({2, 3}));
            }),
            "[index_add] index must be at least 0 and below 4: got 4 at (1) of index (2) i64 cpu");
  EXPECT_EQ(error_of([&] {
              index_select(Tensor::zeros({0, 3}), 0, places({0}, {1}));
            }),
            "[index_select] index must be at least 0 and below 0: got 0 at (0) of index (1) i64 "
            "cpu");
}

TEST(Index, RulesNameShapesAndTypes) {
  const Tensor x = Tensor::zeros({4, 3});
  EXPECT_EQ(error_of([&] {
              gather(x, 1, places({0, 1}, {2, 1}));
            }),
            "[gather] index must have x's sizes in every dimension but 1: got x (4, 3) f32 cpu, "
            "index (2, 1) i64 cpu");
  EXPECT_EQ(error_of([&] { gather(x, 1, places({0}, {1})); }),
            "[gather] index must have as many dimensions as x, one or more: got x (4, 3) f32 cpu, "
            "index (1) i64 cpu");
  EXPECT_EQ(error_of([&] {
              index_select(x, 0, places({0}, {1, 1}));
            }),
            "[index_select] needs x of one dimension or more, and index of one: got x (4, 3) f32 "
            "cpu, index (1, 1) i64 cpu");
  EXPECT_EQ(error_of([&] {
              index_add(x, 0, places({0}, {1}), Tensor::zeros({2, 3}));
            }),
            "[index_add] source must be (1, 3): got x (4, 3) f32 cpu, index (1) i64 cpu, source "
            "(2, 3) f32 cpu");
  EXPECT_EQ(
      error_of([&] {
        index_add(x, 0, places({0}, {1}), Tensor::zeros({1, 3}, Dtype::f64));
      }),
      "[scatter_add] arguments must have one dtype: got y (1, 4, 3) f32 cpu, source (1, 1, 3) "
      "f64 cpu");
}

}  // namespace
}  // namespace lacuna::test
