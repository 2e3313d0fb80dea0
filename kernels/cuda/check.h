#pragma once
// CUDA's error codes as lacuna::Error.
#include <cuda_runtime_api.h>

namespace lacuna::cuda {

/// Throws RunError("[op] cudaErrorName: its description") unless the call succeeded.
void check(cudaError_t error, const char* op);
/// The same for a launch, given the source text of its arguments.
void check_kernel(cudaError_t error, const char* launch_text);
/// LACUNA_SYNC=1: wait for each kernel, so that an error names the kernel that made it.
bool synchronous();

}  // namespace lacuna::cuda
