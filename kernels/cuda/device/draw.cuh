#pragma once
// How kernels that draw by row share their work: a thread takes four elements of a row, which are one Philox block.
#include <device/strided.cuh>

#include "../../random.h"

namespace lacuna::LACUNA_NS {

/// Rows of n elements in fours, the last of a row perhaps a part of one.
struct Fours {
  std::int64_t rows, n, each;  // `each` fours a row
  Divisor by;
  const std::int64_t* ids;  // (rows, 2), or null: row r is sample r of view 0

  Fours(std::int64_t size, std::int64_t rows_, const Array& ids_)
      : rows(rows_),
        n(rows_ ? size / rows_ : 0),
        each(ceil_div(n, 4)),
        by(each ? static_cast<std::uint64_t>(each) : 1),
        ids(ids_.as<std::int64_t>()) {}
  std::int64_t count() const { return rows * each; }
};

/// What a row's words belong to.
struct RowId {
  std::uint64_t sample, view;
  __device__ RowId(const std::int64_t* ids, std::int64_t row)
      : sample(static_cast<std::uint64_t>(ids ? ids[2 * row] : row)),
        view(static_cast<std::uint64_t>(ids ? ids[2 * row + 1] : 0)) {}
};

/// Four number i.
struct Four : RowId {
  std::int64_t row, first, left,
      at;  // first element in its row, how many are there, and its place in memory
  __device__ Four(const Fours& fours, std::int64_t i) : Four(fours, i, fours.by.divide(i)) {}
  __device__ Philox4 words(RandomKey key) const {
    return draw(key, static_cast<std::uint64_t>(first / 4), sample, view);
  }

 private:
  __device__ Four(const Fours& fours, std::int64_t i, std::int64_t row_)
      : RowId(fours.ids, row_),
        row(row_),
        first((i - row_ * fours.each) * 4),
        left(fours.n - first),
        at(row_ * fours.n + first) {}
};

/// True where every row of n elements at these addresses begins at a multiple of four.
template <class T>
bool fours_aligned(std::int64_t n, std::initializer_list<const void*> arrays) {
  bool all = n % 4 == 0;
  for (const void* p : arrays)
    all = all && reinterpret_cast<std::uintptr_t>(p) % (4 * sizeof(T)) == 0;
  return all;
}

template <class T>
__device__ __forceinline__ void load_four(Vec<T, 4>& out, const T* p, std::int64_t left,
                                          bool aligned) {
  if (aligned) {
    load_some(out, p, 4);
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++) out.v[k] = p[k < left ? k : 0];
  }
}

template <class T>
__device__ __forceinline__ void store_four(T* p, std::int64_t left, bool aligned,
                                           const Vec<T, 4>& in) {
  if (aligned) {
    store_some(p, 4, in);
  } else {
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++)
      if (k < left) p[k] = in.v[k];
  }
}

}  // namespace lacuna::LACUNA_NS
