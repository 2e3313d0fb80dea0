#pragma once
// launch({.grid = blocks, .block = threads}, kernel, arguments...): the only way to start a kernel. Errors of the
// launch itself are thrown here with the kernel's name; with LACUNA_SYNC=1 in the environment so are those of
// its execution, at the price of waiting for every kernel.
#include <cuda_runtime.h>
#include <device/config.cuh>
#include <device/intrinsics.cuh>

#include "../check.h"
#include "../graph.h"

namespace lacuna::cuda {

template <class... Parameters, class... Arguments>
void launch_kernel(const char* text, const LaunchConfig& c, void (*kernel)(Parameters...),
                   Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments),
                "launch: one argument for each parameter");
  static_assert((std::size_t{0} + ... + sizeof(Parameters)) <= kMaxParameterBytes);
  if (!check_launch(text, c)) return;
  if (c.shared_bytes > 48 * 1024)  // more than that is opt-in
    check_kernel(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(c.shared_bytes)),
                 text);
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(static_cast<unsigned>(c.grid.x), static_cast<unsigned>(c.grid.y),
                        static_cast<unsigned>(c.grid.z));
  config.blockDim = dim3(static_cast<unsigned>(c.block.x), static_cast<unsigned>(c.block.y),
                         static_cast<unsigned>(c.block.z));
  config.dynamicSmemBytes = c.shared_bytes;
  config.stream = stream_of(c.stream);
  check_kernel(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), text);
  check_kernel(cudaGetLastError(), text);
  if (synchronous() && !recording()) check_kernel(cudaStreamSynchronize(config.stream), text);
}

}  // namespace lacuna::cuda

#define launch(...) ::lacuna::cuda::launch_kernel(#__VA_ARGS__, __VA_ARGS__)
