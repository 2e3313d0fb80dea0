// Cases for every line of kernels/elementwise.def, from the line itself.
#include "../../core/ops/elementwise.h"

#include "case.h"

namespace lacuna::test {

template <class F>
static void unary_cases(const std::string& name, double low, double high, F f) {
  const auto apply = [f](const Tensors& x) { return f(x[0]); };
  // Of what backward saved, rounded, a gradient takes up to the third power (rsqrt); it is rounded itself.
  constexpr double kSteep = 4 * kRounding;
  for (int n : kSizes)
    add({.name = name + "/n=" + std::to_string(n),
         .inputs = {{{n}, low, high}},
         .apply = apply,
         .bf16_gradient_tolerance = kSteep});
  add({.name = name + "/scalar",
       .inputs = {{{}, low, high}},
       .apply = apply,
       .bf16_gradient_tolerance = kSteep});
}

template <class F>
static void binary_cases(const std::string& name, double low, double high, F f) {
  const auto apply = [f](const Tensors& x) { return f(x[0], x[1]); };
  for (int n : kSizes)
    add({.name = name + "/n=" + std::to_string(n),
         .inputs = {{{n}, low, high}, {{n}, low, high}},
         .apply = apply});
  add({.name = name + "/row", .inputs = {{{5, 33}, low, high}, {{33}, low, high}}, .apply = apply});
  add({.name = name + "/column",
       .inputs = {{{5, 1}, low, high}, {{5, 33}, low, high}},
       .apply = apply});
  add({.name = name + "/outer",
       .inputs = {{{7, 1, 3}, low, high}, {{1, 4, 1}, low, high}},
       .apply = apply});
  add({.name = name + "/scalar", .inputs = {{{}, low, high}, {{4, 9}, low, high}}, .apply = apply});
}

static const Register elementwise_cases([] {
#define UNARY(NAME, FORWARD, GRADIENT, LOW, HIGH) \
  unary_cases(#NAME, LOW, HIGH, [](const Tensor& x) { return NAME(x); });
#define UNARY_A(NAME, FORWARD, GRADIENT, LOW, HIGH, A) \
  unary_cases(#NAME, LOW, HIGH, [](const Tensor& x) { return NAME(x, A); });
#define UNARY_AB(NAME, FORWARD, GRADIENT, LOW, HIGH, A, B) \
  unary_cases(#NAME, LOW, HIGH, [](const Tensor& x) { return NAME(x, A, B); });
#define BINARY(NAME, FORWARD, DA, DB, LOW, HIGH) \
  binary_cases(#NAME, LOW, HIGH, [](const Tensor& a, const Tensor& b) { return NAME(a, b); });
#define COMPARE(NAME, EXPRESSION)                                                   \
  add({.name = #NAME "/broadcast",                                                  \
       .inputs = {{{4, 9}, 0, 3, Dtype::i64}, {{9}, 0, 3, Dtype::i64}},             \
       .apply = [](const Tensors& x) { return NAME(x[0], x[1]); },                  \
       .reference =                                                                 \
           [](const Tensors& x) {                                                   \
             const auto u = x[0].to_vector<double>(), v = x[1].to_vector<double>(); \
             std::vector<double> out;                                               \
             for (std::size_t i = 0; i < u.size(); i++) {                           \
               const double a = u[i], b = v[i % 9];                                 \
               out.push_back(EXPRESSION);                                           \
             }                                                                      \
             return out;                                                            \
           },                                                                       \
       .gradient = false});
#include "../../kernels/elementwise.def"
  add({.name = "where/broadcast",
       .inputs = {{{4, 1}, 0, 2, Dtype::boolean, false, {1, 0, 0, 1}}, {{4, 9}}, {{9}}},
       .apply = [](const Tensors& x) { return where(x[0], x[1], x[2]); }});
});

}  // namespace lacuna::test
