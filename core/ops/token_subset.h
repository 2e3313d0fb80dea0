#pragma once
// Tokens (n, l, d) of which a part is taken away and put back, each in one pass over what is written (He et al. 2022):
//
//   const Subset seen = random_subset(n, l, k, context, "mae.mask", x.device());
//   Tensor y = encode(keep_tokens(x, seen, position));                                // (n, k, d)
//   Tensor z = decode(restore_tokens(y, seen, mask_token, position_of_decoder));      // (n, l, d)
#include "random_subset.h"

namespace lacuna {

/// y[r, i] = x[r, kept[r, i]] + position[kept[r, i]]: x (n, l, d), y (n, k, d); position (l, d) is optional.
Tensor keep_tokens(const Tensor& x, const Subset& subset, const Tensor& position = {});

/// y[r, j] = (x[r, places[r, j]], or mask_token where j is hidden) + position[j]: x (n, k, d), mask_token (d), y (n, l, d);
/// position (l, d) is optional.
Tensor restore_tokens(const Tensor& x, const Subset& subset, const Tensor& mask_token,
                      const Tensor& position = {});

}  // namespace lacuna
