// The cuda backend: its table, its devices, its errors. The driver is never linked; cudart finds it when first used.
#include "../backend.h"

#include <cuda_runtime_api.h>

#include <cstdlib>

#include "check.h"
#include "device/config.cuh"
#include "graph.h"
#include "lanes.h"
#include "memory.h"

namespace lacuna {
namespace cuda {

#define KERNEL(name, Args) void name(const Args&, Stream);
#include "../kernels.def"
#undef KERNEL

namespace {

// A kernel runs long after its launch: what it does wrong is reported by a later call, whichever it is. These are the
// errors of running kernels (cudaErrorIllegalAddress to cudaErrorLaunchFailure).
const char* earlier(cudaError_t error) {
  return error >= cudaErrorIllegalAddress && error <= cudaErrorLaunchFailure && !synchronous()
             ? " (in this call or in an earlier kernel: LACUNA_SYNC=1 in the environment tells "
               "which)"
             : "";
}

}  // namespace

void check(cudaError_t error, const char* op) {
  if (error == cudaSuccess) return;
  throw RunError(std::string("[") + op + "] " + cudaGetErrorName(error) + ": " +
                 cudaGetErrorString(error) + earlier(error));
}

void check_kernel(cudaError_t error, const char* launch_text) {
  if (error == cudaSuccess) return;
  throw RunError("[launch] " + kernel_name(launch_text) + ": " + cudaGetErrorName(error) + ": " +
                 cudaGetErrorString(error) + earlier(error));
}

bool synchronous() {
  static const bool on = [] {
    const char* text = std::getenv("LACUNA_SYNC");
    return text && text[0] == '1';
  }();
  return on;
}

namespace {

struct Devices {
  int count = 0;
  std::string why_absent;
};

// In one line, and what to do about it.
std::string why(cudaError_t error) {
  int version = 0;  // 0 without a driver
  cudaDriverGetVersion(&version);
  if (version == 0) return "no NVIDIA driver here: install one";
  if (error == cudaErrorInsufficientDriver) {
    const auto text = [](int v) {
      return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10);
    };
    return "the NVIDIA driver is of CUDA " + text(version) + ": install one of CUDA " +
           text(CUDART_VERSION) + " or later";
  }
  if (error == cudaErrorNoDevice) return "the NVIDIA driver finds no device: ask nvidia-smi";
  return std::string("no CUDA device, ") + cudaGetErrorString(error) + " (" +
         cudaGetErrorName(error) + "): ask nvidia-smi";
}

// Asked once. Whatever goes wrong means that there is no device: a machine without a driver is no error.
const Devices& devices() {
  static const Devices found = [] {
    Devices d;
    int n = 0;  // cudaGetDeviceCount leaves it alone when it fails
    if (const cudaError_t error = cudaGetDeviceCount(&n); error != cudaSuccess) {
      cudaGetLastError();
      d.why_absent = why(error);
      return d;
    }
    for (int i = 0; i < n; i++) {
      int major = 0;
      if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, i) != cudaSuccess ||
          major < 8) {
        cudaGetLastError();
        d.why_absent = "CUDA device " + std::to_string(i) +
                       " is older than compute capability 8.0: choose others "
                       "(CUDA_VISIBLE_DEVICES)";
        break;  // devices are named by number, so those behind it are out of reach too
      }
      d.count++;
    }
    if (n == 0) d.why_absent = why(cudaErrorNoDevice);
    return d;
  }();
  return found;
}

}  // namespace
}  // namespace cuda

const Backend* cuda_backend() {
  static const Backend backend = {
      "cuda",
      {cuda::allocate, cuda::release, cuda::copy, cuda::copy_within, cuda::fill_zero},
      {
#define KERNEL(name, Args) .name = &cuda::name,
#include "../kernels.def"
#undef KERNEL
      },
      [] { return cuda::devices().count; },
      [] { return cuda::devices().count ? std::string() : cuda::devices().why_absent; },
      [](int index) { cuda::check(cudaSetDevice(index), "select"); },
      {cuda::begin_recording, cuda::end_recording, cuda::replay, cuda::release_graph},
      {cuda::open_lane, cuda::close_lane, cuda::allocate_host, cuda::release_host, cuda::lane_copy,
       cuda::join_lane, cuda::recycle_lane}};
  return &backend;
}

}  // namespace lacuna
