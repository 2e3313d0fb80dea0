#include "lanes.h"

#include <cuda_runtime_api.h>

#include <memory>

#include "check.h"

namespace lacuna::cuda {
namespace {

struct Lane {
  int index = 0;
  cudaStream_t stream = nullptr;
  cudaEvent_t copied = nullptr, used = nullptr;

  ~Lane() {
    if (stream) cudaStreamSynchronize(stream);
    if (copied) cudaEventDestroy(copied);
    if (used) cudaEventDestroy(used);
    if (stream) cudaStreamDestroy(stream);
  }
};

Lane& of(void* lane) {
  Lane& l = *static_cast<Lane*>(lane);
  check(cudaSetDevice(l.index), "lane");
  return l;
}

}  // namespace

void* open_lane(int index) {
  check(cudaSetDevice(index), "lane");
  auto lane = std::make_unique<Lane>();
  lane->index = index;
  // Not blocking: the default stream's work and the lane's copies wait for each other only where they are told to.
  check(cudaStreamCreateWithFlags(&lane->stream, cudaStreamNonBlocking), "lane");
  check(cudaEventCreateWithFlags(&lane->copied, cudaEventDisableTiming), "lane");
  check(cudaEventCreateWithFlags(&lane->used, cudaEventDisableTiming), "lane");
  return lane.release();
}

void close_lane(void* lane) { delete static_cast<Lane*>(lane); }

void* allocate_host(std::size_t bytes) {
  void* data = nullptr;
  check(cudaHostAlloc(&data, bytes ? bytes : 1, cudaHostAllocDefault), "allocate_host");
  return data;
}

void release_host(void* data) { cudaFreeHost(data); }

void lane_copy(void* lane, void* to, const void* from, std::size_t bytes) {
  const Lane& l = of(lane);
  if (bytes) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, l.stream), "lane");
}

void join_lane(void* lane) {
  const Lane& l = of(lane);
  check(cudaEventRecord(l.copied, l.stream), "lane");
  check(cudaStreamWaitEvent(nullptr, l.copied, 0), "lane");
}

void recycle_lane(void* lane) {
  const Lane& l = of(lane);
  check(cudaStreamSynchronize(l.stream), "lane");  // its copies have read the host's memory
  check(cudaEventRecord(l.used, nullptr), "lane");
  check(cudaStreamWaitEvent(l.stream, l.used, 0), "lane");
}

}  // namespace lacuna::cuda
