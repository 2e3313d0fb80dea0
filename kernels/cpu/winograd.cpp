// The f32 convolutions of winograd.h.
//   blocks   some tiles of the image are transformed, multiplied and transformed back while they stay in the second-level cache
//   weights  are transformed once a call, into the panels that the register tile reads
//   sums     an element of a product is one sum over the channels (or, of a gradient of weights, over the tiles of each round,
//            and of rounds in order): nothing depends on the number of threads
#include "winograd.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "../winograd.h"
#include "gemm_tile.h"
#include "parallel.h"
#include "scratch.h"

namespace lacuna {

namespace {
std::atomic<bool> wanted{true};
}  // namespace

void set_winograd(bool on) { wanted = on; }
bool winograd() { return wanted; }

namespace cpu {
namespace {

using std::int64_t;

constexpr int64_t kPoints = 36;
constexpr int64_t kPanel = 64;  // columns of transformed weights, as a panel of the register tile
constexpr int64_t kLine =
    16;  // between planes of points, so that their sizes are not powers of two: they would share cache sets
constexpr int64_t kBlock = int64_t{1} << 20;  // bytes of transformed tiles in use by a thread
constexpr int64_t kRound = int64_t{16}
                           << 20;  // bytes of transformed tiles of a round of grad_weight

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Images cut into tiles of 4x4; a tile at the border reaches beyond the image.
struct Tiles {
  int64_t n, h, w;  // of the image that is cut
  int64_t rows, columns, count;
  Tiles(int64_t n, int64_t h, int64_t w)
      : n(n),
        h(h),
        w(w),
        rows(ceil_div(h, 4)),
        columns(ceil_div(w, 4)),
        count(n * rows * columns) {}

