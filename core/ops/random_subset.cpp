#include "random_subset.h"

#include "../../kernels/random_subset.h"
#include "shape.h"

namespace lacuna {

Subset random_subset(std::int64_t rows, std::int64_t length, std::int64_t count,
                     const Context& context, std::string_view stream, Device device) {
  LACUNA_CHECK(rows >= 0 && count >= 0 && count <= length, "random_subset",
               "keeps between none and all of a row's positions: got ", count, " of ", length,
               " in ", rows, " rows");
  const Subset s{Tensor::empty({rows, count}, Dtype::i64, device),
                 Tensor::empty({rows, length}, Dtype::i64, device),
                 Tensor::empty({rows, length}, Dtype::u8, device)};
  const Tensor ids = context.ids.defined() ? contiguous(to(context.ids, device)) : Tensor();
  run<&KernelTable::random_subset>(RandomSubset{s.kept.array(), s.places.array(), s.hidden.array(),
                                                ids.array(), context.key(stream)},
                                   device);
  return s;
}

}  // namespace lacuna
