#pragma once
// Four families of kernels, each a ladder of rungs. The rungs of a family take the arguments of the library's kernel, in
// bf16, so that any of them can be put in another's place; rungs.def lists them.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "../../kernels/attention.h"
#include "../../kernels/backend.h"
#include "../../kernels/conv2d.h"
#include "../../kernels/info_nce.h"
#include "../../kernels/matmul.h"

namespace lacuna::lab {

template <class Args>
struct Rung {
  std::string name;
  void (*run)(const Args&, Stream);
  double tolerance;  // see rungs.def
};

/// The rungs of a family on a kind of device, the library's own last; empty where this build has none for it.
template <class Args>
std::vector<Rung<Args>>& ladder(DeviceType type) {
  static std::map<DeviceType, std::vector<Rung<Args>>> all;
  return all[type];
}

/// An array of a kernel call.
struct Operand {
  std::vector<std::int64_t> shape;
  Dtype dtype = Dtype::bf16;
  std::vector<std::int64_t> integers = {};  // of an i64 array; the others are normal random numbers
};

/// One kernel call, on any device and, with f64 for every floating-point type, on cpu.
template <class Args>
struct Problem {
  std::string name;
  std::size_t outputs;  // the first so many operands
  std::vector<Operand> operands;
  double flops;
  std::function<Args(const std::vector<Array>&)> arguments;

  /// Each operand read or written once.
  double bytes() const {
    double sum = 0;
    for (const Operand& o : operands) {
      double n = static_cast<double>(size_of(o.dtype));
      for (const std::int64_t s : o.shape) n *= static_cast<double>(s);
      sum += n;
    }
    return sum;
  }
};

// Family<Args>: its name, the library's kernel; small problems of odd sizes that show a wrong index; the anchors, whose
// time says how good a rung is.
template <class Args>
struct Family;
#define LIBRARY(family, kernel, Args, tolerance)                                      \
  template <>                                                                         \
  struct Family<Args> {                                                               \
    using Arguments = Args;                                                           \
    static constexpr const char* name = #family;                                      \
    static constexpr auto entry = &KernelTable::kernel;                               \
    static std::vector<Problem<Args>> small(), anchors();                             \
    static std::vector<Rung<Args>>& rungs(DeviceType on) { return ladder<Args>(on); } \
  };
#include "rungs.def"

/// f(Family<Args>{}) for all four.
template <class F>
void each_family(F&& f) {
#define LIBRARY(family, kernel, Args, tolerance) f(Family<Args>{});
#include "rungs.def"
}

}  // namespace lacuna::lab
