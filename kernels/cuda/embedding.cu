// The gradient of an embedding
//   math         kernels/embedding.h
//   shapes       (n, d) from (m, d), f32 or bf16
//   method       zeros, to which scatter_add (index.cu) adds: ids are sorted once, stably, and runs of equal ones are summed in
//                pieces of 32 rows, so that an id which comes very often is the work of many blocks
//   traffic      dweight written once, dy read once, rows that are hit read and written once more
//   numerics     sums in f32, rounded once
//   determinism  yes: the order of additions depends on the ids alone
//   checked by   tests/ops/embedding.cpp, tests/emu/index.cpp
//   measured     not measured
#include "../embedding.h"

#include "../copy.h"
#include "../row_major.h"
#include "index.cuh"

namespace lacuna::LACUNA_NS {

void fill(const Fill&, Stream);

void embedding_backward(const EmbeddingBackward& a, Stream stream) {
  if (a.dweight.size() == 0) return;
  fill(Fill{a.dweight, 0}, stream);
  if (a.dy.size() == 0) return;
  const auto rows = [](const Array& x) {
    return row_major(x.data, x.dtype, x.device, {1, x.dim(0), x.dim(1)});
  };
  Array index = rows(a.dy);
  index.data = a.ids.data;
  index.dtype = a.ids.dtype;
  index.strides[0] = index.strides[2] = 0;
  index.strides[1] = 1;
  scatter_add_but(ScatterAdd{rows(a.dweight), rows(a.dy), index}, a.padding, stream);
}

}  // namespace lacuna::LACUNA_NS
