#include "case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/cpu/parallel.h"
#include "../../kernels/random.h"

namespace lacuna::test {
namespace {

std::vector<Case>& all_cases() {
  static std::vector<Case> cases;
  return cases;
}
std::vector<void (*)()>& registrations() {
  static std::vector<void (*)()> r;
  return r;
}

// With LACUNA_SMALL in the environment larger cases are left out, and gradients of more than a few elements are probed along
// directions: for sanitizers, under which all this is many times slower.
bool small() { return std::getenv("LACUNA_SMALL") != nullptr; }

struct Result {
  Shape shape;
  std::vector<double> y;
  std::vector<std::vector<double>> gradients;
};

// The same values, with a gap after every element of the last dimension.
Tensor strided(const Tensor& x) {
  if (x.ndim() == 0) return x;
  Shape wide = x.shape();
  wide[wide.size() - 1] *= 2;
  Tensor room = Tensor::full(wide, 77, x.dtype(), x.device());
  Tensor gap = slice(room, -1, 0, wide.back(), 2);
  gap.copy_from(x);
  return gap;
}

struct Options {
  Dtype dtype = Dtype::f64;
  Device device = {};
  bool strided = false;
  bool rounded = false;  // values are first rounded to bf16: what is compared is the arithmetic
};

Tensors make_inputs(const Case& c, const Options& o) {
  Tensors inputs;
  for (std::size_t i = 0; i < c.inputs.size(); i++) {
    const Input& input = c.inputs[i];
    const Dtype dtype = input.parameter ? statistics_dtype(o.dtype) : o.dtype;
    Tensor x = make_input(input, i + 1, o.rounded ? Dtype::bf16 : dtype);
    if (o.rounded && is_floating(input.dtype)) x = to(x, dtype);
    if (o.strided) x = strided(x);
    inputs.push_back(to(x, o.device));
  }
  return inputs;
}

bool wants_gradient(const Case& c, std::size_t i) {
  return c.gradient && is_floating(c.inputs[i].dtype) && c.inputs[i].differentiable;
}

// The upstream gradient: random, and never a constant, which would hide the gradients of softmax and of norms.
Tensor upstream(const Shape& shape, Dtype dtype, Device device) {
  return to(make_input({shape, 0.25, 1.75}, 999, dtype), device);
}

Result evaluate(const Case& c, const Options& o) {
  Tensors inputs = make_inputs(c, o);
  for (std::size_t i = 0; i < inputs.size(); i++)
    if (wants_gradient(c, i)) inputs[i].requires_grad();
  const Tensor y = c.apply(inputs);
  Result r{y.shape(), y.to_vector<double>(), {}};
  if (!c.gradient) return r;
  EXPECT_TRUE(y.needs_grad()) << "the result is not on the tape";
  if (y.needs_grad())
    backward(y, to(upstream(y.shape(), o.rounded ? Dtype::bf16 : y.dtype(), o.device), y.dtype()));
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!wants_gradient(c, i)) continue;
    EXPECT_TRUE(inputs[i].grad().defined()) << "no gradient for input " << i;
    r.gradients.push_back(inputs[i].grad().defined() ? inputs[i].grad().to_vector<double>()
                                                     : std::vector<double>());
  }
  return r;
}

void expect_close(const Result& got, const Result& want, double tolerance,
                  double gradient_tolerance, const char* what) {
  EXPECT_EQ(got.shape, want.shape) << what;
  EXPECT_LE(relative_error(got.y, want.y), tolerance) << what << ": forward";
  ASSERT_EQ(got.gradients.size(), want.gradients.size()) << what;
  for (std::size_t i = 0; i < got.gradients.size(); i++)
    EXPECT_LE(relative_error(got.gradients[i], want.gradients[i]), gradient_tolerance)
        << what << ": gradient " << i;
}

// d/dt of sum(upstream * f(x + t * direction)) by central differences, in f64. Differences are taken element by element,
// before the sum, where they lose the least.
double slope(const Case& c, Tensors inputs, std::size_t input,
             const std::vector<double>& direction) {
  constexpr double kStep = 1e-6;
  NoGrad guard;
  const Tensor x = inputs[input];
  std::vector<double> side[2], weights;
  for (int s = 0; s < 2; s++) {
    auto moved = x.to_vector<double>();
    for (std::size_t j = 0; j < moved.size(); j++) moved[j] += (s ? kStep : -kStep) * direction[j];
    inputs[input] = Tensor::from(moved, x.shape());
    const Tensor y = c.apply(inputs);
    side[s] = y.to_vector<double>();
    if (s == 0) weights = upstream(y.shape(), Dtype::f64, {}).to_vector<double>();
  }
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); i++) total += weights[i] * (side[1][i] - side[0][i]);
  return total / (2 * kStep);
}

