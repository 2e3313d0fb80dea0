#include "hopper_kernels.h"

#include <device/launch.cuh>
#include <device/mbarrier.cuh>
#include <device/shared.cuh>
#include <device/tma.cuh>

namespace lacuna::LACUNA_NS::hopper {
namespace {

// ---- mbarriers ----

constexpr int kMaxStages = 8;

__global__ void ring_kernel(int* out, int rounds, int stages, bool poll, Fault fault) {
  LACUNA_SHARED(Mbarrier, full, [kMaxStages]);
  LACUNA_SHARED(Mbarrier, empty, [kMaxStages]);
  LACUNA_SHARED(int, slot, [kMaxStages][64]);
  const int i = static_cast<int>(threadIdx.x) % 64;
  if (threadIdx.x == 0 && fault != Fault::no_init)
    for (int s = 0; s < stages; s++) {
      full[s].init(64);
      empty[s].init(64);
      if (fault == Fault::init_twice) full[s].init(64);
    }
  __syncthreads();
  const auto wait = [&](Mbarrier& b, int parity) {
    if (poll)
      while (!b.try_wait(parity)) {
      }
    else
      b.wait(parity);
  };
  for (int r = 0; r < rounds; r++) {
    const int s = r % stages, parity = r / stages & 1;
    if (threadIdx.x < 64) {
      wait(empty[s], fault == Fault::wrong_parity ? parity : parity ^ 1);
      slot[s][i] = r + 1;
      full[s].arrive();
    } else {
      wait(full[s], parity);
      out[r * 64 + i] = slot[s][63 - i];
      empty[s].arrive();
    }
  }
}

__global__ void arrivals_kernel() {
  LACUNA_SHARED(Mbarrier, done, [2]);
  if (threadIdx.x == 0) {
    done[1].init(1);
    done[1].arrive_expect(64);
    done[1].arrive();
  }
}

// ---- boxes ----

template <int R>
__device__ void load_at(void* to, const TensorMap& map, Mbarrier& done, const Box& b) {
  if constexpr (R == 1) load_box(to, map, done, b.at[0]);
  if constexpr (R == 2) load_box(to, map, done, b.at[0], b.at[1]);
  if constexpr (R == 3) load_box(to, map, done, b.at[0], b.at[1], b.at[2]);
  if constexpr (R == 4) load_box(to, map, done, b.at[0], b.at[1], b.at[2], b.at[3]);
  if constexpr (R == 5) load_box(to, map, done, b.at[0], b.at[1], b.at[2], b.at[3], b.at[4]);
}
template <int R>
__device__ void store_at(const TensorMap& map, const void* from, const Box& b) {
  if constexpr (R == 1) store_box(map, from, b.at[0]);
  if constexpr (R == 2) store_box(map, from, b.at[0], b.at[1]);
  if constexpr (R == 3) store_box(map, from, b.at[0], b.at[1], b.at[2]);
  if constexpr (R == 4) store_box(map, from, b.at[0], b.at[1], b.at[2], b.at[3]);
  if constexpr (R == 5) store_box(map, from, b.at[0], b.at[1], b.at[2], b.at[3], b.at[4]);
}

// The box comes as two copies of it, to two places, so that bytes are counted over more than one.
template <int R>
__global__ void load_kernel(unsigned char* image, const __grid_constant__ TensorMap map, Box box,
                            int bytes, Fault fault) {
  LACUNA_SHARED(Mbarrier, done, [1]);
  auto* const room = dynamic_shared<unsigned char>();
  const int second = (bytes + 1023) / 1024 * 1024;
  if (threadIdx.x == 0) {
    done[0].init(1);
    if (fault != Fault::no_init_fence) mbarrier_init_fence();
  }
  __syncthreads();
  if (threadIdx.x < 32 && elect_one()) {
    const int more = fault == Fault::too_few_bytes    ? -bytes
                     : fault == Fault::too_many_bytes ? 16
                                                      : 0;
    done[0].arrive_expect(2 * bytes + more);
    load_at<R>(room + (fault == Fault::not_aligned ? 64 : 0), map, done[0], box);
    load_at<R>(room + second, map, done[0], box);
  }
  if (fault != Fault::no_wait) done[0].wait(0);
  for (int i = static_cast<int>(threadIdx.x); i < bytes; i += static_cast<int>(blockDim.x))
    image[i] = room[i] == room[second + i] ? room[i] : 0xee;
  __syncthreads();
  if (fault == Fault::no_wait) done[0].wait(0);
}

template <int R>
__global__ void store_kernel(const __grid_constant__ TensorMap map, const unsigned char* image,
                             Box box, int bytes, Fault fault) {
  auto* const room = dynamic_shared<unsigned char>();
  for (int i = static_cast<int>(threadIdx.x); i < bytes; i += static_cast<int>(blockDim.x))
    room[i] = image[i];
  if (fault != Fault::no_proxy_fence) fence_async_proxy();
  __syncthreads();
  if (threadIdx.x < 32 && elect_one()) {
    store_at<R>(map, room, box);
    if (fault != Fault::no_commit) commit_stores();
    if (fault != Fault::no_read_wait) wait_stores_read<0>();
    if (box.at[0] < 0) wait_stores<0>();
  }
}

__global__ void load_pixels_kernel(unsigned char* image, const __grid_constant__ TensorMap map,
                                   Pixels p) {
  LACUNA_SHARED(Mbarrier, done, [1]);
  auto* const room = dynamic_shared<unsigned char>();
  const int bytes = p.pixels * p.channels * 2;
  if (threadIdx.x == 0) {
    done[0].init(1);
    mbarrier_init_fence();
    done[0].arrive_expect(bytes);
    load_pixels(room, map, done[0], p.first_channel, p.base[0], p.base[1], p.base[2], p.tap[0],
                p.tap[1]);
  }
  __syncthreads();
  done[0].wait(0);
  for (int i = static_cast<int>(threadIdx.x); i < bytes; i += static_cast<int>(blockDim.x))
    image[i] = room[i];
}

TensorMap map_of(const void* data, const Box& b) {
  TensorRegion r;
  r.dtype = b.dtype;
  r.data = const_cast<void*>(data);
  r.rank = b.rank;
  for (int d = 0; d < b.rank; d++) {
    r.shape[d] = b.shape[d];
    r.strides[d] = b.strides[d];
    r.box[d] = b.box[d];
  }
  r.swizzle = static_cast<Swizzle>(b.swizzle);
  return encode(r);
}
int bytes_of(const Box& b) {
  int bytes = static_cast<int>(size_of(b.dtype));
  for (int d = 0; d < b.rank; d++) bytes *= b.box[d];
  return bytes;
}
template <class F>
void with_rank(const Box& b, F&& f) {
  if (b.rank == 1) f(std::integral_constant<int, 1>{});
  if (b.rank == 2) f(std::integral_constant<int, 2>{});
  if (b.rank == 3) f(std::integral_constant<int, 3>{});
  if (b.rank == 4) f(std::integral_constant<int, 4>{});
  if (b.rank == 5) f(std::integral_constant<int, 5>{});
}

// ---- named barriers ----

__global__ void __launch_bounds__(256, 1) named_barriers_kernel(int* out, Fault fault) {
  LACUNA_SHARED(int, value, [256]);
  const int me = static_cast<int>(threadIdx.x), half = me / 128, i = me % 128;
  if (half == 0) {
    shrink_registers<40>();
    value[i] = i + 1;
    barrier_arrive(1, 256);  // the first half's values are there; it goes on
    barrier_sync(2, fault == Fault::wrong_count ? 128 : 256);
    out[me] = value[128 + 127 - i];
  } else {
    grow_registers<232>();
    value[128 + i] = -(i + 1);
    barrier_sync(1, 256);
    out[me] = value[127 - i];
    barrier_sync(2, 256);
  }
  const bool mine = elect_one();
  if (mine) atomicAdd(out + 256, 1);
}

}  // namespace

void ring(int* out, int rounds, int stages, bool poll, Fault fault) {
  if (fault == Fault::arrive_too_often)
    launch({.block = 32}, arrivals_kernel);
  else
    launch({.block = 128}, ring_kernel, out, rounds, stages, poll, fault);
}
void load(void* image, const void* data, const Box& box, Fault fault) {
  const int bytes = bytes_of(box);
  with_rank(box, [&](auto rank) {
    launch({.block = 64, .shared_bytes = 2 * ((std::size_t(bytes) + 1023) / 1024 * 1024)},
           load_kernel<rank()>, static_cast<unsigned char*>(image), map_of(data, box), box, bytes,
           fault);
  });
}
void store(void* data, const void* image, const Box& box, Fault fault) {
  const int bytes = bytes_of(box);
  with_rank(box, [&](auto rank) {
    launch({.block = 64, .shared_bytes = static_cast<std::size_t>(bytes)}, store_kernel<rank()>,
           map_of(data, box), static_cast<const unsigned char*>(image), box, bytes, fault);
  });
}
void load_image(void* image, const bf16* data, const Pixels& p) {
  const TensorMap map = encode(image_region(data, p.n, p.h, p.w, p.c, p.r, p.s, p.padding, p.stride,
                                            p.pixels, p.channels, Swizzle::b128));
  launch({.block = 64, .shared_bytes = static_cast<std::size_t>(p.pixels * p.channels * 2)},
         load_pixels_kernel, static_cast<unsigned char*>(image), map, p);
}
void named_barriers(int* out, Fault fault) {
  launch({.block = 256}, named_barriers_kernel, out, fault);
}

}  // namespace lacuna::LACUNA_NS::hopper
