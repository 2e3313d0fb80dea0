#pragma once
// The register tile that matrix products and convolutions are made of, and what prepares its operands.
#include <cstddef>
#include <cstdint>

#include "../epilogue.h"

namespace lacuna::cpu {

/// c[i][j] = end(sum over t, k of a[i][a_at[t] + k * a_step] * b[b_at[t] * b_unit + k * b_step + j] + [add] added[i][j]).
/// A matrix product has one tap. A convolution has one a tap of its kernel (or a run of taps that are neighbours in
/// memory), so that images are read where they lie. Sums run over t, then k, whatever the tile's size: a tile
/// boundary never shows in the result.
struct Tile {
  const float* const* a;     // [rows]
  const std::int64_t* a_at;  // [taps], in elements
  const float* b;            // b_step >= the tile's width, all of which is read
  const std::int64_t* b_at;  // [taps], in b_unit
  std::int64_t b_step, b_unit;
  std::int64_t taps, depth;
  float* const* c;            // [rows]
  std::int64_t columns;       // of the tile's width, those that are written
  const float* bias;          // [columns], or null
  const float* const* added;  // [rows], or null: c itself
  bool add, relu;
  std::int64_t a_step = 1;
};

inline constexpr int kMaxTileRows = 12;

/// What the best instruction set of this machine has.
struct TileSet {
  std::int64_t lanes;  // floats of a vector
  int vectors;         // a panel has up to so many: 4 with 32 registers, 2 with 16
  void (*run[kMaxTileRows + 1][5])(
      const Tile&);  // [rows][vectors]; more than 6 rows for one vector only
  /// to[c * to_step + r] = from[r * from_step + c] for r < rows, c < columns.
  void (*transpose)(const float* from, std::int64_t from_step, std::int64_t rows,
                    std::int64_t columns, float* to, std::int64_t to_step);
  /// sums[j] = sum over k of a[k] * b[j * b_step + k], for up to 4 columns j.
  void (*dots)(const float* a, const float* b, std::int64_t b_step, std::int64_t columns,
               std::int64_t depth, float* sums);
  /// sums[c] = sum over r of x[r * columns + c], for any number of columns.
  void (*sum_columns)(const float* x, std::int64_t rows, std::int64_t columns, float* sums);
  /// x[i] = epilogue(x[i])
  void (*finish)(float* x, std::int64_t n, Epilogue);

  std::int64_t panel() const { return lanes * vectors; }
  /// Width of the panel for a rest of `columns`: a whole number of vectors.
  std::int64_t width(std::int64_t columns) const {
    return columns >= panel() ? panel() : (columns + lanes - 1) / lanes * lanes;
  }
  /// Rows of the tallest tile for panels of this width.
  std::int64_t rows(std::int64_t width) const { return width == lanes ? kMaxTileRows : 6; }
};
const TileSet& tile_set();

/// Rows of each of the tiles that `rows` are cut into: as equal as can be, so that no tile is left with one or two.
struct TileRows {
  std::int64_t tiles, least, more;  // the first `more` tiles have least + 1
  TileRows(std::int64_t rows, std::int64_t most)
      : tiles((rows + most - 1) / most),
        least(tiles ? rows / tiles : 0),
        more(tiles ? rows % tiles : 0) {}
  std::int64_t begin(std::int64_t tile) const { return tile * least + (tile < more ? tile : more); }
};

/// Panel by panel: to[panel][k][j] = from[k * row + j * column], columns past `columns` zero. One of row and column is
/// 1. `to` has room for depth * (columns rounded up to lanes).
void pack_panels(const TileSet&, const float* from, std::int64_t row, std::int64_t column,
                 std::int64_t depth, std::int64_t columns, float* to);

/// Rows of c (+)= rows of a times tile.b, `columns` of them: runs the tile over all, with its a, c, b and columns set here. Rows of
/// a and of c are a_row and c_row apart.
void multiply_rows(const TileSet&, Tile tile, std::int64_t rows, const float* a, std::int64_t a_row,
                   std::int64_t columns, float* c, std::int64_t c_row);

}  // namespace lacuna::cpu