void gradcheck(const Case& c) {
  const Result analytic = evaluate(c, {});
  const Tensors inputs = make_inputs(c, {});
  std::size_t which = 0;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    if (!wants_gradient(c, i)) continue;
    const std::vector<double>& gradient = analytic.gradients[which++];
    const std::size_t n = gradient.size();
    double scale = 1;
    for (double g : gradient) scale = std::max(scale, std::fabs(g));
    const auto check = [&](const std::vector<double>& direction, const std::string& where) {
      double expected = 0, length = 0;
      for (std::size_t j = 0; j < n; j++) {
        expected += gradient[j] * direction[j];
        length += std::fabs(direction[j]);
      }
      const double error = std::fabs(slope(c, inputs, i, direction) - expected);
      EXPECT_TRUE(error <= 2e-6 * scale * std::max(1.0, std::sqrt(length)))
          << "input " << i << ' ' << where << ": backward says " << expected
          << ", differences are off by " << error;
    };
    // Full coverage costs two forwards an element; large cases are probed along directions instead.
    if (n * std::max<std::size_t>(1, analytic.y.size()) <= 400000 && n <= (small() ? 32 : 2000)) {
      std::vector<double> direction(n, 0.0);
      for (std::size_t j = 0; j < n && !testing::Test::HasFailure(); j++) {
        direction[j] = 1;
        check(direction, "element " + std::to_string(j));
        direction[j] = 0;
      }
    } else {
      for (int d = 0; d < 8; d++)
        check(make_input({{static_cast<std::int64_t>(n)}, -1, 1}, 7000 + d, Dtype::f64)
                  .to_vector<double>(),
              "direction " + std::to_string(d));
    }
  }
}

void on_device(const Case& c, DeviceType type) {
  const Backend* backend = find_backend(type);
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  const double t = c.device_tolerance;
  expect_close(evaluate(c, {Dtype::f32, {type, 0}}), evaluate(c, {}), t ? t : c.tolerance,
               t ? t : c.gradient_tolerance, backend->name);
}

void in_bf16(const Case& c, DeviceType type) {
  const Backend* backend = find_backend(type);
  if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  expect_close(evaluate(c, {.dtype = Dtype::bf16, .device = {type, 0}, .rounded = true}),
               evaluate(c, {.rounded = true}), c.bf16_tolerance, c.bf16_gradient_tolerance,
               backend->name);
}

enum class Kind { forward, backward, gradcheck, strided, threads, emu, cuda, emu_bf16, cuda_bf16 };

class CaseTest : public testing::Test {
 public:
  CaseTest(const Case& c, Kind kind) : case_(c), kind_(kind) {}

  void TestBody() override {
    set_guard_bands(true);
    const std::int64_t broken = broken_guard_bands();
    body();
    set_guard_bands(false);
    EXPECT_EQ(broken_guard_bands(), broken) << "an op wrote outside of its buffers";
  }

 private:
  void body() {
    const Case& c = case_;
    switch (kind_) {
      case Kind::forward: {
        Case plain = c;
        plain.gradient = false;
        const Result f64 = evaluate(plain, {});
        expect_close(evaluate(plain, {Dtype::f32}), f64, c.tolerance, 0, "f32 against f64");
        if (c.reference) {
          EXPECT_LE(relative_error(f64.y, c.reference(make_inputs(c, {}))), 1e-11)
              << "f64 against the reference";
        }
        return;
      }
      case Kind::backward:
        return expect_close(evaluate(c, {Dtype::f32}), evaluate(c, {}), c.tolerance,
                            c.gradient_tolerance, "f32 against f64");
      case Kind::gradcheck: {
        // Thousands of tiny kernels: waking a second thread costs more than it brings.
        const int before = cpu::threads();
        cpu::set_threads(1);
        gradcheck(c);
        cpu::set_threads(before);
        return;
      }
      case Kind::strided:
        return expect_close(evaluate(c, {.strided = true}), evaluate(c, {}), 1e-14, 1e-14,
                            "strided against contiguous");
      case Kind::threads: {
        const int before = cpu::threads();
        cpu::set_threads(1);
        const Result one = evaluate(c, {Dtype::f32});
        cpu::set_threads(3);
        const Result three = evaluate(c, {Dtype::f32});
        cpu::set_threads(before);
        return expect_close(three, one, 0, 0, "three threads against one");
      }
      case Kind::emu:
        return on_device(c, DeviceType::emu);
      case Kind::cuda:
        return on_device(c, DeviceType::cuda);
      case Kind::emu_bf16:
        return in_bf16(c, DeviceType::emu);
      case Kind::cuda_bf16:
        return in_bf16(c, DeviceType::cuda);
    }
  }

