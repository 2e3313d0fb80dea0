// Concatenation is strided copies into slices of the result; its gradients are slices of dy. The rest is made of it.
#include "concat.h"

#include <algorithm>

#include "../../kernels/copy.h"
#include "../tape.h"
#include "shape.h"

namespace lacuna {
namespace {

constexpr std::size_t kInputs = 64;  // of one node of the tape

struct Pieces {
  int dim;
  std::vector<std::int64_t> sizes;
};

Gradients concat_backward(Saved& saved, Tensor dy, Needs needs) {
  const auto& at = saved.attributes<Pieces>();
  Gradients gradients;
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < at.sizes.size(); i++) {
    gradients.push_back(needs[static_cast<int>(i)] ? slice(dy, at.dim, begin, begin + at.sizes[i])
                                                   : Tensor());
    begin += at.sizes[i];
  }
  return gradients;
}

void check_part(const Tensor& first, const Tensor& part, std::size_t number, int dim) {
  const auto got = [&] {
    return describe("part 0", first) + ", " +
           describe(("part " + std::to_string(number)).c_str(), part);
  };
  LACUNA_CHECK(part.defined() && part.ndim() == first.ndim(), "concat",
               "parts must have the same number of dimensions: got ", got());
  LACUNA_CHECK(part.dtype() == first.dtype() && part.device() == first.device(), "concat",
               "parts must have one dtype and be on one device: got ", got());
  for (int d = 0; d < first.ndim(); d++)
    LACUNA_CHECK(d == dim || part.dim(d) == first.dim(d), "concat",
                 "parts must agree in every dimension but ", dim, ": got ", got());
}

}  // namespace

Tensor concat(const std::vector<Tensor>& parts, int dim) {
  LACUNA_CHECK(!parts.empty(), "concat", "needs at least one part: got none");
  const Tensor& first = parts[0];
  LACUNA_CHECK(first.ndim() >= 1, "concat", "parts need at least one dimension: got ",
               describe("part 0", first));
  dim = wrap_dim("concat", dim, first.ndim());
  if (parts.size() > kInputs) {
    std::vector<Tensor> longer;
    for (std::size_t i = 0; i < parts.size(); i += kInputs)
      longer.push_back(
          concat({parts.begin() + static_cast<std::ptrdiff_t>(i),
                  parts.begin() + static_cast<std::ptrdiff_t>(std::min(i + kInputs, parts.size()))},
                 dim));
    return concat(longer, dim);
  }
  Pieces pieces{dim, {}};
  Shape shape = first.shape();
  shape[dim] = 0;
  for (std::size_t i = 0; i < parts.size(); i++) {
    check_part(first, parts[i], i, dim);
    pieces.sizes.push_back(parts[i].dim(dim));
    shape[dim] += parts[i].dim(dim);
  }
  Tensor y = Tensor::empty(shape, first.dtype(), first.device());
  std::int64_t begin = 0;
  for (const Tensor& part : parts) {
    const std::int64_t end = begin + part.dim(dim);
    run<&KernelTable::copy>(Copy{slice(y, dim, begin, end).array(), part.array()}, y.device());
    begin = end;
  }
  return record("concat", y, parts, Saved().with(pieces), concat_backward);
}

Tensor stack(const std::vector<Tensor>& parts, int dim) {
  std::vector<Tensor> wider;
  for (const Tensor& part : parts) wider.push_back(unsqueeze(part, dim));
  return concat(wider, dim);
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int dim) {
  LACUNA_CHECK(x.ndim() >= 1, "split", "needs at least one dimension: got ", describe("x", x));
  dim = wrap_dim("split", dim, x.ndim());
  std::int64_t total = 0;
  for (const std::int64_t size : sizes) {
    LACUNA_CHECK(size >= 0, "split", "sizes must not be negative: got ", size);
    total += size;
  }
  LACUNA_CHECK(total == x.dim(dim), "split", "sizes must add up to the size of dimension ", dim,
               ": got a sum of ", total, " for ", describe("x", x));
  std::vector<Tensor> pieces;
  std::int64_t begin = 0;
  for (const std::int64_t size : sizes) {
    pieces.push_back(slice(x, dim, begin, begin + size));
    begin += size;
  }
  return pieces;
}

std::vector<Tensor> chunk(const Tensor& x, std::int64_t count, int dim) {
  LACUNA_CHECK(x.ndim() >= 1, "chunk", "needs at least one dimension: got ", describe("x", x));
  dim = wrap_dim("chunk", dim, x.ndim());
  LACUNA_CHECK(count >= 1 && x.dim(dim) % count == 0, "chunk", "dimension ", dim,
               " must come out even: got ", count, " pieces of ", describe("x", x));
  return split(x, std::vector<std::int64_t>(count, x.dim(dim) / count), dim);
}

}  // namespace lacuna
