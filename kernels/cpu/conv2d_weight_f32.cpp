// The f32 weight gradient of a convolution: for every tap a product of dy, transposed, and the pixels of x that the
// tap reads.
//   sums      run over output pixels, in blocks of some 512 whose dy (transposed once a block) and x stay in the
//             second-level cache for all taps; x is read where it lies, a row of the image at a time
//   pieces    some 64 output channels each; where that makes few pieces the pixels are cut into chunks as well, whose
//             results are added in order. Both depend on the sizes only
//   channels  of x that do not fill whole vectors (the three of a picture): the product is taken the other way round,
//             with x copied to one plane a channel, where taps are shifts; or else with a copy of the windows (im2col)
#include <algorithm>
#include <cstring>
#include <vector>

#include "conv2d.h"
#include "gemm_tile.h"
#include "parallel.h"
#include "scratch.h"
#include "winograd.h"

namespace lacuna::cpu {
namespace {

using std::int64_t;

constexpr int64_t kPixels = 512;                  // of a block
constexpr int64_t kWindows = int64_t{384} << 10;  // bytes of copied windows
constexpr int64_t kSlab = 64;                     // output channels of a piece
constexpr int64_t kPieces = 8;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t part_begin(int64_t size, int64_t count, int64_t i) { return size * i / count; }

struct Plan {
  int64_t ci, co, slots, terms;  // channels of a group; taps; taps * ci
  bool copy;                     // windows are copied
  int64_t rows, blocks;          // image rows of dy in a block, blocks of all rows
  int64_t slabs, chunks;         // of a group's output channels; of the blocks

