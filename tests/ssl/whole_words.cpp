#include "../../ssl/whole_words.h"

#include <gtest/gtest.h>

#include <cmath>

#include "text_source.h"

namespace lacuna {
namespace {

// 200 tokens, of which the upper half go on with a word; 0 to 4 are special.
std::vector<std::uint8_t> upper_half() {
  std::vector<std::uint8_t> continues(200);
  for (std::size_t i = 100; i < 200; i++) continues[i] = 1;
  return continues;
}
const MaskTokensOptions kOptions{
    .mask_id = 4, .vocabulary = 200, .special = {0, 2, 3}, .exact = true};

}  // namespace

TEST(mask_words, words_are_chosen_with_all_their_tokens) {
  const auto text = random_pairs(2000, 128, 200);
  std::vector<std::int64_t> ids(2000);
  for (std::size_t i = 0; i < ids.size(); i++) ids[i] = static_cast<std::int64_t>(i);
  const Batch batch = read_batch(*text, ids);
  const Context context{.seed = 3, .ids = row_ids(ids)};
  const MaskedTokens m =
      mask_words(batch["tokens"], upper_half(), kOptions, context, "mask", batch["length"]);
  const auto was = batch["tokens"].to_vector<std::int64_t>(),
             is = m.tokens.to_vector<std::int64_t>(), labels = m.labels.to_vector<std::int64_t>(),
             ends = batch["length"].to_vector<std::int64_t>();
  double chosen = 0, masked = 0, kept = 0, allowed = 0, first = 0, second = 0;
  for (std::int64_t row = 0; row < 2000; row++) {
    double here = 0;
    for (std::int64_t e = 0; e < 128; e++) {
      const std::int64_t i = row * 128 + e;
      const bool hidden = labels[i] != -100;
      EXPECT_TRUE(hidden || is[i] == was[i]);
      EXPECT_FALSE(hidden && (e >= ends[row] || was[i] < 4));
      // A token that continues shares the fate of the one before it.
      const bool goes_on = e > 0 && e < ends[row] && was[i] >= 100 && was[i - 1] >= 4;
      EXPECT_TRUE(!goes_on || hidden == (labels[i - 1] != -100)) << row << ' ' << e;
      if (!hidden) continue;
      EXPECT_EQ(labels[i], was[i]);
      here++;
      masked += is[i] == 4;
      kept += is[i] == was[i];
      (e < ends[row] / 2 ? first : second)++;
    }
    const double most = std::max(1.0, std::rint(0.15 * static_cast<double>(ends[row])));
    EXPECT_LE(here, most);
    allowed += most;
    chosen += here;
  }
  EXPECT_GT(chosen, 0.99 * allowed);  // some word of one token nearly always fills the rest
  const auto near = [&](double got, double p) {
    EXPECT_NEAR(got, chosen * p, 3 * std::sqrt(chosen * p * (1 - p)));
  };
  near(masked, 0.8 + 0.1 / 200);
  near(kept, 0.1 + 0.1 / 200);
  EXPECT_NEAR(first / second, 1, 0.05);
}

TEST(mask_words, depends_on_the_sample_and_not_on_its_place) {
  const auto text = random_pairs(3, 64, 200);
  const auto labels = [&](const std::vector<std::int64_t>& ids, std::int64_t epoch) {
    const Batch batch = read_batch(*text, ids);
    const Context context{.seed = 3, .epoch = epoch, .ids = row_ids(ids)};
    return mask_words(batch["tokens"], upper_half(), kOptions, context, "mask", batch["length"])
        .labels.to_vector<std::int64_t>();
  };
  const auto whole = labels({0, 1, 2}, 0);
  EXPECT_EQ(labels({1}, 0), std::vector<std::int64_t>(whole.begin() + 64, whole.begin() + 128));
  EXPECT_NE(labels({1}, 1), labels({1}, 0));
}

// Where no token continues a word, what is chosen is what mask_tokens chooses.
TEST(mask_words, of_single_tokens_is_mask_tokens) {
  const auto text = random_pairs(5, 64, 200);
  const Batch batch = read_batch(*text, {0, 1, 2, 3, 4});
  const Context context{.seed = 3, .ids = row_ids({0, 1, 2, 3, 4})};
  const MaskedTokens words = mask_words(batch["tokens"], std::vector<std::uint8_t>(200), kOptions,
                                        context, "mask", batch["length"]),
                     tokens =
                         mask_tokens(batch["tokens"], kOptions, context, "mask", batch["length"]);
  EXPECT_EQ(words.labels.to_vector<std::int64_t>(), tokens.labels.to_vector<std::int64_t>());
  EXPECT_EQ(words.tokens.to_vector<std::int64_t>(), tokens.tokens.to_vector<std::int64_t>());
}

}  // namespace lacuna
