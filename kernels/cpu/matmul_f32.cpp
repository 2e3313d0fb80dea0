// The f32 matrix product: register tiles over packed panels of b.
//   blocks    k in blocks whose 64 columns of b fit half the second-level cache, n in as many columns as still fit;
//             a is read in place through row pointers, or transposed slab by slab where its columns are contiguous and long
//   pieces    a thread takes columns [j0, j1) of rows [r0, r1) and packs the b it needs; every element of c is summed
//             in the same order however the pieces are cut
#include <unistd.h>

#include <algorithm>

#include "gemm_tile.h"
#include "matmul.h"
#include "parallel.h"
#include "scratch.h"

namespace lacuna::cpu {
namespace {

using std::int64_t;

// Bytes of a block of b: half of the second-level cache, but no less than half a megabyte.
int64_t block_bytes() {
  static const int64_t bytes = [] {
    const long cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return std::clamp<int64_t>(cache / 2, int64_t{512} << 10, int64_t{2} << 20);
  }();
  return bytes;
}
constexpr int64_t kSlab = 96;  // rows of a transposed at a time
constexpr int64_t kDotRows = 4;
// A product across (of a layer's weights: a few hundred rows and columns, many samples) reads operands of so short lines where
// they lie: each piece would pack and transpose them for few rows of its own.
constexpr int64_t kNarrow = 512;
constexpr int64_t kChunk = 2048;       // terms of a sum
constexpr int64_t kUnpackedRows = 12;  // up to so many rows of c, b is read where it lies

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Block k of `count`, as equal as can be.
int64_t block_begin(int64_t size, int64_t count, int64_t i) {
  const int64_t least = size / count, more = size % count;
  return i * least + std::min(i, more);
}

// A few rows times a transposed b, as in generating text token by token: packing b would cost more than the product.
bool use_dots(const Product<float>& p) {
  return p.m <= kDotRows && p.b_row == 1 && p.b_column != 1 && p.a_column == 1 && p.k > 0;
}

struct Plan {
  int64_t k_blocks, columns, column_pieces, row_pieces;