  Plan(const ConvSizes& s, const TileSet& set)
      : ci(s.ci / s.groups),
        co(s.co / s.groups),
        slots(s.kh * s.kw),
        terms(slots * ci),
        copy(ci % set.lanes != 0) {
    // With a stride the pixels of x that a block reads are more.
    int64_t pixels = s.window.stride[0] * s.window.stride[1] > 1 ? kPixels / 2 : kPixels;
    if (copy) pixels = std::clamp<int64_t>(kWindows / 4 / std::max<int64_t>(terms, 1), 16, kPixels);
    rows = std::max<int64_t>(1, pixels / s.ow);
    blocks = ceil_div(s.n * s.oh, rows);
    slabs = std::max<int64_t>(1, co / kSlab);
    chunks = std::clamp<int64_t>(ceil_div(kPieces, slabs * s.groups), 1, blocks);
  }
};

// Outputs [begin, end) of an axis whose tap lies inside the image.
struct Range {
  int64_t begin, end;
};
Range inside(int64_t tap, int64_t size, int64_t outputs, const Window2d& w, int axis) {
  const int64_t shift = tap * w.dilation[axis] - w.padding[axis], stride = w.stride[axis];
  const int64_t begin = shift < 0 ? ceil_div(-shift, stride) : 0;
  const int64_t end = size > shift ? std::min(outputs, ceil_div(size - shift, stride)) : 0;
  return {std::min(begin, std::max<int64_t>(end, 0)), std::max<int64_t>(end, 0)};
}

// windows[pixel][tap][channel] of image rows [r0, r1) of dy; each pixel's row has `step` floats.
void copy_windows(const ConvSizes& s, const Plan& plan, const float* x, int64_t group, int64_t r0,
                  int64_t r1, int64_t step, float* windows) {
  std::memset(windows, 0, (r1 - r0) * s.ow * step * sizeof(float));
  const bool joined =
      s.window.dilation[1] == 1 && plan.ci == s.ci;  // neighbouring taps are neighbours in memory
  for (int64_t r = r0; r < r1; r++) {
    const int64_t n = r / s.oh, i = r % s.oh;
    for (int64_t p = 0; p < s.kh; p++) {
      const int64_t row = i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
      if (row < 0 || row >= s.h) continue;
      const float* line = x + (n * s.h + row) * s.w * s.ci + group * plan.ci;
      float* to = windows + (r - r0) * s.ow * step + p * s.kw * plan.ci;
      for (int64_t j = 0; j < s.ow; j++, to += step) {
        const int64_t first = j * s.window.stride[1] - s.window.padding[1];
        if (joined) {
          const int64_t q0 = std::max<int64_t>(0, -first), q1 = std::min(s.kw, s.w - first);
          const float* from = line + (first + q0) * s.ci;
          for (int64_t c = 0; c < (q1 - q0) * plan.ci; c++) to[q0 * plan.ci + c] = from[c];
          continue;
        }
        for (int64_t q = 0; q < s.kw; q++) {
          const int64_t column = first + q * s.window.dilation[1];
          if (column < 0 || column >= s.w) continue;
          for (int64_t c = 0; c < plan.ci; c++) to[q * plan.ci + c] = line[column * s.ci + c];
        }
      }
    }
  }
}

void piece(const ConvSizes& s, const Plan& plan, const TileSet& set, const float* dy,
           const float* x, int64_t group, int64_t slab, int64_t chunk, float* dweight) {
  const int64_t o0 = part_begin(plan.co, plan.slabs, slab),
                o1 = part_begin(plan.co, plan.slabs, slab + 1);
  const int64_t block0 = part_begin(plan.blocks, plan.chunks, chunk);
  const int64_t block1 = part_begin(plan.blocks, plan.chunks, chunk + 1);
  const int64_t dyt_step =
      plan.rows * s.ow + 16;  // not a power of two: rows would share cache sets
  const int64_t step = ceil_div(plan.terms, set.lanes) * set.lanes;
  Scratch<float> dyt((o1 - o0) * dyt_step);
  Scratch<float> windows(plan.copy ? plan.rows * s.ow * step : 0);
  std::vector<int64_t> a_at(plan.rows), b_at(plan.rows);
  float* dw = dweight + (group * plan.co + o0) * plan.terms;
  Tile tile = {};
  tile.a_at = a_at.data();
  tile.b_at = b_at.data();
  tile.b_unit = 1;
  for (int64_t block = block0; block < block1; block++) {
    const int64_t r0 = block * plan.rows, r1 = std::min(r0 + plan.rows, s.n * s.oh);
    set.transpose(dy + r0 * s.ow * s.co + group * plan.co + o0, s.co, (r1 - r0) * s.ow, o1 - o0,
                  dyt.data(), dyt_step);
    tile.add = block > block0;
    if (plan.copy) {
      copy_windows(s, plan, x, group, r0, r1, step, windows.data());
      tile.taps = 1;
      tile.depth = (r1 - r0) * s.ow;
      tile.b_step = step;
      a_at[0] = b_at[0] = 0;
      tile.b = windows.data();
      multiply_rows(set, tile, o1 - o0, dyt.data(), dyt_step, plan.terms, dw, plan.terms);
      continue;
    }
    tile.b_step = s.window.stride[1] * s.ci;
    for (int64_t p = 0; p < s.kh; p++)
      for (int64_t q = 0; q < s.kw; q++) {
        const Range rows = inside(p, s.h, s.oh, s.window, 0),
                    columns = inside(q, s.w, s.ow, s.window, 1);
        const int64_t column =
            columns.begin * s.window.stride[1] + q * s.window.dilation[1] - s.window.padding[1];
        tile.taps = 0;
        tile.depth = columns.end - columns.begin;
        for (int64_t r = r0; r < r1 && tile.depth > 0; r++) {
          const int64_t n = r / s.oh, i = r % s.oh;
          if (i < rows.begin || i >= rows.end) continue;
          const int64_t row =
              i * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
          a_at[tile.taps] = (r - r0) * s.ow + columns.begin;
          b_at[tile.taps++] = ((n * s.h + row) * s.w + column) * s.ci;
        }
        if (tile.taps == 0 && tile.add) continue;
        tile.b = x + group * plan.ci;
        multiply_rows(set, tile, o1 - o0, dyt.data(), dyt_step, plan.ci,
                      dw + (p * s.kw + q) * plan.ci, plan.terms);
      }
  }
}

// dweight^T = x^T dy: the rows of the product are (tap, channel), which read planes[row of the kernel][channel][phase
// of the stride][image row of dy][column], with the padding written out. A tap's pixels are neighbours there.
void grad_weight_by_planes(const ConvSizes& s, const TileSet& set, const float* dy, const float* x,
                           float* dweight) {
  const int64_t stride = s.window.stride[1], dilation = s.window.dilation[1];
  const int64_t terms = s.kh * s.kw * s.ci, size = terms * s.co;
  const int64_t rows = std::max<int64_t>(1, kPixels / s.ow), all = s.n * s.oh;
  const int64_t width = s.ow + (s.kw - 1) * dilation / stride + 1, plane = rows * width;
  const int64_t blocks = ceil_div(all, rows), chunks = std::min(kPieces, blocks);
  Scratch<float> parts(chunks * size);
  const auto copy_planes = [&](int64_t r0, int64_t r1, float* planes) {
    for (int64_t p = 0; p < s.kh; p++)
      for (int64_t r = r0; r < r1; r++) {
        const int64_t row =
            r % s.oh * s.window.stride[0] + p * s.window.dilation[0] - s.window.padding[0];
        const bool inside = row >= 0 && row < s.h;
        const float* line = x + (r / s.oh * s.h + row) * s.w * s.ci;
        for (int64_t c = 0; c < s.ci; c++)
          for (int64_t phase = 0; phase < stride; phase++) {
            float* to = planes + ((p * s.ci + c) * stride + phase) * plane + (r - r0) * width;
            for (int64_t j = 0; j < width; j++) {
              const int64_t column = j * stride + phase - s.window.padding[1];
              to[j] = inside && column >= 0 && column < s.w ? line[column * s.ci + c] : 0.0f;
            }
          }
      }
  };
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    Scratch<float> planes(s.kh * s.ci * stride * plane);
    std::vector<int64_t> a_at(rows), b_at(rows);
    for (int64_t r = 0; r < rows; r++) {
      a_at[r] = r * width;
      b_at[r] = r * s.ow;
    }
    const float* a[kMaxTileRows];
    float* c[kMaxTileRows];
    Tile tile = {};
    tile.a = a;
    tile.c = c;
    tile.a_at = a_at.data();
    tile.b_at = b_at.data();
    tile.depth = s.ow;
    tile.b_step = tile.b_unit = s.co;
    const TileRows cut(terms, set.rows(set.width(s.co)));
    for (int64_t chunk = begin; chunk < end; chunk++) {
      const int64_t block0 = part_begin(blocks, chunks, chunk);
      for (int64_t block = block0; block < part_begin(blocks, chunks, chunk + 1); block++) {
        const int64_t r0 = block * rows, r1 = std::min(r0 + rows, all);
        copy_planes(r0, r1, planes.data());
        tile.taps = r1 - r0;
        tile.add = block > block0;
        for (int64_t t = 0; t < cut.tiles; t++) {
          const int64_t first = cut.begin(t), count = cut.begin(t + 1) - first;
          for (int64_t i = 0; i < count; i++) {
            const int64_t term = first + i, channel = term % s.ci, q = term / s.ci % s.kw;
            const int64_t line = term / s.ci / s.kw * s.ci + channel;
            a[i] = planes.data() + (line * stride + q * dilation % stride) * plane +
                   q * dilation / stride;
          }
          for (int64_t j = 0; j < s.co; j += set.panel()) {
            for (int64_t i = 0; i < count; i++)
              c[i] = parts.data() + chunk * size + (first + i) * s.co + j;
            tile.b = dy + r0 * s.ow * s.co + j;
            tile.columns = std::min(set.panel(), s.co - j);
            set.run[count][set.width(s.co - j) / set.lanes](tile);
          }
        }
      }
    }
  });
  for (int64_t chunk = 1; chunk < chunks; chunk++)
    for (int64_t i = 0; i < size; i++) parts[i] += parts[chunk * size + i];
  set.transpose(parts.data(), s.co, terms, s.co, dweight, terms);
}

}  // namespace

