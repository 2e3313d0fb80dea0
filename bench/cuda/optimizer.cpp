// One step of each optimizer over the parameters of GPT-2, and the norm of their gradients: their share of the measured copy
// bandwidth.
#include "../../kernels/optimizer.h"

#include <cmath>

#include "../../kernels/optimizer_layerwise.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

/// Parameters that lie one behind the other in an array: how many elements each has.
struct Parameters {
  std::vector<std::int64_t> sizes;
  std::int64_t count = 0;

  void add(std::int64_t size) { sizes.push_back(size), count += size; }
  /// The tensor that has element e: its first element and its size.
  std::pair<std::int64_t, std::int64_t> of(std::int64_t e) const {
    std::int64_t first = 0;
    std::size_t i = 0;
    while (e >= first + sizes[i]) first += sizes[i++];
    return {first, sizes[i]};
  }
  Array part(Array whole, std::int64_t first, std::int64_t size) const {
    whole.data = whole.as<float>() + first;
    whole.shape[0] = size;
    return whole;
  }
  std::string text() const {
    return " " + std::to_string(count) + " in " + std::to_string(sizes.size()) + " tensors";
  }
  std::map<std::string, double> settings() const {
    std::map<std::string, double> all;
    for (std::size_t i = 0; i < sizes.size(); i++)
      all["size " + std::to_string(i)] = static_cast<double>(sizes[i]);
    return all;
  }
};

/// GPT-2's: 124 million with its table of 50304 words at width 768.
Parameters gpt2(std::int64_t words, std::int64_t width, int layers) {
  Parameters all;
  for (const std::int64_t size : {words * width, 1024 * width, width, width}) all.add(size);
  for (int layer = 0; layer < layers; layer++)
    for (const std::int64_t rows : {1, 1, 3 * 768, 3, 768, 1, 1, 1, 4 * 768, 4, 4 * 768, 1})
      all.add(rows * width);
  return all;
}

// Rates so large that what a step takes off shows beside the parameter.
constexpr double kRate = 0.1, kDecay = 0.1, kBeta1 = 0.9, kBeta2 = 0.999, kEps = 1e-8,
                 kMomentum = 0.9, kEta = 1;

enum Place : std::size_t { kParameter, kGradient, kFirst, kSecond };

/// What a step makes of an element: a new parameter, m and v.
struct Element {
  double p, m, v = 0;
};

/// All that tells one optimizer from another.
struct Rule {
  const char* name;
  bool second;   // has v
  double bytes;  // a parameter, read and written
  void (*step)(const OptimizerTensor* tensors, std::int64_t count, How how);
  // `ratio`: what Rule::norms gives, 1 without it.
  Element (*element)(double p, double g, double m, double v, double ratio);
  // Optional: what of the element's tensor is summed, squared: the parameter, and what is taken off it.
  double (*taken)(double p, double g, double m, double v) = nullptr;
  double coefficient = 1;
};

double lamb_taken(double p, double g, double m, double v) {
  return (m + (1 - kBeta1) * (g - m)) / (std::sqrt(kBeta2 * v + (1 - kBeta2) * g * g) + kEps) +
         kDecay * p;
}
double lars_taken(double p, double g, double, double) { return g + kDecay * p; }

const Rule kRules[] = {
    {"adamw", true, 28,
     [](const OptimizerTensor* tensors, std::int64_t count, How how) {
       call<&KernelTable::adam_step>(AdamStep{tensors, count, kBeta1, kBeta2, kEps, true}, how);
     },
     [](double p, double g, double m, double v, double) {
       const double first = m + (1 - kBeta1) * (g - m), square = kBeta2 * v + (1 - kBeta2) * g * g;
       return Element{p * (1 - kRate * kDecay) - kRate * first / (std::sqrt(square) + kEps), first,
                      square};
     }},
    {"sgd", false, 20,
     [](const OptimizerTensor* tensors, std::int64_t count, How how) {
       call<&KernelTable::sgd_step>(SgdStep{tensors, count, kMomentum}, how);
     },
     [](double p, double g, double m, double, double) {
       const double first = kMomentum * m + g + kDecay * p;
       return Element{p - kRate * first, first};
     }},
    // Two passes over what does not fit the cache; the bytes are those of one.
    {"lamb", true, 28,
     [](const OptimizerTensor* tensors, std::int64_t count, How how) {
       call<&KernelTable::lamb_step>(LambStep{tensors, count, kBeta1, kBeta2, kEps}, how);
     },
     [](double p, double g, double m, double v, double ratio) {
       return Element{p - kRate * ratio * lamb_taken(p, g, m, v), m + (1 - kBeta1) * (g - m),
                      kBeta2 * v + (1 - kBeta2) * g * g};
     },
     lamb_taken},
    {"lars", false, 20,
     [](const OptimizerTensor* tensors, std::int64_t count, How how) {
       call<&KernelTable::lars_step>(LarsStep{tensors, count, kMomentum, kEta}, how);
     },
     [](double p, double g, double m, double, double ratio) {
       const double first = kMomentum * m + kRate * ratio * (g + kDecay * p);
       return Element{p - first, first};
     },
     lars_taken, kEta}};

