// The f32 convolution and its input gradient: register tiles that read the image in place.
//   rows      the tile's rows are output pixels, its columns output channels, its sums run over taps and channels
//   classes   pixels that have the same taps inside the image (the interior, each edge, each corner; for a gradient
//             with stride also each phase of the stride) have them at the same distances in memory. Tiles are made of
//             pixels of one class, so that no padding is multiplied or copied, and neighbours in memory are one tap
//   cache     64 columns of weights (as many taps as fit) stay in the second-level cache while the images stream by
#include <algorithm>
#include <vector>

#include "conv2d.h"
#include "gemm_tile.h"
#include "parallel.h"
#include "scratch.h"
#include "winograd.h"

namespace lacuna::cpu {
namespace {

using std::int64_t;

constexpr int64_t kColumns = 64;
constexpr int64_t kWeights = int64_t{448} << 10;  // bytes of weights in use at a time
constexpr int64_t kImages = int64_t{512} << 10;   // bytes of images passed over class by class

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t part_begin(int64_t size, int64_t count, int64_t i) { return size * i / count; }

// Forward and input gradient in the same words: `out` pixels gather from `in` pixels. Slots are the taps in the order
// of their addresses in `in`.
struct Gather {
  int64_t n, in_size[2], out_size[2], in_channels, out_channels, groups, kernel[2];
  const float *in, *weight;
  float* out;
  bool backward;
  Window2d window;

