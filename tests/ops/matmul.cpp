#include "../../core/ops/matmul.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {

// Operands broadcast in memory, then three loops.
static std::vector<double> reference(const Tensor& a, const Tensor& b, const MatmulOptions& o) {
  NoGrad guard;
  const auto full = [](const Tensor& t, bool across, const Shape& lead) {
    const Tensor m = across ? transpose(t, -1, -2) : t;
    Shape shape = lead;
    shape.push_back(m.dim(-2));
    shape.push_back(m.dim(-1));
    return broadcast_to(m, shape);
  };
  const Shape lead = broadcast("test", Shape(a.shape().begin(), a.shape().end() - 2),
                               Shape(b.shape().begin(), b.shape().end() - 2));
  const Tensor left = full(a, o.transpose_a, lead), right = full(b, o.transpose_b, lead);
  const auto u = left.to_vector<double>(), v = right.to_vector<double>();
  const std::int64_t m = left.dim(-2), k = left.dim(-1), n = right.dim(-1);
  std::vector<double> c;
  for (std::int64_t p = 0; p < lead.numel(); p++)
    for (std::int64_t i = 0; i < m; i++)
      for (std::int64_t j = 0; j < n; j++) {
        double sum = 0;
        for (std::int64_t q = 0; q < k; q++) sum += u[(p * m + i) * k + q] * v[(p * k + q) * n + j];
        c.push_back(sum);
      }
  return c;
}

static void product(const std::string& name, const Shape& a, const Shape& b,
                    const MatmulOptions& o = {}) {
  add({.name = "matmul/" + name,
       .inputs = {{a}, {b}},
       .apply = [o](const Tensors& x) { return matmul(x[0], x[1], o); },
       .reference = [o](const Tensors& x) { return reference(x[0], x[1], o); }});
}

static void rows(const std::string& name, const Shape& x, const Shape& weight, bool bias,
                 Epilogue activation = Epilogue::none) {
  Case c;
  c.name = "linear/" + name;
  c.inputs = {{x}, parameter({weight, -1, 1})};
  if (bias) c.inputs.push_back(parameter({{weight[0]}}));
  c.apply = [activation](const Tensors& t) {
    return linear(t[0], t[1], t.size() > 2 ? t[2] : Tensor(), {.activation = activation});
  };
  c.reference = [activation](const Tensors& t) {
    const std::int64_t n = t[1].dim(0);
    std::int64_t count = 1;
    for (int d = 0; d + 1 < t[0].ndim(); d++) count *= t[0].dim(d);
    const Tensor flat = reshape(t[0], {count, t[1].dim(1)});
    std::vector<double> y = reference(flat, t[1], {.transpose_b = true});
    const auto b = t.size() > 2 ? t[2].to_vector<double>() : std::vector<double>(n, 0.0);
    for (std::size_t i = 0; i < y.size(); i++) {
      y[i] += b[i % n];
      if (activation == Epilogue::relu) y[i] = std::fmax(y[i], 0);
      if (activation == Epilogue::sigmoid) y[i] = 1 / (1 + std::exp(-y[i]));
      if (activation == Epilogue::tanh) y[i] = std::tanh(y[i]);
    }
    return y;
  };
  add(c);
}

