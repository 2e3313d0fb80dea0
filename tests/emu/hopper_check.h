#pragma once
// What the kernels of hopper_kernels.h must give, by plain loops: for emu, and for a GPU where there is one.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "../../kernels/random.h"
#include "device_buffer.h"
#include "hopper_kernels.h"

namespace lacuna::test {

using namespace lacuna::hopper;
using Bytes = std::vector<unsigned char>;

/// Small integers, exact in bf16: sums of products of them are exact in f32.
inline std::vector<bf16> small_integers(std::size_t n, std::uint64_t seed) {
  std::vector<bf16> v(n);
  for (std::size_t i = 0; i < n; i++)
    v[i] = bf16(static_cast<float>(static_cast<int>(mix64(seed * 1000003 + i) % 15) - 7));
  return v;
}
inline Bytes random_bytes(std::size_t n, std::uint64_t seed) {
  Bytes v(n);
  for (std::size_t i = 0; i < n; i++) v[i] = static_cast<unsigned char>(mix64(seed * 7919 + i));
  return v;
}

// ---- mbarriers ----

inline void check_ring(const Backend& backend, decltype(&emu::hopper::ring) ring) {
  for (int stages : {1, 2, 3, 8})
    for (bool poll : {false, true}) {
      constexpr int kRounds = 11;
      DeviceBuffer<int> out(backend, std::vector<int>(kRounds * 64));
      ring(out.data(), kRounds, stages, poll, Fault::none);
      const std::vector<int> got = out.values();
      for (int i = 0; i < kRounds * 64; i++) ASSERT_EQ(got[i], i / 64 + 1) << stages << " stages";
    }
}

// ---- boxes ----

/// Where byte `offset` of a box lies: units of 16 bytes in lines of 128, XORed with the line's number in its group of 8.
inline int swizzled_place(int offset, int swizzle) {
  if (swizzle == 0) return offset;
  const int line = offset / 128, unit = offset % 128 / 16;
  return line * 128 + (unit ^ line % 8) * 16 + offset % 16;
}

/// Calls f(element of the box, offset in the region's bytes or -1 outside).
template <class F>
void each_element(const Box& b, F f) {
  int count = 1;
  for (int d = 0; d < b.rank; d++) count *= b.box[d];
  for (int e = 0; e < count; e++) {
    std::int64_t offset = 0;
    bool inside = true;
    for (int d = 0, rest = e; d < b.rank; rest /= b.box[d++]) {
      const std::int64_t i = b.at[d] + rest % b.box[d];
      inside &= i >= 0 && i < b.shape[d];
      offset += i * b.strides[d];
    }
    f(e, inside ? offset : std::int64_t{-1});
  }
}
inline std::size_t region_bytes(const Box& b) {
  return static_cast<std::size_t>(b.shape[b.rank - 1] * b.strides[b.rank - 1]);
}
inline std::size_t box_bytes(const Box& b) {
  std::size_t bytes = size_of(b.dtype);
  for (int d = 0; d < b.rank; d++) bytes *= static_cast<std::size_t>(b.box[d]);
  return bytes;
}
inline Box box2(int columns, int rows, int row_bytes, int box_columns, int box_rows, int x, int y,
                int swizzle) {
  return {Dtype::bf16, 2,      {columns, rows}, {2, row_bytes}, {box_columns, box_rows},
          {x, y},      swizzle};
}

/// Inside, over each edge, wholly outside; padded rows; every rank; other types.
inline std::vector<Box> boxes() {
  std::vector<Box> all;
  for (int swizzle : {0, 3}) {
    for (const auto& [x, y] :
         {std::pair{0, 0}, {64, 8}, {72, 33}, {-8, 0}, {-3, -2}, {100, 40}, {0, 45}, {200, 0}})
      all.push_back(box2(101, 45, 224, 64, 16, x, y, swizzle));
    all.push_back(box2(64, 128, 128, 64, 128, 0, 0, swizzle));
    all.push_back({Dtype::f32, 3, {40, 5, 3}, {4, 160, 800}, {32, 3, 2}, {16, 1, 1}, swizzle});
    all.push_back({Dtype::bf16,
                   4,
                   {64, 4, 3, 2},
                   {2, 144, 592, 1792},
                   {64, 2, 2, 2},
                   {0, 3, -1, 1},
                   swizzle});
    all.push_back({Dtype::bf16,
                   5,
                   {64, 2, 2, 2, 2},
                   {2, 128, 256, 512, 1024},
                   {64, 2, 1, 2, 2},
                   {0, 0, 1, 1, 0},
                   swizzle});
  }
  all.push_back({Dtype::i64, 1, {100}, {8}, {32}, {80}, 0});
  all.push_back({Dtype::u8, 2, {50, 7}, {1, 64}, {32, 4}, {30, 5}, 0});
  return all;
}

inline void check_load(const Backend& backend, decltype(&emu::hopper::load) load) {
  for (const Box& b : boxes()) {
    const Bytes data = random_bytes(region_bytes(b), 1);
    DeviceBuffer<unsigned char> from(backend, data);
    DeviceBuffer<unsigned char> image(backend, Bytes(box_bytes(b)));
    load(image.data(), from.data(), b, Fault::none);
    Bytes expected(box_bytes(b));
    const int size = static_cast<int>(size_of(b.dtype));
    each_element(b, [&](int e, std::int64_t offset) {
      for (int i = 0; i < size; i++)
        expected[swizzled_place(e * size + i, b.swizzle)] = offset < 0 ? 0 : data[offset + i];
    });
    ASSERT_EQ(image.values(), expected) << b.rank << "-d at " << b.at[0] << ", " << b.at[1];
    ASSERT_TRUE(image.bands_intact());
  }
}

inline void check_store(const Backend& backend, decltype(&emu::hopper::store) store) {
  for (const Box& b : boxes()) {
    Bytes data = random_bytes(region_bytes(b), 2);
    const Bytes box = random_bytes(box_bytes(b), 3);
    DeviceBuffer<unsigned char> to(backend, data), image(backend, box);
    store(to.data(), image.data(), b, Fault::none);
    const int size = static_cast<int>(size_of(b.dtype));
    each_element(b, [&](int e, std::int64_t offset) {
      for (int i = 0; i < size && offset >= 0; i++)
        data[offset + i] = box[swizzled_place(e * size + i, b.swizzle)];
    });
    ASSERT_EQ(to.values(), data) << b.rank << "-d at " << b.at[0] << ", " << b.at[1];
    ASSERT_TRUE(to.bands_intact());
  }
}

/// A convolution's loops: outputs in order from the one whose base is given, each with its pixel under the tap.
inline void check_load_image(const Backend& backend, decltype(&emu::hopper::load_image) load) {
  for (const Pixels& p : {Pixels{2, 5, 6, 64, 3, 3, 1, 1, 64, 64, 0, {-1, -1, 0}, {0, 0}},
                          {2, 5, 6, 64, 3, 3, 1, 1, 64, 64, 0, {-1, -1, 0}, {2, 1}},
                          {3, 4, 4, 72, 3, 3, 1, 1, 40, 64, 16, {2, 1, 1}, {1, 2}},
                          {2, 7, 9, 64, 3, 3, 1, 2, 24, 64, 0, {-1, 1, 0}, {2, 0}},
                          {2, 8, 8, 128, 2, 2, 0, 2, 48, 64, 64, {0, 0, 0}, {1, 1}},
                          {1, 6, 7, 64, 1, 5, 2, 1, 16, 64, 0, {-2, -2, 0}, {4, 0}}}) {
    const auto data = small_integers(static_cast<std::size_t>(p.n * p.h * p.w * p.c), 6);
    DeviceBuffer<bf16> from(backend, data);
    Bytes expected(static_cast<std::size_t>(p.pixels * p.channels * 2));
    DeviceBuffer<unsigned char> image(backend, expected);
    load(image.data(), from.data(), p);
    int base_w = p.base[0], base_h = p.base[1], n = p.base[2];
    for (int pixel = 0; pixel < p.pixels; pixel++) {
      const int w = base_w + p.tap[0], h = base_h + p.tap[1];
      const bool inside = n < p.n && h >= 0 && h < p.h && w >= 0 && w < p.w;
      for (int c = 0; c < p.channels; c++)
        if (inside && p.first_channel + c < p.c)
          std::memcpy(
              &expected[static_cast<std::size_t>(swizzled_place((pixel * p.channels + c) * 2, 3))],
              &data[static_cast<std::size_t>(((n * p.h + h) * p.w + w) * p.c + p.first_channel +
                                             c)],
              2);
      if ((base_w += p.stride) + p.s <= p.w + p.padding) continue;
      base_w = -p.padding;
      if ((base_h += p.stride) + p.r <= p.h + p.padding) continue;
      base_h = -p.padding;
      n++;
    }
    ASSERT_EQ(image.values(), expected) << p.h << " x " << p.w << " by " << p.r << " x " << p.s;
  }
}

// ---- products ----

/// A tile (lines, k) in shared memory and how a descriptor speaks of it. With a swizzle of s lines of 16 << s bytes: along k
/// one line each, along M or N panels of as many elements. Without: blocks of 8 by 16 bytes, along k those of neighbouring
/// lines first, along M or N those of neighbouring k.
struct Tile {
  Image image;
  Bytes bytes;
};
inline Tile tile_of(const std::vector<bf16>& rows, int lines, int k, bool mn_major, int swizzle) {
  Tile t;
  t.image.size = lines * k * 2;
  t.image.mn_major = mn_major;
  const int line_bytes = 16 << swizzle;
  if (swizzle == 0 && !mn_major) t.image.stride = 128, t.image.leading = lines * 16;
  if (swizzle == 0 && mn_major) t.image.leading = 128, t.image.stride = k * 16;
  if (swizzle != 0)
    t.image.stride = 8 * line_bytes, t.image.leading = mn_major ? k * line_bytes : 16;
  t.image.step = swizzle == 0 ? 2 * t.image.leading : mn_major ? 16 * line_bytes : 32;
  t.bytes.resize(static_cast<std::size_t>(t.image.size));
  for (int line = 0; line < lines; line++)
    for (int j = 0; j < k; j++) {
      int at;
      if (swizzle == 0)
        at = mn_major ? line / 8 * t.image.stride + j / 8 * 128 + j % 8 * 16 + line % 8 * 2
                      : j / 8 * t.image.leading + line / 8 * 128 + line % 8 * 16 + j % 8 * 2;
      else if (mn_major)
        at = line * 2 / line_bytes * t.image.leading + j * line_bytes + line * 2 % line_bytes;
      else
        at = line * line_bytes + j * 2;
      // Bits 4 .. of the address XOR bits 7 ..
      if (swizzle != 0) at ^= (at / 128 % (1 << swizzle)) * 16;
      std::memcpy(&t.bytes[static_cast<std::size_t>(at)],
                  &rows[static_cast<std::size_t>(line * k + j)], 2);
    }
  return t;
}

/// Sum i of thread t, by the table of PTX ISA's "Register Fragments" of wgmma.
inline float expected_sum(const std::vector<bf16>& a, const std::vector<bf16>& b, int k, int t,
                          int i) {
  const int row = t / 32 * 16 + t % 32 / 4 + (i % 4 >= 2 ? 8 : 0);
  const int column = i / 4 * 8 + t % 4 * 2 + i % 2;
  float sum = 0;
  for (int j = 0; j < k; j++)
    sum += static_cast<float>(a[static_cast<std::size_t>(row * k + j)]) *
           static_cast<float>(b[static_cast<std::size_t>(column * k + j)]);
  return sum;
}

inline void check_products(const Backend& backend, decltype(&emu::hopper::products) products) {
  for (int n : {64, 128, 256})
    for (int swizzle : {0, 1, 2, 3})
      for (int form = 0; form < 6; form++) {
        const bool registers = form >= 4, a_mn = !registers && form / 2 == 1, b_mn = form % 2 == 1;
        // A line along k holds no more than its span.
        const int k = swizzle == 0 || (a_mn && b_mn) || (registers && b_mn) ? 64 : 8 << swizzle;
        const auto a = small_integers(static_cast<std::size_t>(64 * k), 4),
                   b = small_integers(static_cast<std::size_t>(n * k), 5);
        Tile a_tile, b_tile = tile_of(b, n, k, b_mn, swizzle);
        if (!registers) a_tile = tile_of(a, 64, k, a_mn, swizzle);
        DeviceBuffer<unsigned char> a_bytes(backend, a_tile.bytes), b_bytes(backend, b_tile.bytes);
        DeviceBuffer<bf16> a_rows(backend, a);
        DeviceBuffer<float> d(backend, std::vector<float>(static_cast<std::size_t>(64 * n)));
        ProductCase c{
            n, k, swizzle, 2, a_tile.image, b_tile.image, registers ? a_rows.data() : nullptr};
        c.a.bytes = a_bytes.data();
        c.b.bytes = b_bytes.data();
        products(d.data(), c);
        const std::vector<float> got = d.values();
        for (int t = 0; t < 128; t++)
          for (int i = 0; i < n / 2; i++)
            ASSERT_EQ(got[static_cast<std::size_t>(t * n / 2 + i)], 2 * expected_sum(a, b, k, t, i))
                << "n " << n << ", swizzle " << swizzle << ", form " << form << ", thread " << t
                << ", sum " << i;
        ASSERT_TRUE(d.bands_intact());
      }
}

inline void check_named_barriers(const Backend& backend,
                                 decltype(&emu::hopper::named_barriers) named_barriers) {
  DeviceBuffer<int> out(backend, std::vector<int>(257));
  named_barriers(out.data(), Fault::none);
  const std::vector<int> got = out.values();
  for (int i = 0; i < 128; i++) {
    EXPECT_EQ(got[i], -(128 - i));
    EXPECT_EQ(got[128 + i], 128 - i);
  }
  EXPECT_EQ(got[256], 8) << "a lane each of 8 warps";
}

}  // namespace lacuna::test
