#pragma once
// Learning merges (Sennrich, Haddow, Birch 2016, algorithm 1) from words and how often they occur.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "strings.h"

namespace lacuna::text {

/// A word as ids of the symbols that it starts from, and how often it occurs.
struct CountedWord {
  std::vector<std::int32_t> symbols;
  std::int64_t count;
};

struct MergeStep {
  std::int32_t left, right, result;  // ids
};

/// Merges the most frequent pair of neighbours, of equals that with the smallest ids, until `tokens` has `size` or no pair
/// occurs `least` times. `goes_on` is what a token is spelled with where it does not begin a word ("##", or nothing): a merge drops the
/// right one's. What merges give is added to `tokens`.
std::vector<MergeStep> learn_merges(std::vector<CountedWord> words, Strings& tokens,
                                    std::int64_t size, std::int64_t least,
                                    std::string_view goes_on);

}  // namespace lacuna::text