static const Register matmul_cases([] {
  for (const bool a : {false, true})
    for (const bool b : {false, true}) {
      const std::string which = std::string(a ? "^T" : "") + (b ? "/b^T" : "/b");
      const MatmulOptions o{a, b};
      const auto left = [a](Shape s) {
        if (a) std::swap(s[s.size() - 1], s[s.size() - 2]);
        return s;
      };
      const auto right = [b](Shape s) {
        if (b) std::swap(s[s.size() - 1], s[s.size() - 2]);
        return s;
      };
      product("a" + which, left({5, 7}), right({7, 6}), o);
      product("a" + which + "/batch", left({3, 5, 7}), right({3, 7, 6}), o);
      product("a" + which + "/batch_by_one", left({3, 5, 7}), right({7, 6}), o);
      product("a" + which + "/one_by_batch", left({5, 7}), right({3, 7, 6}), o);
      product("a" + which + "/outer", left({2, 1, 5, 7}), right({3, 7, 6}), o);
      product("a" + which + "/both_broadcast", left({2, 1, 4, 3}), right({1, 3, 3, 2}), o);
      product("a" + which + "/vectors", left({1, 7}), right({7, 1}), o);
      product("a" + which + "/k=1", left({4, 1}), right({1, 5}), o);
      product("a" + which + "/k=0", left({4, 0}), right({0, 5}), o);
    }
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    product("m=" + size, {n, 5}, {5, 4});
    product("n=" + size, {3, 5}, {5, n});
    product("k=" + size, {3, n}, {n, 4});
    product("batch=" + size, {n, 2, 3}, {n, 3, 2});
    rows("rows=" + size, {n, 5}, {4, 5}, true);
    rows("in=" + size, {3, n}, {4, n}, true);
    rows("out=" + size, {3, 5}, {n, 5}, true);
  }
  product("five_dims", {2, 1, 2, 3, 4}, {3, 1, 4, 2});
  // Attention: heads inside the rows, taken out by permute and put back. Nothing is copied on the way in.
  add({.name = "matmul/heads",
       .inputs = {{{2, 5, 3, 4}}, {{2, 6, 3, 4}}},
       .apply = [](const Tensors& x) {
         const Tensor q = permute(x[0], {0, 2, 1, 3}), k = permute(x[1], {0, 2, 1, 3});
         return permute(matmul(q, k, {.transpose_b = true}), {0, 2, 1, 3});
       }});
  // An upstream gradient of stride 0, and operands of stride 0.
  add({.name = "matmul/broadcast_views",
       .inputs = {{{4, 1}}, {{1, 3}}},
       .apply = [](const Tensors& x) {
         return broadcast_to(matmul(broadcast_to(x[0], {4, 5}), broadcast_to(x[1], {5, 3})),
                             {2, 4, 3});
       }});
  rows("one_dim", {5}, {4, 5}, true);
  rows("three_dims", {2, 3, 5}, {4, 5}, true);
  rows("four_dims", {2, 3, 2, 5}, {4, 5}, false);
  rows("no_bias", {6, 5}, {4, 5}, false);
  rows("empty_batch", {0, 3, 5}, {4, 5}, true);
  for (const auto& [name, activation] : {std::pair{"relu", Epilogue::relu},
                                         {"sigmoid", Epilogue::sigmoid},
                                         {"tanh", Epilogue::tanh}}) {
    rows(name, {6, 5}, {4, 5}, true, activation);
    rows(std::string(name) + "/three_dims", {2, 3, 5}, {4, 5}, false, activation);
  }
  for (const Shape& x : {Shape{6, 5}, {2, 3, 5}, {3, 700}})
    for (const Epilogue activation : {Epilogue::none, Epilogue::relu}) {
      Shape y = x;
      y[x.size() - 1] = 4;
      add({.name = "linear/residual/" +
                   std::string(activation == Epilogue::none ? "none/" : "relu/") +
                   std::to_string(x.numel()),
           .inputs = {{x}, {{4, x.back()}, -1, 1}, {{4}}, {y}},
           .apply =
               [activation](const Tensors& t) {
                 return linear(t[0], t[1], t[2], {.activation = activation}, t[3]);
               },
           .reference =
               [activation](const Tensors& t) {
                 NoGrad guard;
                 auto sum = linear(t[0], t[1], t[2]).to_vector<double>();
                 const auto more = t[3].to_vector<double>();
                 for (std::size_t i = 0; i < sum.size(); i++) {
                   sum[i] += more[i];
                   if (activation == Epilogue::relu) sum[i] = std::fmax(sum[i], 0);
                 }
                 return sum;
               }});
    }
  // The first token of each sequence: rows with a gap between them, read in place.
  add({.name = "linear/every_third_row",
       .inputs = {{{4, 3, 5}}, parameter({{2, 5}})},
       .apply = [](const Tensors& x) { return linear(select(x[0], 1, 0), x[1]); }});
});

TEST(Matmul, RulesNameEverything) {
  const auto text = [](const Shape& a, const Shape& b, const MatmulOptions& o = {}) {
    return error_of([&] { matmul(Tensor::zeros(a), Tensor::zeros(b), o); });
  };
  EXPECT_EQ(text({3}, {3, 4}),
            "[matmul] both operands must have at least two dimensions: got a (3) f32 cpu, b (3, 4) "
            "f32 cpu");
  EXPECT_EQ(text({2, 3}, {2, 4}),
            "[matmul] a's columns must equal b's rows: got a (2, 3) f32 cpu, b (2, 4) f32 cpu, c "
            "(2, 4) f32 cpu");
  EXPECT_EQ(text({2, 3, 4}, {5, 4, 6}), error_of([] { broadcast("matmul", {2}, {5}); }));
  EXPECT_NE(text({2, 3, 4}, {5, 4, 6}), "no error");
  EXPECT_EQ(error_of([] {
              matmul(Tensor::zeros({2, 3}), Tensor::zeros({3, 2}, Dtype::f64));
            }),
            "[matmul] arguments must have one dtype: got a (2, 3) f32 cpu, b (3, 2) f64 cpu, c (2, "
            "2) f32 cpu");
}

TEST(Linear, RulesNameEverything) {
  const auto text = [](const Shape& x, const Shape& weight, const Tensor& bias = {}) {
    return error_of([&] { linear(Tensor::zeros(x), Tensor::zeros(weight), bias); });
  };
  EXPECT_EQ(text({2, 3}, {4, 5}),
            "[linear] x's last dimension must be weight's second: got x (2, 3) f32 cpu, weight (4, "
            "5) f32 cpu");
  EXPECT_EQ(text({2, 3}, {4}),
            "[linear] needs x (..., in) and weight (out, in): got x (2, 3) f32 cpu, weight (4) f32 "
            "cpu");
  EXPECT_EQ(
      text({2, 3}, {4, 3}, Tensor::zeros({3})),
      "[linear] bias must have one element an output: got x (2, 3) f32 cpu, weight (4, 3) f32 "
      "cpu, bias (3) f32 cpu");
}

TEST(Matmul, SavesOnlyWhatGradientsNeed) {
  Tensor a = Tensor::zeros({4, 8}), b = Tensor::zeros({8, 2});
  a.requires_grad();
  EXPECT_EQ(tape_stats(matmul(a, b)).saved_bytes, 8 * 2 * 4);
  EXPECT_EQ(tape_stats(linear(a, transpose(b))).saved_bytes, 8 * 2 * 4);
}

TEST(Matmul, TransposedOperandsAreNotCopied) {
  const Tensor a = Tensor::zeros({64, 8}), b = Tensor::zeros({64, 2});
  const std::int64_t before = memory_stats(DeviceType::cpu).allocations;
  matmul(a, b, {.transpose_a = true});
  matmul(transpose(a), b);
  EXPECT_EQ(memory_stats(DeviceType::cpu).allocations, before + 2);  // the results
}

}  // namespace lacuna::test