  // The input position that output position i reads through a slot, or -1.
  int64_t source(int axis, int64_t i, int64_t slot) const {
    if (!backward) {
      const int64_t at =
          i * window.stride[axis] + slot * window.dilation[axis] - window.padding[axis];
      return at < in_size[axis] ? std::max<int64_t>(at, -1) : -1;
    }
    const int64_t tap = kernel[axis] - 1 - slot;
    const int64_t from = i + window.padding[axis] - tap * window.dilation[axis];
    if (from < 0 || from % window.stride[axis] != 0) return -1;
    const int64_t at = from / window.stride[axis];
    return at < in_size[axis] ? at : -1;
  }
};

// Output positions along one axis with the same valid slots.
struct AxisClass {
  std::vector<int64_t> slots, distance;  // of each slot's source from the first one's
  std::vector<int64_t> at, source;       // positions, and where their first slot reads
};

std::vector<AxisClass> classify(const Gather& g, int axis) {
  std::vector<AxisClass> classes;
  for (int64_t i = 0; i < g.out_size[axis]; i++) {
    AxisClass one;
    int64_t first = 0;
    for (int64_t s = 0; s < g.kernel[axis]; s++) {
      const int64_t from = g.source(axis, i, s);
      if (from < 0) continue;
      if (one.slots.empty()) first = from;
      one.slots.push_back(s);
      one.distance.push_back(from - first);
    }
    auto same = std::find_if(classes.begin(), classes.end(),
                             [&](const AxisClass& c) { return c.slots == one.slots; });
    if (same == classes.end()) same = classes.insert(same, std::move(one));
    same->at.push_back(i);
    same->source.push_back(first);
  }
  return classes;
}

// Some whole slots, or some channels of one slot: what is summed in one go.
struct Block {
  int64_t slot_begin, slot_end, channel_begin, channel_end;
  int64_t depth() const { return channel_end - channel_begin; }
  int64_t rows() const { return (slot_end - slot_begin) * depth(); }
};

std::vector<Block> blocks(int64_t slots, int64_t kernel_width, int64_t channels) {
  std::vector<Block> list;
  const int64_t fit = std::max<int64_t>(1, kWeights / 4 / kColumns);  // rows of 64 columns
  if (channels > fit) {
    const int64_t parts = ceil_div(channels, fit);
    for (int64_t s = 0; s < slots; s++)
      for (int64_t p = 0; p < parts; p++)
        list.push_back(
            {s, s + 1, part_begin(channels, parts, p), part_begin(channels, parts, p + 1)});
    return list;
  }
  int64_t most = std::max<int64_t>(1, channels ? fit / channels : slots);
  if (most >= kernel_width) most -= most % kernel_width;  // whole rows of the kernel where one fits
  const int64_t parts = ceil_div(slots, std::min(most, slots)), each = ceil_div(slots, parts);
  const int64_t step = each >= kernel_width ? ceil_div(each, kernel_width) * kernel_width : each;
  for (int64_t s = 0; s < slots; s += step)
    list.push_back({s, std::min(s + step, slots), 0, channels});
  return list;
}

// The taps of a class within a block; runs of neighbours in memory are one tap of more depth.
struct Taps {
  std::vector<int64_t> a, b;
  int64_t depth = 0;
};

Taps taps_of(const Gather& g, const AxisClass& rows, const AxisClass& columns, const Block& block) {
  Taps t;
  t.depth = block.depth();
  for (std::size_t u = 0; u < rows.slots.size(); u++)
    for (std::size_t v = 0; v < columns.slots.size(); v++) {
      const int64_t slot = rows.slots[u] * g.kernel[1] + columns.slots[v];
      if (slot < block.slot_begin || slot >= block.slot_end) continue;
      t.a.push_back((rows.distance[u] * g.in_size[1] + columns.distance[v]) * g.in_channels +
                    block.channel_begin);
      t.b.push_back((slot - block.slot_begin) * t.depth);
    }
  const std::size_t n = t.a.size();
  for (std::size_t run = n; run > 1; run--) {
    bool whole = n % run == 0;
    for (std::size_t i = 0; whole && i < n; i++)
      if (i % run != 0) whole = t.a[i] == t.a[i - 1] + t.depth && t.b[i] == t.b[i - 1] + t.depth;
    if (!whole) continue;
    for (std::size_t i = 0; i < n / run; i++) {
      t.a[i] = t.a[i * run];
      t.b[i] = t.b[i * run];
    }
    t.a.resize(n / run);
    t.b.resize(n / run);
    t.depth *= static_cast<int64_t>(run);
    break;
  }
  return t;
}

// Panels of columns [j0, j1) of one group, for the rows of a block.
void pack(const TileSet& set, const Gather& g, const Block& block, int64_t group, int64_t j0,
          int64_t j1, float* to) {
  const int64_t slots = g.kernel[0] * g.kernel[1];
  const int64_t in = g.in_channels / g.groups, out = g.out_channels / g.groups;
  for (int64_t j = j0; j < j1; j += set.panel()) {
    const int64_t columns = std::min(set.panel(), j1 - j);
    if (!g.backward) {  // weight (out, slots, in)
      const int64_t step = slots * in;
      pack_panels(set,
                  g.weight + (group * out + j) * step + block.slot_begin * in + block.channel_begin,
                  1, step, block.rows(), columns, to);
    } else {  // weight (in, taps, out), and slots are taps backwards
      const int64_t step = slots * out;
      for (int64_t s = block.slot_begin; s < block.slot_end; s++)
        pack_panels(
            set, g.weight + (group * in + block.channel_begin) * step + (slots - 1 - s) * out + j,
            step, 1, block.depth(), columns,
            to + (s - block.slot_begin) * block.depth() * set.width(columns));
    }
    to += block.rows() * set.width(columns);
  }
}

// The pixels of a class, as offsets into one input and one output image.
struct Class {
  std::vector<int64_t> in, out;
  std::vector<Taps> taps;  // of each block
};

void gather(const Gather& g, ConvEnd<float> end) {
  const TileSet& set = tile_set();
  const int64_t in = g.in_channels / g.groups, out = g.out_channels / g.groups;
  const int64_t in_image = g.in_size[0] * g.in_size[1] * g.in_channels;
  const int64_t out_image = g.out_size[0] * g.out_size[1] * g.out_channels;
  if (g.n * out_image == 0) return;
  const std::vector<Block> sums = blocks(g.kernel[0] * g.kernel[1], g.kernel[1], in);
  std::vector<Class> classes;
  const std::vector<AxisClass> columns = classify(g, 1);
  int64_t largest_block = 0;
  for (const Block& b : sums) largest_block = std::max(largest_block, b.rows());
  double multiplies = 0;
  for (const AxisClass& r : classify(g, 0))
    for (const AxisClass& c : columns) {
      Class one;
      for (std::size_t i = 0; i < r.at.size(); i++)
        for (std::size_t j = 0; j < c.at.size(); j++) {
          one.in.push_back((r.source[i] * g.in_size[1] + c.source[j]) * g.in_channels);
          one.out.push_back((r.at[i] * g.out_size[1] + c.at[j]) * g.out_channels);
        }
      for (const Block& b : sums) one.taps.push_back(taps_of(g, r, c, b));
      multiplies += static_cast<double>(one.in.size() * r.slots.size() * c.slots.size());
      classes.push_back(std::move(one));
    }
  multiplies *= static_cast<double>(g.n * in * g.out_channels);

  // Pieces: 64 columns of one group for a share of every class's pixels.
  const int64_t column_blocks = ceil_div(out, kColumns), stripes = g.groups * column_blocks;
  const int64_t workers = threads();
  int64_t shares = 1;
  const auto most = static_cast<int64_t>(std::max(1.0, multiplies / 4e5));
  while (stripes * shares * 2 <= most && shares < 4 * workers) {
    const int64_t pieces = stripes * shares;
    if (ceil_div(pieces, workers) * workers <= 1.1 * pieces) break;
    shares++;
  }
  const int64_t images = std::max<int64_t>(1, kImages / 4 / std::max<int64_t>(1, in_image));
  const auto piece = [&](int64_t index) {
    const int64_t group = index / shares / column_blocks, share = index % shares;
    const int64_t j0 = index / shares % column_blocks * kColumns, j1 = std::min(j0 + kColumns, out);
    const int64_t tallest = set.rows(set.width(j1 - j0));
    Scratch<float> panels(largest_block * ceil_div(j1 - j0, set.lanes) * set.lanes);
    const float* a[kMaxTileRows];
    float* c[kMaxTileRows];
    const float* added[kMaxTileRows];
    int64_t c_at[kMaxTileRows];
    Tile tile = {};
    tile.a = a;
    tile.c = c;
    for (std::size_t b = 0; b < sums.size(); b++) {
      const bool last = b + 1 == sums.size();
      pack(set, g, sums[b], group, j0, j1, panels.data());
      const float* const residual = b == 0 ? end.residual : nullptr;
      tile.add = b > 0 || residual;
      tile.added = residual ? added : nullptr;
      tile.relu = last && end.epilogue == Epilogue::relu;
      for (int64_t n0 = 0; n0 < g.n; n0 += images) {
        for (const Class& one : classes) {
          const auto pixels = static_cast<int64_t>(one.in.size());
          const int64_t first = std::max(part_begin(g.n * pixels, shares, share), n0 * pixels);
          const int64_t rest = std::min(part_begin(g.n * pixels, shares, share + 1),
                                        std::min(n0 + images, g.n) * pixels) -
                               first;
          if (rest <= 0) continue;
          const Taps& taps = one.taps[b];
          tile.a_at = taps.a.data();
          tile.b_at = taps.b.data();
          tile.taps = static_cast<int64_t>(taps.a.size());
          tile.depth = taps.depth;
          const TileRows rows(rest, tallest);
          int64_t image = first / pixels, pixel = first % pixels;
          for (int64_t r = 0; r < rows.tiles; r++) {
            const int64_t count = rows.begin(r + 1) - rows.begin(r);
            for (int64_t i = 0; i < count; i++) {
              a[i] = g.in + image * in_image + one.in[pixel] + group * in;
              c_at[i] = image * out_image + one.out[pixel] + group * out;
              if (++pixel == pixels) {
                pixel = 0;
                image++;
              }
            }
            const float* panel = panels.data();
            for (int64_t j = j0; j < j1; j += set.panel()) {
              const int64_t width = set.width(j1 - j);
              for (int64_t i = 0; i < count; i++) c[i] = g.out + c_at[i] + j;
              for (int64_t i = 0; residual && i < count; i++) added[i] = residual + c_at[i] + j;
              tile.columns = std::min(width, j1 - j);
              tile.bias = last && end.bias ? end.bias + group * out + j : nullptr;
              tile.b = panel;
              tile.b_step = tile.b_unit = width;
              panel += sums[b].rows() * width;
              set.run[count][width / set.lanes](tile);
            }
          }
        }
      }
    }
  };
  parallel_for(stripes * shares, 1, [&](int64_t begin, int64_t finish) {
    for (int64_t i = begin; i < finish; i++) piece(i);
  });
  if (end.epilogue == Epilogue::sigmoid || end.epilogue == Epilogue::tanh)
    parallel_for(g.n * out_image, 4096, [&](int64_t begin, int64_t finish) {
      set.finish(g.out + begin, finish - begin, end.epilogue);
    });
}

}  // namespace

std::int64_t fold_columns(ConvSizes& s) {
  const int64_t fold = s.kw;
  if (fold == 1 || s.window.stride[1] != fold || s.window.dilation[1] != 1 ||
      s.window.padding[1] != 0 || s.groups != 1 || s.w != s.ow * fold)
    return 1;
  s.ci *= fold;
  s.w = s.ow;
  s.kw = s.window.stride[1] = 1;
  return fold;
}

void conv_forward(const ConvSizes& given, const float* x, const float* weight, ConvEnd<float> end,
                  float* y) {
  if (winograd_pays(given, end.epilogue)) return winograd_forward(given, x, weight, end, y);
  ConvSizes s = given;
  fold_columns(s);
  gather({s.n,
          {s.h, s.w},
          {s.oh, s.ow},
          s.ci,
          s.co,
          s.groups,
          {s.kh, s.kw},
          x,
          weight,
          y,
          false,
          s.window},
         end);
}

void conv_grad_input(const ConvSizes& given, const float* dy, const float* weight,
                     ConvEnd<float> end, float* dx) {
  if (winograd_pays(given, end.epilogue)) return winograd_grad_input(given, dy, weight, end, dx);
  ConvSizes s = given;
  const int64_t fold = fold_columns(s);
  std::vector<float> bias;
  if (end.bias && fold > 1) {
    for (int64_t i = 0; i < fold; i++) bias.insert(bias.end(), end.bias, end.bias + given.ci);
    end.bias = bias.data();
  }
  gather({s.n,
          {s.oh, s.ow},
          {s.h, s.w},
          s.co,
          s.ci,
          s.groups,
          {s.kh, s.kw},
          dy,
          weight,
          dx,
          true,
          s.window},
         end);
}

}  // namespace lacuna::cpu
