// Gaps in sequences of tokens
//   math         kernels/mask_tokens.h
//   shapes       tokens, masked, labels (rows, n) i64, contiguous
//   traffic      8 bytes read (16 where they do not stay in L1), 16 written a token; words are drawn into registers
//   launch       device/select.cuh: a warp a row up to 1,024 tokens, else a block; four tokens a thread and step
//   determinism  yes: the same tokens as on cpu
//   checked by   tests/ops/mask_tokens.cpp, tests/emu/random.cpp
//   measured     not measured
#include "../mask_tokens.h"

#include <device/select.cuh>

namespace lacuna::LACUNA_NS {
namespace {

// `hit` is looked at where the count is not exact.
template <class Team, int V>
__global__ void __launch_bounds__(Team::kThreads)
    mask_kernel(std::int64_t* masked, std::int64_t* labels, const std::int64_t* tokens,
                const std::int64_t* lengths, const std::int64_t* ids, bool aligned, bool exact,
                TokenRule rule, BernoulliThreshold hit, RandomKey key, RandomKey replace_key,
                std::int64_t rows, std::int64_t n) {
  for (std::int64_t row = Team::first_row(); row < rows; row += Team::row_step()) {
    const RowId id(ids, row);
    const std::int64_t* const in = tokens + row * n;
    const std::int64_t length = lengths && lengths[row] < n ? lengths[row] : n;
    const auto make = [&](std::int64_t j) {
      OpenFour four{draw(key, static_cast<std::uint64_t>(j / 4), id.sample, id.view), 0};
      if (j >= n) return four;
      Vec<std::int64_t, 4> token;
      load_four(token, in + j, n - j, aligned);
      LACUNA_UNROLL
      for (int k = 0; k < 4; k++)
        if (j + k < length && !rule.is_special(token.v[k])) four.open |= 1u << k;
      return four;
    };
    RowFours<Team, V, decltype(make)> fours(n, make);
    const Choice choice = exact ? fours.smallest(rule.count(length)) : Choice{hit.below, 0};
    fours.each_chosen(choice, [&](std::int64_t j, unsigned chosen, std::int64_t) {
      if (j >= n) return;
      Vec<std::int64_t, 4> token, label;
      load_four(token, in + j, n - j, aligned);
      LACUNA_UNROLL
      for (int k = 0; k < 4; k++) label.v[k] = chosen >> k & 1 ? token.v[k] : rule.ignore_index;
      LACUNA_UNROLL
      for (int pair = 0; pair < 2; pair++) {
        if (!(chosen >> 2 * pair & 3)) continue;
        const Philox4 w =
            draw(replace_key, static_cast<std::uint64_t>(j / 2 + pair), id.sample, id.view);
        LACUNA_UNROLL
        for (int k = 0; k < 2; k++)
          if (chosen >> (2 * pair + k) & 1)
            token.v[2 * pair + k] = rule.replace(token.v[2 * pair + k], w.v[2 * k], w.v[2 * k + 1]);
      }
      store_four(masked + row * n + j, n - j, aligned, token);
      store_four(labels + row * n + j, n - j, aligned, label);
    });
  }
}

}  // namespace

void mask_tokens(const MaskTokens& a, Stream stream) {
  const std::int64_t rows = a.tokens.dim(0), n = a.tokens.dim(1);
  const bool aligned =
      fours_aligned<std::int64_t>(n, {a.tokens.data, a.masked.data, a.labels.data});
  by_positions(n, [&](auto team, auto v, Extent block) {
    using Team = decltype(team);
    launch({.grid = Team::blocks(rows), .block = block, .stream = stream},
           mask_kernel<Team, decltype(v)::value>, a.masked.as<std::int64_t>(),
           a.labels.as<std::int64_t>(), a.tokens.as<std::int64_t>(), a.lengths.as<std::int64_t>(),
           a.ids.as<std::int64_t>(), aligned, a.exact, TokenRule(a),
           BernoulliThreshold(a.probability), a.key, a.replace_key, rows, n);
  });
}

}  // namespace lacuna::LACUNA_NS
