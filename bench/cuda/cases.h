#pragma once
// What is raced: each case gives its contenders, its floor, and the error of ours against f64.
#include <functional>
#include <string>
#include <vector>

#include "timing.h"

namespace lacuna::bench {

/// Ceilings measured in this very run.
struct Roof {
  double copy_bytes = 0;                                 // bytes a second, read and written
  double f32_flops = 0, tf32_flops = 0, bf16_flops = 0;  // of cuBLASLt, 8192^3
};

struct Result {
  std::string name;
  double flops = 0, bytes = 0;  // least work, least traffic
  double floor = 0;             // seconds: the larger of both at the measured ceilings
  std::vector<Timing> timings;  // ours first
};

Roof measure_roof();
std::vector<Result> race_gemm(const Roof&, bool small);
std::vector<Result> race_conv(const Roof&, bool small);
std::vector<Result> race_memory(const Roof&, bool small);

/// Makes every cuDNN plan of race_conv() for the device that the JSON describes, without a device. Returns a line a case.
std::vector<std::string> check_plans(const std::string& device_json);

/// max |difference| over max |value| of `sampled` (index, f64 value) in what the device wrote; NaN counts as infinite.
double sampled_error(const DeviceArray& y,
                     const std::vector<std::pair<std::int64_t, double>>& sampled);
double floor_of(const Roof&, Dtype, bool tf32, double flops, double bytes);

}  // namespace lacuna::bench
