#pragma once
// Kernels that use the headers of sm_90a one by one, each with faults to choose from. Declared for both backends that
// compile hopper_kernels.cu.
#include <cstdint>

#include "../../kernels/array.h"

namespace lacuna::hopper {

/// What a copy of a box is of, as TensorRegion has it, with coordinates of the box. swizzle: 0 none, 3 of 128 bytes.
struct Box {
  Dtype dtype = Dtype::bf16;
  int rank = 2;
  std::int64_t shape[5] = {}, strides[5] = {};  // strides in bytes
  int box[5] = {}, at[5] = {};
  int swizzle = 0;
};

/// Pixels of bf16 images (n, h, w, c) for a filter's tap, from the first channel and output on.
struct Pixels {
  int n, h, w, c;
  int r, s, padding, stride;
  int pixels, channels;        // of the box
  int first_channel, base[3];  // (w, h, n)
  int tap[2];                  // (w, h)
};

enum class Fault {
  none,
  no_init,
  init_twice,
  arrive_too_often,
  wrong_parity,
  no_init_fence,
  too_few_bytes,
  too_many_bytes,
  no_wait,
  no_proxy_fence,
  no_commit,
  no_read_wait,
  not_aligned,
  no_product_fence,
  read_early,
  write_d_early,
  write_shared_early,
  missing_warp,
  wrong_count
};

/// An operand in shared memory: its bytes, and the fields of the descriptor of its first 16 k.
struct Image {
  const void* bytes = nullptr;
  int size = 0, leading = 0, stride = 0;
  int step = 0;  // bytes from one 16 of k to the next
  bool mn_major = false;
};
struct ProductCase {
  int n = 64, k = 64, swizzle = 3, rounds = 1;  // k at most 64; each round adds the product once
  Image a, b;
  const bf16* a_rows = nullptr;  // (64, k), instead of an image: A comes in registers
};

#define LACUNA_HOPPER_KERNELS                                                                        \
  /* Two warps hand `rounds` numbers to two others through `stages` slots: out[64 r + i] = r + 1. */ \
  void ring(int* out, int rounds, int stages, bool poll, Fault fault);                               \
  /* image (box bytes): what shared memory holds after the box has come. */                          \
  void load(void* image, const void* data, const Box& box, Fault fault);                             \
  /* Stores the image as a box. */                                                                   \
  void store(void* data, const void* image, const Box& box, Fault fault);                            \
  /* image (pixels, channels): lines of 128 bytes, swizzled. */                                      \
  void load_image(void* image, const bf16* data, const Pixels& p);                                   \
  /* d (128, n / 2): each thread's sums. */                                                          \
  void products(float* d, const ProductCase& c);                                                     \
  /* out[i] (256): what thread 127 - i of the other half left; out[256] += lanes elected. */         \
  void named_barriers(int* out, Fault fault);

}  // namespace lacuna::hopper

namespace lacuna::emu::hopper {
using namespace lacuna::hopper;
LACUNA_HOPPER_KERNELS
/// 64 columns, both operands along k, in shared memory.
void faulty_products(float* d, const ProductCase& c, Fault fault);
}  // namespace lacuna::emu::hopper
namespace lacuna::cuda::hopper {
using namespace lacuna::hopper;
LACUNA_HOPPER_KERNELS
}  // namespace lacuna::cuda::hopper
