#include "memory.h"

#include <cuda_runtime_api.h>

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "../error.h"
#include "../graph_pool.h"
#include "../held_bytes.h"
#include "check.h"
#include "graph.h"

namespace lacuna::cuda {
namespace {

// Four steps a power of two, at least 512 bytes: a kept block wastes at most a fifth.
std::size_t rounded(std::size_t bytes) {
  if (bytes <= 2048) return bytes == 0 ? 512 : (bytes + 511) / 512 * 512;
  const std::size_t step = std::size_t{1} << (61 - __builtin_clzll(bytes - 1));
  return (bytes + step - 1) / step * step;
}

struct Kept {
  std::mutex mutex;
  std::map<std::pair<int, std::size_t>, std::vector<void*>> blocks;
};
Kept& kept() {
  static auto* k = new Kept;  // never destroyed: tensors in static storage may outlive it
  return *k;
}

}  // namespace

namespace {

void* find_or_make(std::size_t bytes, int index) {
  const std::size_t size = rounded(bytes);
  HeldBytes::of(DeviceType::cuda).take(size);
  {
    Kept& k = kept();
    std::lock_guard lock(k.mutex);
    const auto it = k.blocks.find({index, size});
    if (it != k.blocks.end() && !it->second.empty()) {
      void* block = it->second.back();
      it->second.pop_back();
      return block;
    }
  }
  check(cudaSetDevice(index), "allocate");
  void* block = nullptr;
  if (cudaMalloc(&block, size) == cudaSuccess) return block;
  cudaGetLastError();  // out of memory is not sticky: forget it and try without the kept blocks
  trim(index);
  const cudaError_t error = cudaMalloc(&block, size);
  if (error == cudaSuccess) return block;
  cudaGetLastError();
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  HeldBytes::of(DeviceType::cuda).give_back(size);
  fail("allocate", "cuda:", index, " has no room for ", bytes, " bytes: ", free, " of ", total,
       " are free (", cudaGetErrorName(error), ")");
}

}  // namespace

void* allocate(std::size_t bytes, int index) {
  GraphPool* const pool = GraphPool::current();
  if (!pool) return find_or_make(bytes, index);
  if (void* const block = pool->reuse(rounded(bytes))) return block;
  void* const block = find_or_make(bytes, index);
  pool->add(block, rounded(bytes));
  return block;
}

void release(void* data, std::size_t bytes, int index) {
  if (GraphPool::keep(data, rounded(bytes))) return;
  HeldBytes::of(DeviceType::cuda).give_back(rounded(bytes));
  Kept& k = kept();
  std::lock_guard lock(k.mutex);
  k.blocks[{index, rounded(bytes)}].push_back(data);
}

void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  LACUNA_CHECK(!recording(), "copy", "a step that is captured cannot exchange data with the host");
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "copy");
  check(cudaStreamSynchronize(nullptr),
        "copy");  // within a device cudaMemcpy returns before it is done
}

void copy_within(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(stream)), "copy");
}

void fill_zero(void* data, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;
  check(cudaMemsetAsync(data, 0, bytes, stream_of(stream)), "zeros");
}

void trim(int index) {
  Kept& k = kept();
  std::lock_guard lock(k.mutex);
  for (auto& [key, blocks] : k.blocks) {
    if (key.first != index) continue;
    for (void* block : blocks) cudaFree(block);
    blocks.clear();
  }
}

}  // namespace lacuna::cuda
