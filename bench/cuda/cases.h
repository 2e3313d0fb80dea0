#pragma once
// What is raced: a case says what its arrays are, how the kernel is called on them, what it should give, and who else computes
// it. race() does the rest, the same for all.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "../../kernels/backend.h"
#include "timing.h"

namespace lacuna::bench {

/// Ceilings measured in this very run.
struct Roof {
  double copy_bytes = 0;                                 // bytes a second, read and written
  double f32_flops = 0, tf32_flops = 0, bf16_flops = 0;  // of cuBLASLt, 8192^3
};

using Arrays = std::vector<Array>;
using DeviceArrays = std::vector<std::unique_ptr<DeviceArray>>;
using Sampled = std::vector<std::pair<std::int64_t, double>>;  // index, f64 value

struct Operand {
  std::vector<std::int64_t> shape;
  Dtype dtype;
  Values values = Values::normal;
  std::int64_t limit = 0;  // of Values::below
};

/// Only the arguments are looked at, so that a machine without a GPU finds what a kernel would refuse; or the kernel runs, on a
/// GPU or emulated.
enum class How { check, run, emulate };
template <auto Entry, class Args>
void call(const Args& args, How how) {
  if (how == How::check)
    validate(args);
  else
    run<Entry>(args, Device{how == How::run ? DeviceType::cuda : DeviceType::emu, 0});
}

/// An operand that the kernel writes.
struct Output {
  std::size_t operand;
  // Some of its elements by their definition, in f64, from the operands as they are before the kernel runs.
  std::function<Sampled(const DeviceArrays&)> reference;
};

/// A library that computes the same in several ways, of which the fastest is raced.
struct Baseline {
  int ways;
  std::function<std::string(int way)> name;
  std::function<bool(int way, const Arrays&)> run;  // false where it does not run
  // The operands that it writes for the first of the case's outputs, in their order; none: not what ours computes.
  std::vector<std::size_t> results = {};
};

struct Rival {
  std::function<Baseline()> make;
  // Optional: how many ways cuDNN has on the device that the JSON describes; there need be no device.
  std::function<int(const std::string& device_json)> accepted = {};
};

struct Case {
  std::string name;
  // What bench/torch_kernels.py computes in its place: a function of the operands' shapes and of these numbers. Empty: nothing.
  std::string op = {};
  std::map<std::string, double> settings = {};
  Dtype dtype = Dtype::f32;
  bool tf32 = false;
  double flops = 0, bytes = 0;  // least work, least traffic
  std::vector<Operand> operands;
  std::vector<Output> outputs = {};                // those that are looked at
  std::function<void(const Arrays&, How)> kernel;  // one launch, by call()
  bool updates = false;                            // the outputs are read, too
  // Optional: what makes operands that follow from others, by call(); the competitors.
  std::function<void(const Arrays&, How)> prepare = {};
  std::vector<Rival> rivals = {};
};

struct Result {
  double floor = 0;             // seconds: the larger of both at the measured ceilings
  double workspace = 0;         // bytes that our kernel took beside its operands
  std::vector<Timing> timings;  // ours first
  std::string error = {};       // why there are none
};

std::vector<Case> memory_cases(bool small);
std::vector<Case> reduce_cases(bool small);
std::vector<Case> optimizer_cases(bool small);
std::vector<Case> norm_cases(bool small);
std::vector<Case> table_cases(bool small);
std::vector<Case> mask_cases(bool small);
std::vector<Case> input_mask_cases(bool small);  // of those
std::vector<Case> gemm_cases(bool small);
std::vector<Case> conv_cases(bool small);
std::vector<Case> attention_cases(bool small);
std::vector<Case> info_nce_cases(bool small);

/// A kernel without products, which moves `bytes`; `reference` is of operand 0.
Case moves(const std::string& name, Dtype dtype, double bytes, std::vector<Operand> operands,
           std::function<void(const Arrays&, How)> kernel,
           std::function<Sampled(const DeviceArrays&)> reference);
/// `count` places in [0, size), spread by chance, the last one among them.
std::vector<std::int64_t> places(std::int64_t size, int count);

/// Never throws: what went wrong is in the result's error.
Result race(const Roof&, const Case&, int samples);
/// Validates the arguments of the case's kernels on arrays without memory. Throws what the kernel would.
void check(const Case&);
/// The largest error of the case's outputs, emulated, as race() finds it on a GPU.
double emulated_error(const Case&);

Roof measure_roof();

/// max |difference| over max |value| of `sampled` in what the device wrote; infinite where any number there is not finite.
double sampled_error(const DeviceArray& y, const Sampled& sampled);
double floor_of(const Roof&, Dtype, bool tf32, double flops, double bytes);

}  // namespace lacuna::bench