  const Case& case_;
  Kind kind_;
};

void make_test(const Case& c, const char* what, Kind kind) {
  const auto slash = c.name.find('/');
  const std::string suite = c.name.substr(0, slash);
  const std::string name =
      std::string(what) + (slash == std::string::npos ? "" : "/" + c.name.substr(slash + 1));
  testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [&c, kind]() -> testing::Test* { return new CaseTest(c, kind); });
}

}  // namespace

constexpr std::int64_t kSmall = 2048;
constexpr std::int64_t kLargestInBf16 =
    400'000;  // elements; tests/ops/precision.cpp has larger ones

static std::int64_t input_elements(const Case& c) {
  std::int64_t n = 0;
  for (const Input& input : c.inputs) n += input.shape.numel();
  return n;
}

void add(Case c) { all_cases().push_back(std::move(c)); }

Register::Register(void (*f)()) { registrations().push_back(f); }

Tensor make_input(const Input& input, std::uint64_t seed, Dtype floating, Device device) {
  const std::int64_t n = input.shape.numel();
  std::vector<double> values = input.values;
  if (values.empty()) {
    const RandomKey key = RandomKey::of(seed, stream_of("test.input"));
    for (std::int64_t i = 0; i < n; i++) {
      const double v = input.low + (input.high - input.low) * uniform_of(draw_word(key, i, 0));
      // Rounded through f32, so that every dtype starts from the same number.
      values.push_back(is_floating(input.dtype) ? static_cast<float>(v) : std::floor(v));
    }
  }
  return to(
      to(Tensor::from(values, input.shape), is_floating(input.dtype) ? floating : input.dtype),
      device);
}

double relative_error(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double scale = 0, worst = 0;
  for (double v : b)
    if (std::isfinite(v)) scale = std::max(scale, std::fabs(v));
  for (std::size_t i = 0; i < a.size(); i++) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double error = std::fabs(a[i] - b[i]);
    if (!(error <= std::numeric_limits<double>::max()))
      return std::numeric_limits<double>::infinity();
    worst = std::max(worst, error);
  }
  return worst / (scale > 0 ? scale : 1);
}

std::vector<std::string> never_run(const std::vector<const char*>& names,
                                   const std::vector<std::int64_t>& calls) {
  std::vector<std::string> missing;
  for (std::size_t i = 0; i < names.size(); i++)
    if (calls[i] == 0) missing.push_back(names[i]);
  return missing;
}

TEST(KernelCoverage, NamesWhatNeverRan) {
  EXPECT_EQ(never_run({"one", "two", "three"}, {1, 0, 7}), std::vector<std::string>{"two"});
  EXPECT_EQ(kernel_names().size(), kernel_calls().size());
}

}  // namespace lacuna::test

int main(int argc, char** argv) {
  using namespace lacuna;
  using namespace lacuna::test;
  testing::InitGoogleTest(&argc, argv);
  for (auto f : registrations()) f();
  for (const Case& c : all_cases()) {
    if (small() && input_elements(c) > kSmall) continue;
    make_test(c, "forward", Kind::forward);
    make_test(c, "strided", Kind::strided);
    make_test(c, "threads", Kind::threads);
    if (c.gradient) make_test(c, "backward", Kind::backward);
    if (c.gradient && c.check_numerically) make_test(c, "gradcheck", Kind::gradcheck);
    if (find_backend(DeviceType::emu)) make_test(c, "emu", Kind::emu);
    if (find_backend(DeviceType::cuda)) make_test(c, "cuda", Kind::cuda);
    const auto floating = [](const Input& input) { return is_floating(input.dtype); };
    if (c.bf16_tolerance == 0 || input_elements(c) > kLargestInBf16 ||
        std::none_of(c.inputs.begin(), c.inputs.end(), floating))
      continue;
    if (find_backend(DeviceType::emu)) make_test(c, "emu_bf16", Kind::emu_bf16);
    if (find_backend(DeviceType::cuda)) make_test(c, "cuda_bf16", Kind::cuda_bf16);
  }
  const int status = RUN_ALL_TESTS();
  // Of a part of the tests one cannot expect that it runs every kernel.
  const bool all = !small() && GTEST_FLAG_GET(filter) == "*" && !GTEST_FLAG_GET(list_tests) &&
                   !std::getenv("GTEST_TOTAL_SHARDS");
  const auto missing = all ? never_run(kernel_names(), kernel_calls()) : std::vector<std::string>();
  for (const std::string& name : missing)
    std::cerr << "kernels.def has " << name << ", which no case in tests/ops runs\n";
  return missing.empty() ? status : 1;
}
