#include "knn.h"

#include <algorithm>
#include <cmath>

#include "../core/ops/layer_norm.h"
#include "../core/ops/matmul.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../kernels/cpu/parallel.h"

namespace lacuna {
namespace {

constexpr const char* kKnnOp = "knn";
constexpr std::int64_t kQueries = 256, kBank = 4096;  // a block of products: 4 MB

struct Found {
  float cosine;
  std::int64_t id;
};
bool nearer(const Found& a, const Found& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id;
}

// The k nearest so far, as a heap with the farthest of them on top.
void take(std::vector<Found>& heap, std::size_t k, const Found& found) {
  if (heap.size() == k && !nearer(found, heap.front())) return;
  if (heap.size() == k) {
    std::pop_heap(heap.begin(), heap.end(), nearer);
    heap.back() = found;
  } else {
    heap.push_back(found);
  }
  std::push_heap(heap.begin(), heap.end(), nearer);
}

}  // namespace

Neighbours nearest(const Tensor& bank, const Tensor& queries, std::int64_t k) {
  LACUNA_CHECK(bank.defined() && queries.defined() && bank.ndim() == 2 && queries.ndim() == 2 &&
                   bank.dim(1) == queries.dim(1) && bank.dtype() == Dtype::f32 &&
                   queries.dtype() == Dtype::f32,
               kKnnOp, "bank and queries must be f32 vectors of one width: got ",
               describe("bank", bank), ", ", describe("queries", queries));
  LACUNA_CHECK(k >= 1 && k <= bank.dim(0), kKnnOp, "k must be from 1 to the ", bank.dim(0),
               " samples of the bank: got ", k);
  NoGrad guard;
  const Tensor unit = l2_normalise(contiguous(bank)), asked = l2_normalise(contiguous(queries));
  const std::int64_t n = asked.dim(0), m = unit.dim(0);
  Neighbours out;
  out.k = k;
  out.ids.resize(static_cast<std::size_t>(n * k));
  out.cosines.resize(static_cast<std::size_t>(n * k));
  for (std::int64_t q = 0; q < n; q += kQueries) {
    const std::int64_t rows = std::min(kQueries, n - q);
    const Tensor some = slice(asked, 0, q, q + rows);
    std::vector<std::vector<Found>> heaps(static_cast<std::size_t>(rows));
    for (std::int64_t b = 0; b < m; b += kBank) {
      const std::int64_t columns = std::min(kBank, m - b);
      const Tensor products = contiguous(
          to(matmul(some, slice(unit, 0, b, b + columns), {.transpose_b = true}), Device{}));
      const float* const cosines = products.data<float>();
      cpu::parallel_for(rows, 8, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; i++)
          for (std::int64_t j = 0; j < columns; j++)
            take(heaps[static_cast<std::size_t>(i)], static_cast<std::size_t>(k),
                 {cosines[i * columns + j], b + j});
      });
    }
    for (std::int64_t i = 0; i < rows; i++) {
      auto& heap = heaps[static_cast<std::size_t>(i)];
      std::sort(heap.begin(), heap.end(), nearer);
      for (std::int64_t j = 0; j < k; j++) {
        out.ids[static_cast<std::size_t>((q + i) * k + j)] = heap[static_cast<std::size_t>(j)].id;
        out.cosines[static_cast<std::size_t>((q + i) * k + j)] =
            heap[static_cast<std::size_t>(j)].cosine;
      }
    }
  }
  return out;
}

std::vector<std::int64_t> vote(const Neighbours& neighbours,
                               const std::vector<std::int64_t>& labels, std::int64_t classes,
                               std::int64_t k, double temperature) {
  LACUNA_CHECK(k >= 1 && k <= neighbours.k, kKnnOp, "k must be from 1 to the ", neighbours.k,
               " neighbours that were searched: got ", k);
  LACUNA_CHECK(std::isfinite(temperature) && temperature >= 0, kKnnOp,
               "the temperature must be above 0, or 0 for a plain vote: got ", temperature);
  std::vector<std::int64_t> out;
  for (std::int64_t i = 0; i < neighbours.size(); i++) {
    std::vector<double> scores(static_cast<std::size_t>(classes));
    const auto first = static_cast<std::size_t>(i * neighbours.k);
    for (auto j = first; j < first + static_cast<std::size_t>(k); j++) {
      // Beside the nearest one, so that no temperature overflows: a factor that all classes share.
      const double beside = neighbours.cosines[j] - neighbours.cosines[first];
      scores.at(static_cast<std::size_t>(labels.at(static_cast<std::size_t>(neighbours.ids[j])))) +=
          temperature > 0 ? std::exp(beside / temperature) : 1;
    }
    out.push_back(std::max_element(scores.begin(), scores.end()) - scores.begin());
  }
  return out;
}

}  // namespace lacuna
