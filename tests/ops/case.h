#pragma once
// One case an op. A case says what the op is applied to; from it the runner (case.cpp) makes these tests:
//
//   forward    cpu f32 against cpu f64; cpu f64 against the case's own reference where it has one
//   backward   cpu f32 against cpu f64, with a random upstream gradient
//   gradcheck  cpu f64's backward against central differences: every input element up to 2,000, else 8 random directions
//   strided    the same results from inputs that are not contiguous
//   threads    the same bits from one thread and from three
//   emu, cuda  forward and backward in f32 against cpu f64; emu_bf16, cuda_bf16: the same in bf16
//
// Guard bands stand round every buffer throughout. At the end, the program fails where kernels.def has a kernel that
// nothing here has run. A file tests/ops/<stem>.cpp registers its cases like this:
//
//   static const Register cases([] {
//     for (int n : kSizes) add({.name = "softmax/cols=" + std::to_string(n), .inputs = {{{3, n}}},
//                               .apply = [](const Tensors& x) { return softmax(x[0]); }});
//   });
#include <functional>
#include <string>
#include <vector>

#include "../../core/tensor.h"

namespace lacuna::test {

using Tensors = std::vector<Tensor>;

/// Sizes that find off-by-one and tail mistakes; vary one dimension at a time.
inline constexpr int kSizes[] = {0, 1, 7, 31, 32, 33, 127, 1023, 1025};

struct Input {
  Shape shape;
  double low = -2, high = 2;  // drawn uniformly
  Dtype dtype = Dtype::
      f32;  // floating point stands for the dtype under test; integers are drawn from [low, high)
  bool differentiable = true;       // floating-point inputs only
  std::vector<double> values = {};  // instead of drawing
  bool parameter = false;           // f32 beside bf16 activations, and so is its gradient
};

inline Input parameter(Input input) {
  input.parameter = true;
  return input;
}

/// What rounding to bf16, with its 8 bits, changes at most of a number, relatively: half a unit of the last bit.
inline constexpr double kRounding = 0x1p-8;

struct Case {
  std::string name;  // "op/parameters"; the part before the slash is the op
  std::vector<Input> inputs;
  std::function<Tensor(const Tensors&)> apply;
  std::function<std::vector<double>(const Tensors&)> reference =
      nullptr;                       // of f64 inputs; row-major, an independent formula
  double tolerance = 3e-6;           // f32 against f64: max |difference| over max |value|
  double gradient_tolerance = 1e-5;  // the same for gradients
  double device_tolerance = 0;       // for emu and cuda in f32; 0 means as above
  // On emu and cuda in bf16, against f64 of the same inputs. By default the result is rounded once; a gradient once where
  // it is stored, and once where what backward saved was. 0: the op is not for bf16.
  double bf16_tolerance = kRounding;
  double bf16_gradient_tolerance = 2 * kRounding;
  bool gradient = true;           // false: integer results, or no useful derivative
  bool check_numerically = true;  // false where the function is not smooth at the given values
};

void add(Case c);

/// Runs `f`, which calls add(), before the tests are listed.
struct Register {
  explicit Register(void (*f)());
};

/// Values of an input, in the dtype under test; the same for every dtype and device.
Tensor make_input(const Input& input, std::uint64_t seed, Dtype floating, Device device = {});

/// max |a - b| over max |b| (over 1 where b is all zeros or empty); infinite where a NaN meets a number or sizes differ.
/// Equal infinities, and NaN with NaN, agree.
double relative_error(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace lacuna::test
