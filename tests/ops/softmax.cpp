#include "../../core/ops/softmax.h"

#include <cmath>

#include "case.h"

namespace lacuna::test {

static std::vector<double> rows_of(const Tensor& x, bool log) {
  const std::int64_t n = x.dim(-1);
  std::vector<double> v = x.to_vector<double>(), out(v.size());
  for (std::size_t r = 0; r < v.size(); r += n) {
    long double sum = 0;
    for (std::int64_t j = 0; j < n; j++) sum += std::exp(static_cast<long double>(v[r + j]));
    for (std::int64_t j = 0; j < n; j++)
      out[r + j] = static_cast<double>(log ? v[r + j] - std::log(sum)
                                           : std::exp(static_cast<long double>(v[r + j])) / sum);
  }
  return out;
}

static const Register softmax_cases([] {
  const double inf = INFINITY;
  for (bool log : {false, true}) {
    const std::string op = log ? "log_softmax" : "softmax";
    const auto apply = [log](const Tensors& x) { return log ? log_softmax(x[0]) : softmax(x[0]); };
    const auto reference = [log](const Tensors& x) { return rows_of(x[0], log); };
    // What is saved is rounded: shares, or logarithms of them down to about -12; a gradient is a difference of such.
    const double shares = (log ? 12 : 4) * kRounding;
    for (int n : kSizes) {
      add({.name = op + "/cols=" + std::to_string(n),
           .inputs = {{{3, n}}},
           .apply = apply,
           .reference = reference,
           .bf16_gradient_tolerance = shares});
      add({.name = op + "/rows=" + std::to_string(n),
           .inputs = {{{n, 5}}},
           .apply = apply,
           .reference = reference,
           .bf16_gradient_tolerance = shares});
    }
    add({.name = op + "/vocab=50257",
         .inputs = {{{2, 50257}, -8, 8}},
         .apply = apply,
         .tolerance = 6e-6,
         .bf16_gradient_tolerance = shares});
    add({.name = op + "/extreme",
         .inputs = {{.shape = {4, 3},
                     .values = {300, -300, 299, -300, -301, -302, 1e30, -1e30, 0, -inf, 5, -inf}}},
         .apply = apply,
         .gradient = !log,
         .check_numerically = false});
    add({.name = op + "/all_masked",
         .inputs = {{.shape = {2, 3}, .values = {-inf, -inf, -inf, 1, 2, 3}}},
         .apply = apply,
         .gradient = false});
    const double nan = NAN;
    add({.name = op + "/nan_spreads_over_its_row",
         .inputs = {{.shape = {4, 3},
                     .values = {nan, 1, 2, -inf, nan, -inf, nan, nan, nan, 1, 2, 3}}},
         .apply = apply,
         .reference =
             [log](const Tensors& x) {
               std::vector<double> y = rows_of(x[0], log);
               for (int j = 0; j < 9; j++) y[j] = NAN;
               return y;
             },
         .gradient = false});
    add({.name = op + "/middle_dim",
         .inputs = {{{2, 5, 3}}},
         .apply =
             [log](const Tensors& x) { return log ? log_softmax(x[0], 1) : softmax(x[0], -2); },
         .bf16_gradient_tolerance = shares});
  }
});

}  // namespace lacuna::test
