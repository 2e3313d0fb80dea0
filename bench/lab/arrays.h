#pragma once
// The arrays of one problem on one device, and a rung's results beside those of the cpu in f64.
#include "course.h"

namespace lacuna::lab {

/// The same numbers on every device: rounded to the operand's type, then stored in it, or on cpu in f64.
class Arrays {
 public:
  Arrays(Device device, const std::vector<Operand>& operands, std::size_t outputs);
  ~Arrays();
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;

  const std::vector<Array>& all() const { return arrays_; }
  /// Every byte of the outputs 0xff: NaN, so that an element that nobody writes shows.
  void poison();
  std::vector<double> values(std::size_t operand) const;

 private:
  const Memory& memory_;
  std::vector<Array> arrays_;
  std::size_t outputs_;
};

/// The farthest output of `got` from `want`, beyond its rounding to the operand's type: max |difference| over max |value|.
/// Infinite where one is NaN.
double difference(const Arrays& got, const Arrays& want, const std::vector<Operand>& operands,
                  std::size_t outputs);

/// How far a rung's results are from f64. Throws what the rung throws for sizes that it does not take.
template <class Args>
double error_of(const Problem<Args>& problem, const Rung<Args>& rung, Device device) {
  Arrays got(device, problem.operands, problem.outputs),
      want({}, problem.operands, problem.outputs);
  got.poison();
  const Args arguments = problem.arguments(got.all());
  validate(arguments);
  rung.run(arguments, {});
  run<Family<Args>::entry>(problem.arguments(want.all()), Device{});
  return difference(got, want, problem.operands, problem.outputs);
}

}  // namespace lacuna::lab