/// |p| / |r| of the tensor that has element e, times the rule's coefficient.
double ratio_of(const Rule& rule, const Parameters& all, const DeviceArrays& a, std::int64_t e) {
  if (!rule.taken) return 1;
  const auto [first, size] = all.of(e);
  double p = 0, r = 0;
  for (std::int64_t i = first; i < first + size; i++) {
    const double at = a[kParameter]->at(i),
                 taken = rule.taken(at, a[kGradient]->at(i), a[kFirst]->at(i),
                                    rule.second ? a[kSecond]->at(i) : 0);
    p += at * at, r += taken * taken;
  }
  return rule.coefficient * std::sqrt(p / r);
}

Case step(const Rule& rule, const Parameters& all) {
  const Operand values{{all.count}, Dtype::f32},
      second{{all.count}, Dtype::f32, Values::magnitudes};
  Case c = moves(
      rule.name + all.text(), Dtype::f32, rule.bytes * static_cast<double>(all.count),
      {values, values, values},
      [&rule, all](const Arrays& a, How how) {
        std::vector<OptimizerTensor> tensors;
        std::int64_t first = 0;
        for (const std::int64_t size : all.sizes) {
          const auto part = [&](const Array& whole) { return all.part(whole, first, size); };
          tensors.push_back({part(a[kParameter]), part(a[kGradient]), part(a[kFirst]),
                             rule.second ? part(a[kSecond]) : Array{}, kRate, kDecay});
          first += size;
        }
        rule.step(tensors.data(), static_cast<std::int64_t>(tensors.size()), how);
      },
      nullptr);
  if (rule.second) c.operands.push_back(second);
  // Where the ratio is a tensor's, elements of the last layer, whose tensors are small enough to be summed here.
  const std::int64_t sampled = rule.taken ? all.count / 16 : all.count;
  const auto look_at = [&](std::size_t operand, double Element::*member) {
    return Output{operand, [=, &rule](const DeviceArrays& a) {
                    Sampled out;
                    for (const std::int64_t place : places(sampled, rule.taken ? 4 : 64)) {
                      const std::int64_t e = all.count - sampled + place;
                      const Element now = rule.element(
                          a[kParameter]->at(e), a[kGradient]->at(e), a[kFirst]->at(e),
                          rule.second ? a[kSecond]->at(e) : 0, ratio_of(rule, all, a, e));
                      out.emplace_back(e, now.*member);
                    }
                    return out;
                  }};
  };
  c.outputs = {look_at(kParameter, &Element::p), look_at(kFirst, &Element::m)};
  if (rule.second) c.outputs.push_back(look_at(kSecond, &Element::v));
  c.updates = true;
  if (std::string(rule.name) == "adamw" || std::string(rule.name) == "sgd") c.op = rule.name;
  c.settings = all.settings();
  return c;
}

// What a step is to be scaled by, so that no gradient is longer than 1: sums of squares of each tensor, and from them one number.
Case global_norm(const Parameters& all) {
  constexpr double kLongest = 1;
  enum : std::size_t { kScale, kSums, kLoss, kGradients };
  Case c = moves(
      "global norm" + all.text(), Dtype::f32, 4.0 * static_cast<double>(all.count),
      {{{1}, Dtype::f32},
       {{static_cast<std::int64_t>(all.sizes.size())}, Dtype::f64},
       {{1}, Dtype::f32},
       {{all.count}, Dtype::f32}},
      [all](const Arrays& a, How how) {
        std::vector<Array> parts;
        std::int64_t first = 0;
        for (const std::int64_t size : all.sizes) {
          parts.push_back(all.part(a[kGradients], first, size));
          first += size;
        }
        call<&KernelTable::sum_squares>(
            SumSquares{parts.data(), static_cast<std::int64_t>(parts.size()), a[kSums]}, how);
        call<&KernelTable::clip_scale>(ClipScale{a[kScale], a[kLoss], a[kSums], kLongest}, how);
      },
      nullptr);
  const auto squares = [](const DeviceArray& a, std::int64_t first, std::int64_t size) {
    double sum = 0;
    for (std::int64_t i = first; i < first + size; i++) sum += a.at(i) * a.at(i);
    return sum;
  };
  c.outputs = {
      {kScale,
       [=](const DeviceArrays& a) {
         return Sampled{{0, kLongest / (std::sqrt(squares(*a[kGradients], 0, all.count)) + 1e-6)}};
       }},
      {kSums, [=](const DeviceArrays& a) {
         const auto [first, size] = all.of(all.count - all.sizes.back() - 1);
         const auto last = static_cast<std::int64_t>(all.sizes.size()) - 1;
         return Sampled{
             {last, squares(*a[kGradients], all.count - all.sizes.back(), all.sizes.back())},
             {last - 1, squares(*a[kGradients], first, size)}};
       }}};
  c.op = "global_norm";
  c.settings = all.settings();
  return c;
}

}  // namespace

std::vector<Case> optimizer_cases(bool small) {
  const Parameters all = small ? gpt2(1000, 24, 1) : gpt2(50304, 768, 12);
  std::vector<Case> cases;
  for (const Rule& rule : kRules) cases.push_back(step(rule, all));
  cases.push_back(global_norm(all));
  return cases;
}

}  // namespace lacuna::bench