  // pixels[size * size] of channel 0, from (4 row - shift, 4 column - shift) of tile t on; `outside` where there is no image.
  template <class T>
  void pixels(int64_t t, T* image, int64_t height, int64_t width, int64_t channels, int64_t size,
              int64_t shift, T* outside, T** to) const {
    const int64_t tile = t % (rows * columns);
    T* const one = image + t / (rows * columns) * height * width * channels;
    const int64_t y0 = tile / columns * 4 - shift, x0 = tile % columns * 4 - shift;
    for (int64_t y = y0; y < y0 + size; y++) {
      T* const line = one + y * width * channels;
      if (y >= 0 && y < height && x0 >= 0 && x0 + size <= width) {
        for (int64_t x = x0; x < x0 + size; x++) *to++ = line + x * channels;
        continue;
      }
      for (int64_t x = x0; x < x0 + size; x++)
        *to++ = y >= 0 && y < height && x >= 0 && x < width ? line + x * channels : outside;
    }
  }
};

// Forward and the input's gradient in the same words: `out` (n, h, w, co) from `in` (n, in_h, in_w, ci).
struct Filter {
  int64_t n, in_h, in_w, ci, h, w, co, padding;
  const float *in, *weight;
  float* out;
  bool backward;
};

// [point][panel of 64 out channels][in channel][column].
void transform_weights(const Filter& f, const TileSet& set, const WinogradTransforms& t,
                       int64_t step, float* to) {
  const int64_t panels = ceil_div(f.co, kPanel);
  if (f.backward) {  // weight (ci, 9, co): lines of out channels, taps turned round
    parallel_for(f.ci, 8, [&](int64_t begin, int64_t end) {
      const float* taps[9];
      for (int64_t c = begin; c < end; c++)
        for (int64_t p = 0; p < panels; p++) {
          const int64_t here = std::min(kPanel, f.co - p * kPanel);
          for (int64_t k = 0; k < 9; k++) taps[k] = f.weight + (c * 9 + 8 - k) * f.co + p * kPanel;
          t.weight(taps, here, to + p * f.ci * kPanel + c * here, step);
        }
    });
    return;
  }
  // weight (co, 9, ci): lines of in channels, to be transposed.
  constexpr int64_t kChannels = 32;
  const int64_t pieces = ceil_div(f.ci, kChannels);
  parallel_for(panels * pieces, 1, [&](int64_t begin, int64_t end) {
    Scratch<float> lines(kPoints * kPanel * kChannels);
    const float* taps[9];
    for (int64_t i = begin; i < end; i++) {
      const int64_t o0 = i / pieces * kPanel, columns = std::min(kPanel, f.co - o0);
      const int64_t c0 = i % pieces * kChannels, depth = std::min(kChannels, f.ci - c0);
      for (int64_t o = 0; o < columns; o++) {
        for (int64_t k = 0; k < 9; k++) taps[k] = f.weight + ((o0 + o) * 9 + k) * f.ci + c0;
        t.weight(taps, depth, lines.data() + o * depth, kPanel * kChannels);
      }
      for (int64_t k = 0; k < kPoints; k++)
        set.transpose(lines.data() + k * kPanel * kChannels, depth, columns, depth,
                      to + k * step + o0 * f.ci + c0 * columns, columns);
    }
  });
}

// c rows (+)= a rows * b of one point; panels of b follow each other.
void multiply(const TileSet& set, Tile tile, int64_t rows, const float* a, int64_t a_row,
              const float* panels, int64_t columns, float* c, int64_t c_row) {
  const int64_t zero = 0;
  tile.a_at = tile.b_at = &zero;
  tile.taps = tile.b_unit = 1;
  for (int64_t j = 0; j < columns; j += kPanel) {
    tile.b = panels + j * tile.depth;
    tile.b_step = std::min(kPanel, columns - j);
    multiply_rows(set, tile, rows, a, a_row, tile.b_step, c + j, c_row);
  }
}

void filter(const Filter& f, ConvEnd<float> end) {
  const TileSet& set = tile_set();
  const WinogradTransforms& t = winograd_transforms();
  const Tiles tiles(f.n, f.h, f.w);
  const int64_t weights = f.ci * f.co + kLine;
  Scratch<float> u(kPoints * weights);
  transform_weights(f, set, t, weights, u.data());
  // As many tiles as fit, in as many blocks as there is work for all threads.
  const int64_t fit = std::clamp<int64_t>(kBlock / (4 * kPoints * (f.ci + f.co)) / 6 * 6, 36, 96);
  const int64_t blocks =
      std::max(ceil_div(tiles.count, fit), std::min<int64_t>(threads(), tiles.count / 24));
  const int64_t most = ceil_div(tiles.count, blocks);
  const std::vector<float> nothing(f.ci, 0.0f);
  parallel_for(blocks, 1, [&](int64_t begin, int64_t finish) {
    const int64_t v_step = kPoints * f.ci + kLine, m_step = kPoints * f.co + kLine;  // of a tile
    Scratch<float> v(most * v_step), m(most * m_step), dump(f.co);
    const float* pixels[36];
    float* y[16];
    const float* residual[16];
    Tile tile = {};
    tile.depth = f.ci;
    for (int64_t block = begin; block < finish; block++) {
      const int64_t first = tiles.count * block / blocks,
                    count = tiles.count * (block + 1) / blocks - first;
      for (int64_t i = 0; i < count; i++) {
        tiles.pixels(first + i, f.in, f.in_h, f.in_w, f.ci, 6, f.padding, nothing.data(), pixels);
        t.image(pixels, f.ci, v.data() + i * v_step, f.ci);
      }
      for (int64_t k = 0; k < kPoints; k++)
        multiply(set, tile, count, v.data() + k * f.ci, v_step, u.data() + k * weights, f.co,
                 m.data() + k * f.co, m_step);
      for (int64_t i = 0; i < count; i++) {
        tiles.pixels(first + i, f.out, f.h, f.w, f.co, 4, 0, dump.data(), y);
        if (end.residual)
          tiles.pixels<const float>(first + i, end.residual, f.h, f.w, f.co, 4, 0, dump.data(),
                                    residual);
        t.result(m.data() + i * m_step, f.co, f.co, end.bias, end.residual ? residual : nullptr,
                 end.epilogue == Epilogue::relu, y);
      }
    }
  });
}

}  // namespace

bool winograd_pays(const ConvSizes& s, Epilogue epilogue) {
  if (epilogue != Epilogue::none && epilogue != Epilogue::relu) return false;
  const auto one = [](const std::int64_t(&pair)[2]) { return pair[0] == 1 && pair[1] == 1; };
  if (!winograd() || s.kh != 3 || s.kw != 3 || s.groups != 1 || !one(s.window.stride) ||
      !one(s.window.dilation) || s.window.padding[0] != s.window.padding[1] ||
      s.window.padding[0] > 2 || s.oh < 1 || s.ow < 1)
    return false;
  const int64_t lanes = tile_set().lanes;
  if (s.ci % lanes != 0 || s.co % lanes != 0 || s.ci < 32 || s.co < 32) return false;
  const Tiles tiles(s.n, s.oh, s.ow);
  // The transforms cost about as much again as the products; border tiles are computed whole.
  return tiles.count >= 48 && 2 * kPoints * tiles.count <= 9 * s.n * s.oh * s.ow;
}

void winograd_forward(const ConvSizes& s, const float* x, const float* weight, ConvEnd<float> end,
                      float* y) {
  filter({s.n, s.h, s.w, s.ci, s.oh, s.ow, s.co, s.window.padding[0], x, weight, y, false}, end);
}

void winograd_grad_input(const ConvSizes& s, const float* dy, const float* weight,
                         ConvEnd<float> end, float* dx) {
  filter({s.n, s.oh, s.ow, s.co, s.h, s.w, s.ci, 2 - s.window.padding[0], dy, weight, dx, true},
         end);
}

void winograd_grad_weight(const ConvSizes& s, const float* dy, const float* x, float* dweight) {
  const TileSet& set = tile_set();
  const WinogradTransforms& t = winograd_transforms();
  const Tiles tiles(s.n, s.oh, s.ow);
  const int64_t round = std::clamp<int64_t>(kRound / (4 * kPoints * (s.ci + s.co)), 48, 512);
  const int64_t rounds = ceil_div(tiles.count, round), most = ceil_div(tiles.count, rounds);
  const int64_t v_step = most * s.ci + kLine, w_step = most * s.co + kLine,
                m_step = s.co * s.ci + kLine;
  Scratch<float> v(kPoints * v_step), w(kPoints * w_step), m(kPoints * m_step);
  const std::vector<float> nothing(std::max(s.ci, s.co), 0.0f);
  const int64_t slabs = ceil_div(s.co, kPanel);
  for (int64_t r = 0; r < rounds; r++) {
    const int64_t first = tiles.count * r / rounds, count = tiles.count * (r + 1) / rounds - first;
    parallel_for(count, 8, [&](int64_t begin, int64_t end) {
      const float* pixels[36];
      for (int64_t i = begin; i < end; i++) {
        tiles.pixels(first + i, x, s.h, s.w, s.ci, 6, s.window.padding[0], nothing.data(), pixels);
        // Panels of 64 channels, each [tile][channel].
        for (int64_t c = 0; c < s.ci; c += kPanel) {
          const int64_t here = std::min(kPanel, s.ci - c);
          t.image(pixels, here, v.data() + c * count + i * here, v_step);
          for (const float*& p : pixels) p += p == nothing.data() ? 0 : here;
        }
        tiles.pixels(first + i, dy, s.oh, s.ow, s.co, 4, 0, nothing.data(), pixels);
        t.gradient(pixels, s.co, w.data() + i * s.co, w_step);
      }
    });
    parallel_for(kPoints * slabs, 1, [&](int64_t begin, int64_t end) {
      const int64_t depth_step = most + kLine;
      Scratch<float> across(kPanel * depth_step);
      Tile tile = {};
      tile.depth = count;
      tile.add = r > 0;
      for (int64_t i = begin; i < end; i++) {
        const int64_t k = i / slabs, o = i % slabs * kPanel, rows = std::min(kPanel, s.co - o);
        set.transpose(w.data() + k * w_step + o, s.co, count, rows, across.data(), depth_step);
        multiply(set, tile, rows, across.data(), depth_step, v.data() + k * v_step, s.ci,
                 m.data() + k * m_step + o * s.ci, s.ci);
      }
    });
  }
  parallel_for(s.co, 4, [&](int64_t begin, int64_t end) {
    float* taps[9];
    for (int64_t o = begin; o < end; o++) {
      for (int64_t k = 0; k < 9; k++) taps[k] = dweight + (o * 9 + k) * s.ci;
      t.weight_gradient(m.data() + o * s.ci, m_step, s.ci, taps);
    }
  });
}

}  // namespace cpu
}  // namespace lacuna
