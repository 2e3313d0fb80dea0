#pragma once
// What a run was and what it took, beside its settings and metrics: run.json, for people and for the report.
#include <cstdint>
#include <limits>
#include <string>

#include "run_folder.h"

namespace lacuna::tools {

struct Facts {
  std::string task, data, validation;  // as their sources call themselves
  std::string device, processor, version;
  std::int64_t samples = 0, parameters = 0, threads = 0;
  double loss_start = 0, loss_floor = 0;                           // NaN: the task knows none
  double loss_plateau = std::numeric_limits<double>::quiet_NaN();  // likewise
  std::int64_t step = 0, steps = 0;
  std::int64_t peak_tensor_bytes = 0, peak_resident_bytes = 0;
};

void write_facts(const RunFolder& folder, const Facts& facts);
/// Error where the file is damaged; all zero where there is none.
Facts read_facts(const RunFolder& folder);

/// "AMD EPYC 9B45", or "unknown".
std::string processor_name();
/// Largest resident set of this process so far.
std::int64_t peak_resident_bytes();

}  // namespace lacuna::tools
