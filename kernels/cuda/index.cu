// Gather along the middle one of three dimensions, and its transpose
//   math         kernels/index.h
//   shapes       x (outer, n, inner), y (outer, m, inner); gather in any dtype, scatter_add in f32 or bf16
//   method       scatter_add: source rows (single elements where the index differs along inner) are sorted by destination,
//                stably, by 8 bits at a time; then runs of equal destinations are summed. Of a tile of 512 rows thread d
//                of a block writes the places of digit d, walking the tile: no atomics, no barriers, order kept. Runs
//                are cut into pieces of 32 sorted rows, which are summed at once, and a run's pieces are added up in order
//   traffic      gather reads and writes each picked row once. scatter_add reads source once, reads and writes each hit row
//                of y once, and cut runs once more a piece; sorting moves 32 bytes a row for each 8 bits of n (none
//                where m = 1)
//   launch       gather and sums: a thread for 16 bytes where rows allow it, 256 a block
//   numerics     sums in f32: y + (source + source + ...)
//   determinism  yes: the order of additions depends on the index alone
//   checked by   tests/ops/index.cpp, tests/emu/index.cpp
//   measured     not measured
#include "index.cuh"

#include <device/launch.cuh>
#include <device/shared.cuh>
#include <device/vec.cuh>
#include <device/workspace.cuh>

namespace lacuna::LACUNA_NS {
namespace {

constexpr int kThreads = 256;
constexpr int kDigits = 256;
constexpr std::int64_t kTile = 512;  // rows that one block sorts
constexpr std::int64_t kPiece = 32;  // sorted rows that one thread sums

__device__ inline std::int64_t thread_item() {
  return std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
}

Extent blocks_for(std::int64_t items) { return ceil_div(items, kThreads); }

// The index as the kernels see it.
struct Places {
  const std::int64_t* index;
  std::int64_t m, n, strides[3];
  explicit Places(const Array& a, std::int64_t n_)
      : index(a.as<std::int64_t>()),
        m(a.dim(1)),
        n(n_),
        strides{a.strides[0], a.strides[1], a.strides[2]} {}
  // Of row r = (o, i) at k.
  __device__ std::int64_t at(std::int64_t o, std::int64_t i, std::int64_t k) const {
    return index[o * strides[0] + i * strides[1] + k * strides[2]];
  }
};

// True where one index stands for a whole row.
bool whole_rows(const Array& index) { return index.strides[2] == 0 || index.dim(2) == 1; }

// ---- gather: `units` of a row are copied as they are ----

struct alignas(16) Sixteen {
  std::uint32_t words[4];
};

template <class Unit>
__global__ void __launch_bounds__(kThreads)
    pick(Unit* y, const Unit* x, Places places, std::int64_t units, std::int64_t items) {
  const std::int64_t item = thread_item();
  if (item >= items) return;
  const std::int64_t row = item / units, k = item - row * units, o = row / places.m;
  const std::int64_t from = places.at(o, row - o * places.m, places.strides[2] ? k : 0);
  check_aligned(y + item, sizeof(Unit));
  if (from >= 0 && from < places.n) {
    check_aligned(x, sizeof(Unit));
    y[item] = x[(o * places.n + from) * units + k];
  } else {
    memset(y + item, 0xff, sizeof(Unit));
  }
}

// ---- scatter_add ----

struct Entry {
  std::int64_t to, row;  // destination and source row
};

// Destination of each of `rows` source rows (o, i, k), k below `inner`; beyond the last one where the index is bad or
// `skipped`.
__global__ void __launch_bounds__(kThreads)
    make_entries(Entry* entries, Places places, std::int64_t inner, std::int64_t rows,
                 std::int64_t destinations, std::int64_t skipped) {
  const std::int64_t row = thread_item();
  if (row >= rows) return;
  const std::int64_t oi = row / inner, k = row - oi * inner, o = oi / places.m;
  const std::int64_t to = places.at(o, oi - o * places.m, k);
  const bool good = to >= 0 && to < places.n && to != skipped;
  entries[row] = {good ? (o * places.n + to) * inner + k : destinations, row};
}

__device__ inline int digit_of(const Entry& e, int shift) {
  return static_cast<int>((e.to >> shift) & (kDigits - 1));
}

// counts[tile][d]: how many of the tile's entries have digit d
__global__ void __launch_bounds__(kDigits)
    count_digits(std::int64_t* counts, const Entry* entries, std::int64_t rows, int shift) {
  const std::int64_t begin = blockIdx.x * kTile, end = begin + kTile < rows ? begin + kTile : rows;
  std::int64_t count = 0;
  for (std::int64_t i = begin; i < end; i++)
    count += digit_of(entries[i], shift) == static_cast<int>(threadIdx.x);
  counts[blockIdx.x * kDigits + threadIdx.x] = count;
}

// counts[tile][d] becomes the place of the tile's first entry with digit d. One block.
__global__ void __launch_bounds__(kDigits) first_places(std::int64_t* counts, std::int64_t tiles) {
  LACUNA_SHARED(std::int64_t, totals, [kDigits]);
  std::int64_t total = 0, place = 0;
  for (std::int64_t t = 0; t < tiles; t++) total += counts[t * kDigits + threadIdx.x];
  totals[threadIdx.x] = total;
  __syncthreads();
  for (unsigned d = 0; d < threadIdx.x; d++) place += totals[d];
  for (std::int64_t t = 0; t < tiles; t++) {
    const std::int64_t count = counts[t * kDigits + threadIdx.x];
    counts[t * kDigits + threadIdx.x] = place;
    place += count;
  }
}

__global__ void __launch_bounds__(kDigits)
    move_entries(Entry* sorted, const Entry* entries, const std::int64_t* places, std::int64_t rows,
                 int shift) {
  const std::int64_t begin = blockIdx.x * kTile, end = begin + kTile < rows ? begin + kTile : rows;
  std::int64_t place = places[blockIdx.x * kDigits + threadIdx.x];
  for (std::int64_t i = begin; i < end; i++)
    if (digit_of(entries[i], shift) == static_cast<int>(threadIdx.x)) sorted[place++] = entries[i];
}

// Rows as long as `columns`, of which a thread has N: sources and destinations of the sums.
template <class T>
struct Rows {
  T* y;
  const T* source;
  const Entry* entries;  // sorted
  std::int64_t rows, destinations, columns;
  float*
      cut;  // (pieces, 2, columns): the share of a run that begins before the piece, of one that goes on behind it