  Plan(const Product<float>& p, int64_t batch, const TileSet& set) {
    // A transposed slab shares the cache with b.
    const int64_t whole = p.a_column == 1 ? 1280 : 640, part = p.a_column == 1 ? 1024 : 512;
    k_blocks = p.k <= whole ? 1 : ceil_div(p.k, part);
    const int64_t depth = std::max<int64_t>(1, ceil_div(p.k, k_blocks));
    const int64_t fit = block_bytes() / (4 * depth) / 64 * 64;
    const int64_t most_columns = std::clamp<int64_t>(fit, std::max<int64_t>(64, set.panel()), 512);
    // Pieces of equal width.
    columns = ceil_div(ceil_div(p.n, ceil_div(p.n, most_columns)), 64) * 64;
    const double work = 2.0 * p.m * p.n * std::max<int64_t>(p.k, 1);
    const int64_t workers = threads();
    // A piece below half a million operations (some microseconds) is not worth handing out.
    const auto most = static_cast<int64_t>(std::max(1.0, work / 5e5));
    column_pieces = ceil_div(p.n, columns);
    row_pieces = 1;
    if (use_dots(p)) {  // b is read once and never packed: narrow pieces cost nothing
      columns = 64;
      column_pieces = ceil_div(p.n, columns);
      return;
    }
    while (row_pieces * 2 * column_pieces <= most && p.m / (row_pieces + 1) >= 48) {
      const int64_t pieces = row_pieces * column_pieces * batch;
      if (ceil_div(pieces, workers) * workers <= 1.1 * pieces) break;
      row_pieces++;
    }
  }
};

// The tiles of rows [r0, r1) and columns [j0, j1), k in [k0, k1); a(i) is row i from k0 on. `residual`: what is added
// instead of c, or null.
template <class Row>
void multiply(const TileSet& set, const Product<float>& p, int64_t r0, int64_t r1, int64_t j0,
              int64_t j1, Tile tile, const float* residual, const float* panels,
              int64_t panel_depth, Row a) {
  const int64_t widest = set.width(j1 - j0);
  const TileRows rows(r1 - r0, set.rows(widest));
  const float* arow[kMaxTileRows];
  const float* rrow[kMaxTileRows];
  float* crow[kMaxTileRows];
  tile.a = arow;
  tile.c = crow;
  tile.added = residual ? rrow : nullptr;
  const float* bias = tile.bias;
  for (int64_t r = 0; r < rows.tiles; r++) {
    const int64_t begin = r0 + rows.begin(r), count = r0 + rows.begin(r + 1) - begin;
    for (int64_t i = 0; i < count; i++) arow[i] = a(begin + i);
    const float* panel = panels;
    for (int64_t j = j0; j < j1; j += set.panel()) {
      const int64_t width = set.width(j1 - j);
      for (int64_t i = 0; i < count; i++) crow[i] = p.c + (begin + i) * p.c_row + j;
      for (int64_t i = 0; residual && i < count; i++)
        rrow[i] = residual + (begin + i) * p.c_row + j;
      tile.columns = std::min(width, j1 - j);
      tile.bias = bias ? bias + j : nullptr;
      tile.b = panel;
      if (panel_depth) {
        tile.b_step = width;
        panel += panel_depth * width;
      } else {
        panel += width;  // b itself
      }
      // The next rows' first lines: the hardware follows a row by itself, but only once it has seen it begin.
      if (j + set.panel() >= j1 && tile.a_step == 1)
        for (int64_t i = 0; i < count && begin + count + i < r1; i++)
          for (int64_t l = 0; l < 6; l++) __builtin_prefetch(a(begin + count + i) + 16 * l, 0, 2);
      set.run[count][width / set.lanes](tile);
    }
  }
}

// c[i, j] from its sum; sigmoid and tanh are left to finish().
void store(const Product<float>& p, int64_t i, int64_t j, float sum) {
  if (p.residual) sum += p.residual[i * p.c_row + j];
  if (p.bias) sum += p.bias[j];
  p.c[i * p.c_row + j] = p.epilogue == Epilogue::relu && sum < 0 ? 0 : sum;
}

void finish(const TileSet& set, const Product<float>& p, int64_t r0, int64_t r1, int64_t j0,
            int64_t j1) {
  if (p.epilogue == Epilogue::sigmoid || p.epilogue == Epilogue::tanh)
    for (int64_t i = r0; i < r1; i++) set.finish(p.c + i * p.c_row + j0, j1 - j0, p.epilogue);
}

void piece(const TileSet& set, const Product<float>& p, const Plan& plan, int64_t r0, int64_t r1,
           int64_t j0, int64_t j1) {
  if (use_dots(p)) {
    for (int64_t i = r0; i < r1; i++)
      for (int64_t j = j0; j < j1; j += 4) {
        float sums[4];
        const int64_t columns = std::min<int64_t>(4, j1 - j);
        set.dots(p.a + i * p.a_row, p.b + j * p.b_column, p.b_column, columns, p.k, sums);
        for (int64_t q = 0; q < columns; q++) store(p, i, j + q, sums[q]);
      }
    finish(set, p, r0, r1, j0, j1);
    return;
  }
  const int64_t depth_most = std::max<int64_t>(1, ceil_div(p.k, plan.k_blocks));
  const int64_t rounded = ceil_div(j1 - j0, set.lanes) * set.lanes;
  const bool across = p.a_column != 1, a_in_place = !across || p.a_column <= kNarrow;
  const bool in_place = p.b_column == 1 && (j1 - j0) % set.lanes == 0 &&
                        (r1 - r0 <= kUnpackedRows || (across && p.b_row <= kNarrow));
  Scratch<float> packed(in_place ? 0 : depth_most * rounded);
  const int64_t slab_step = depth_most + 16;  // not a power of two: rows would share cache sets
  Scratch<float> slab(!a_in_place ? kSlab * slab_step : 0);
  const int64_t zero = 0;
  Tile tile = {};
  tile.a_at = tile.b_at = &zero;
  tile.taps = 1;
  for (int64_t block = 0; block < plan.k_blocks; block++) {
    const int64_t k0 = block_begin(p.k, plan.k_blocks, block);
    const int64_t depth = block_begin(p.k, plan.k_blocks, block + 1) - k0;
    const bool last = block + 1 == plan.k_blocks;
    const float* b = p.b + k0 * p.b_row + j0 * p.b_column;
    if (in_place)
      tile.b_step = p.b_row;
    else
      pack_panels(set, b, p.b_row, p.b_column, depth, j1 - j0, packed.data());
    tile.depth = depth;
    tile.add = p.residual || block > 0;
    const float* const residual = block > 0 ? nullptr : p.residual;
    tile.bias = last ? p.bias : nullptr;
    tile.relu = last && p.epilogue == Epilogue::relu;
    const float* panels = in_place ? b : packed.data();
    const int64_t panel_depth = in_place ? 0 : depth;
    if (a_in_place) {
      tile.a_step = p.a_column;
      multiply(set, p, r0, r1, j0, j1, tile, residual, panels, panel_depth,
               [&](int64_t i) { return p.a + i * p.a_row + k0 * p.a_column; });
      continue;
    }
    for (int64_t s = r0; s < r1; s += kSlab) {
      const int64_t end = std::min(s + kSlab, r1);
      set.transpose(p.a + s * p.a_row + k0 * p.a_column, p.a_column, depth, end - s, slab.data(),
                    slab_step);
      multiply(set, p, s, end, j0, j1, tile, residual, panels, panel_depth,
               [&](int64_t i) { return slab.data() + (i - s) * slab_step; });
    }
  }
  finish(set, p, r0, r1, j0, j1);
}

// A small result of a long sum, which makes no pieces: chunks of the sum do, and are added in order.
bool use_chunks(const Product<float>& p) { return p.k >= 8 * kChunk && p.m * p.n <= 96 * 96; }

void multiply_chunks(const Product<float>& p) {
  const TileSet& set = tile_set();
  const int64_t chunks = std::min<int64_t>(p.k / kChunk, 16), size = p.m * p.n;
  Scratch<float> parts(chunks * size);
  Product<float> part = p;
  part.c_row = p.n;
  part.bias = part.residual = nullptr;
  part.epilogue = Epilogue::none;
  parallel_for(chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t k0 = block_begin(p.k, chunks, i);
      Product<float> one = part;
      one.a += k0 * p.a_column;
      one.b += k0 * p.b_row;
      one.c = parts.data() + i * size;
      one.k = block_begin(p.k, chunks, i + 1) - k0;
      Plan plan(one, 1, set);
      plan.row_pieces = 1;
      for (int64_t j = 0; j < p.n; j += plan.columns)
        piece(set, one, plan, 0, p.m, j, std::min(p.n, j + plan.columns));
    }
  });
  for (int64_t i = 0; i < p.m; i++)
    for (int64_t j = 0; j < p.n; j++) {
      float sum = 0;
      for (int64_t c = 0; c < chunks; c++) sum += parts[c * size + i * p.n + j];
      store(p, i, j, sum);
    }
  finish(set, p, 0, p.m, 0, p.n);
}

}  // namespace

void multiply(std::int64_t batch, const Product<float>& first,
              const std::function<Product<float>(std::int64_t)>& product) {
  if (first.m == 0 || first.n == 0) return;
  if (use_chunks(first)) {
    for (int64_t i = 0; i < batch; i++) multiply_chunks(product(i));
    return;
  }
  const TileSet& set = tile_set();
  const Plan plan(first, batch, set);
  const int64_t each = plan.column_pieces * plan.row_pieces;
  const double work = 2.0 * first.m * first.n * std::max<int64_t>(first.k, 1) / each;
  const auto grain = static_cast<int64_t>(std::max(1.0, 1e6 / work));
  parallel_for(batch * each, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const Product<float> p = product(i / each);
      const int64_t column = i % each / plan.row_pieces, row = i % plan.row_pieces;
      piece(set, p, plan, block_begin(p.m, plan.row_pieces, row),
            block_begin(p.m, plan.row_pieces, row + 1), column * plan.columns,
            std::min(p.n, (column + 1) * plan.columns));
    }
  });
}

}  // namespace lacuna::cpu