void conv_grad_weight(const ConvSizes& given, const float* dy, const float* x, float* dweight) {
  if (winograd_pays(given)) return winograd_grad_weight(given, dy, x, dweight);
  const TileSet& set = tile_set();
  ConvSizes s = given;
  fold_columns(s);
  const int64_t size = s.co * s.kh * s.kw * (s.ci / s.groups);
  if (size == 0) return;
  if (s.n * s.oh * s.ow == 0) {
    std::memset(dweight, 0, size * sizeof(float));
    return;
  }
  const Plan plan(s, set);
  if (plan.copy && s.groups == 1 && s.co % set.lanes == 0)
    return grad_weight_by_planes(s, set, dy, x, dweight);
  Scratch<float> parts(plan.chunks > 1 ? plan.chunks * size : 0);
  float* first = plan.chunks > 1 ? parts.data() : dweight;
  parallel_for(s.groups * plan.slabs * plan.chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t chunk = i % plan.chunks, slab = i / plan.chunks % plan.slabs;
      piece(s, plan, set, dy, x, i / plan.chunks / plan.slabs, slab, chunk, first + chunk * size);
    }
  });
  if (plan.chunks == 1) return;
  parallel_for(size, 16384, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) dweight[i] = parts[i];
    for (int64_t chunk = 1; chunk < plan.chunks; chunk++)
      for (int64_t i = begin; i < end; i++) dweight[i] += parts[chunk * size + i];
  });
}

void column_sums(const float* x, int64_t rows, int64_t columns, float* sums) {
  constexpr int64_t kRows = 512;
  const TileSet& set = tile_set();
  // A few columns would leave most of a vector empty: 16 rows are taken for one, and folded in the end.
  const int64_t fold = columns < 16 ? 16 : 1, wide = columns * fold;
  const int64_t lines = rows / fold, rest = rows - lines * fold;
  const int64_t chunks = std::max<int64_t>(1, ceil_div(lines, kRows));
  Scratch<float> parts(chunks * wide);
  parallel_for(chunks, std::max<int64_t>(1, 65536 / kRows / std::max<int64_t>(wide, 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; i++)
                   set.sum_columns(x + i * kRows * wide, std::min(kRows, lines - i * kRows), wide,
                                   parts.data() + i * wide);
               });
  for (int64_t c = 0; c < columns; c++) {
    double sum = 0;
    for (int64_t i = 0; i < chunks; i++)
      for (int64_t f = 0; f < fold; f++) sum += parts[i * wide + f * columns + c];
    for (int64_t r = 0; r < rest; r++) sum += x[(lines * fold + r) * columns + c];
    sums[c] = static_cast<float>(sum);
  }
}

}  // namespace lacuna::cpu