  __device__ std::int64_t to(std::int64_t i) const { return entries[i].to; }
  template <int N>
  __device__ void add_to(std::int64_t destination, std::int64_t j, const float (&sum)[N]) const {
    float v[N];
    load_vec(v, y + destination * columns, j, columns, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) v[k] += sum[k];
    store_vec(y + destination * columns, j, columns, v);
  }
};

template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    sum_pieces(Rows<T> r, std::int64_t vectors, std::int64_t items) {
  const std::int64_t item = thread_item();
  if (item >= items) return;
  const std::int64_t piece = item / vectors, j = (item - piece * vectors) * N;
  const std::int64_t begin = piece * kPiece;
  const std::int64_t end = begin + kPiece < r.rows ? begin + kPiece : r.rows;
  bool from_before = begin > 0 && r.to(begin - 1) == r.to(begin);
  for (std::int64_t i = begin; i < end;) {
    const std::int64_t to = r.to(i);
    float sum[N], v[N];
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum[k] = 0.0f;
    for (; i < end && r.to(i) == to; i++) {
      load_vec(v, r.source + r.entries[i].row * r.columns, j, r.columns, 0.0f);
      LACUNA_UNROLL
      for (int k = 0; k < N; k++) sum[k] += v[k];
    }
    const bool goes_on = i == end && end < r.rows && r.to(end) == to;
    if (from_before || goes_on)
      store_vec(r.cut + (2 * piece + !from_before) * r.columns, j, r.columns, sum);
    else if (to < r.destinations)
      r.add_to(to, j, sum);
    from_before = false;
  }
}

// The piece in which a cut run begins adds up its shares, in order.
template <class T, int N>
__global__ void __launch_bounds__(kThreads)
    join_pieces(Rows<T> r, std::int64_t vectors, std::int64_t items) {
  const std::int64_t item = thread_item();
  if (item >= items) return;
  std::int64_t piece = item / vectors;
  const std::int64_t j = (item - piece * vectors) * N, begin = piece * kPiece;
  std::int64_t end = begin + kPiece;
  if (end >= r.rows) return;
  const std::int64_t to = r.to(end - 1);
  const bool whole_from_before = r.to(begin) == to && begin > 0 && r.to(begin - 1) == to;
  if (to >= r.destinations || r.to(end) != to || whole_from_before) return;
  float sum[N], v[N];
  load_vec(sum, r.cut + (2 * piece + 1) * r.columns, j, r.columns, 0.0f);
  while (end < r.rows && r.to(end) == to) {
    piece++;
    load_vec(v, r.cut + 2 * piece * r.columns, j, r.columns, 0.0f);
    LACUNA_UNROLL
    for (int k = 0; k < N; k++) sum[k] += v[k];
    end += kPiece;
  }
  r.add_to(to, j, sum);
}

// ---- launchers ----

template <class Unit>
void gather_units(const Gather& a, std::int64_t units, Stream stream) {
  const std::int64_t items = a.y.dim(0) * a.y.dim(1) * units;
  Places places(a.index, a.x.dim(1));
  if (whole_rows(a.index)) places.strides[2] = 0;
  launch({.grid = blocks_for(items), .block = kThreads, .stream = stream, .barriers = false},
         pick<Unit>, a.y.as<Unit>(), a.x.as<Unit>(), places, units, items);
}

template <class T>
void add_rows(const ScatterAdd& a, std::int64_t skipped, Stream stream) {
  const bool whole = whole_rows(a.index);
  const std::int64_t inner = a.y.dim(2), m = a.source.dim(1), columns = whole ? inner : 1;
  const std::int64_t rows = a.source.size() / columns, destinations = a.y.size() / columns;
  const std::int64_t tiles = ceil_div(rows, kTile), pieces = ceil_div(rows, kPiece);
  const Device device = a.y.device;
  const Workspace<Entry> entries(device, 2 * rows);
  const Workspace<std::int64_t> counts(device, tiles * kDigits);
  Entry *from = entries.data(), *to = from + rows;
  launch({.grid = blocks_for(rows), .block = kThreads, .stream = stream, .barriers = false},
         make_entries, from, Places(a.index, a.y.dim(1)), whole ? 1 : inner, rows, destinations,
         skipped);
  for (int shift = 0; m > 1 && shift < 63 && destinations >> shift > 0; shift += 8) {
    launch({.grid = tiles, .block = kDigits, .stream = stream, .barriers = false}, count_digits,
           counts.data(), from, rows, shift);
    launch({.grid = 1, .block = kDigits, .stream = stream}, first_places, counts.data(), tiles);
    launch({.grid = tiles, .block = kDigits, .stream = stream, .barriers = false}, move_entries, to,
           from, counts.data(), rows, shift);
    std::swap(from, to);
  }
  const Workspace<float> cut(device, pieces * 2 * columns);
  const Rows<T> r{a.y.as<T>(), a.source.as<T>(), from, rows, destinations, columns, cut.data()};
  with_vector_width<T>(columns, {r.y, r.source}, [&](auto n) {
    constexpr int N = decltype(n)::value;
    const std::int64_t vectors = columns / N, items = pieces * vectors;
    launch({.grid = blocks_for(items), .block = kThreads, .stream = stream, .barriers = false},
           sum_pieces<T, N>, r, vectors, items);
    launch({.grid = blocks_for(items), .block = kThreads, .stream = stream, .barriers = false},
           join_pieces<T, N>, r, vectors, items);
  });
}

}  // namespace

void gather(const Gather& a, Stream stream) {
  if (a.y.size() == 0) return;
  const std::int64_t inner = a.y.dim(2);
  const std::size_t bytes = size_of(a.y.dtype);
  const auto address =
      reinterpret_cast<std::uintptr_t>(a.y.data) | reinterpret_cast<std::uintptr_t>(a.x.data);
  if (whole_rows(a.index) && inner * bytes % 16 == 0 && address % 16 == 0)
    return gather_units<Sixteen>(a, static_cast<std::int64_t>(inner * bytes / 16), stream);
  if (bytes == 8) return gather_units<std::uint64_t>(a, inner, stream);
  if (bytes == 4) return gather_units<std::uint32_t>(a, inner, stream);
  if (bytes == 2) return gather_units<std::uint16_t>(a, inner, stream);
  gather_units<std::uint8_t>(a, inner, stream);
}

void scatter_add(const ScatterAdd& a, Stream stream) { scatter_add_but(a, -1, stream); }

void scatter_add_but(const ScatterAdd& a, std::int64_t skipped, Stream stream) {
  if (a.source.size() == 0) return;
  a.y.dtype == Dtype::bf16 ? add_rows<bf16>(a, skipped, stream)
                           : add_rows<float>(a, skipped, stream);
}

}  // namespace lacuna::LACUNA_NS
