#include "mask_tokens.h"

#include <algorithm>

#include "../../kernels/mask_tokens.h"
#include "shape.h"

namespace lacuna {

MaskedTokens mask_tokens(const Tensor& input, const MaskTokensOptions& o, const Context& context,
                         std::string_view stream, const Tensor& lengths) {
  const char* op = "mask_tokens";
  LACUNA_CHECK(input.defined(), op, "tokens are undefined");
  LACUNA_CHECK(o.special.size() <= MaskTokens::kMaxSpecial, op, "there are at most ",
               int{MaskTokens::kMaxSpecial}, " special tokens: got ", o.special.size());
  const Tensor tokens = contiguous(input);
  const Device device = tokens.device();
  const Tensor ids = context.ids.defined() ? contiguous(to(context.ids, device)) : Tensor();
  const Tensor ends = lengths.defined() ? contiguous(lengths) : Tensor();
  const MaskedTokens out{Tensor::empty(tokens.shape(), Dtype::i64, device),
                         Tensor::empty(tokens.shape(), Dtype::i64, device)};
  const std::string name(stream);
  MaskTokens a{.masked = out.tokens.array(),
               .labels = out.labels.array(),
               .tokens = tokens.array(),
               .lengths = ends.array(),
               .ids = ids.array(),
               .probability = o.probability,
               .exact = o.exact,
               .max_predictions = o.max_predictions,
               .mask_share = o.mask_share,
               .random_share = o.random_share,
               .mask_id = o.mask_id,
               .vocabulary = o.vocabulary,
               .specials = static_cast<int>(o.special.size()),
               .ignore_index = o.ignore_index,
               .key = context.key(name),
               .replace_key = context.key(name + ".replace")};
  std::copy(o.special.begin(), o.special.end(), a.special);
  run<&KernelTable::mask_tokens>(a, device);
  return out;
}

}  // namespace lacuna
