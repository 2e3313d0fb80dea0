#include "../../core/ops/mask_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "../../kernels/random.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kVocabulary = 40, kPad = 0, kClass = 1, kEnd = 2, kMask = 3;

MaskTokensOptions options(bool exact = false, double probability = 0.15) {
  return {.mask_id = kMask,
          .vocabulary = kVocabulary,
          .special = {kPad, kClass, kEnd},
          .probability = probability,
          .exact = exact};
}

Context context(const Tensor& ids = {}) { return {.seed = 9, .epoch = 1, .ids = ids}; }

Tensor both(const MaskedTokens& m) { return concat({m.tokens, m.labels}, 1); }

// From draw_word() alone, a row at a time: tokens, labels.
Ints row_reference(const Ints& row, std::int64_t length, const MaskTokensOptions& o,
                   std::int64_t sample, std::int64_t view) {
  const RandomKey key = context().key("test"), replace = context().key("test.replace");
  std::vector<std::pair<std::uint32_t, std::int64_t>> open;
  const auto n = static_cast<std::int64_t>(row.size());
  for (std::int64_t e = 0; e < std::min(n, length); e++)
    if (std::find(o.special.begin(), o.special.end(), row[e]) == o.special.end())
      open.push_back({draw_word(key, e, sample, view), e});
  if (o.exact) {
    std::sort(open.begin(), open.end());
    const auto count = static_cast<std::size_t>(
        std::min(static_cast<double>(o.max_predictions),
                 std::max(1.0, std::nearbyint(std::min(n, length) * o.probability))));
    if (open.size() > count) open.resize(count);
  } else {
    open.erase(
        std::remove_if(open.begin(), open.end(),
                       [&](const auto& p) { return !BernoulliThreshold(o.probability)(p.first); }),
        open.end());
  }
  Ints tokens = row, labels(row.size(), o.ignore_index);
  for (const auto& [word, e] : open) {
    labels[e] = row[e];
    const std::uint32_t what = draw_word(replace, 2 * e, sample, view);
    if (BernoulliThreshold(o.mask_share)(what))
      tokens[e] = o.mask_id;
    else if (BernoulliThreshold(o.mask_share + o.random_share)(what))
      tokens[e] = below(draw_word(replace, 2 * e + 1, sample, view),
                        static_cast<std::uint32_t>(o.vocabulary));
  }
  tokens.insert(tokens.end(), labels.begin(), labels.end());
  return tokens;
}

// The second input is there for the dtype under test, which tokens do not have; lengths are drawn beyond the row, too.
void tokens_case(const std::string& name, std::int64_t rows, std::int64_t n,
                 const MaskTokensOptions& o, bool lengths = false, const Tensor& ids = {}) {
  add({.name = "mask_tokens/" + name,
       .inputs = {{{rows, n}, 0, kVocabulary, Dtype::i64, false},
                  {{rows}, -1, static_cast<double>(n + 3), Dtype::i64, false}},
       .apply =
           [=](const Tensors& x) {
             return both(mask_tokens(x[0], o, context(ids), "test", lengths ? x[1] : Tensor()));
           },
       .reference =
           [=](const Tensors& x) {
             const Ints all = x[0].to_vector<std::int64_t>(), ends = x[1].to_vector<std::int64_t>();
             const Ints names = ids.defined() ? ids.to_vector<std::int64_t>() : Ints();
             std::vector<double> y;
             for (std::int64_t r = 0; r < rows; r++)
               for (const std::int64_t v : row_reference(
                        Ints(all.begin() + r * n, all.begin() + (r + 1) * n), lengths ? ends[r] : n,
                        o, names.empty() ? r : names[2 * r], names.empty() ? 0 : names[2 * r + 1]))
                 y.push_back(static_cast<double>(v));
             return y;
           },
       .gradient = false});
}

const Register mask_tokens_cases([] {
  for (const bool exact : {false, true}) {
    const std::string way = exact ? "exact/" : "each/";
    for (int n : kSizes) {
      tokens_case(way + "length=" + std::to_string(n), 3, n, options(exact));
      tokens_case(way + "rows=" + std::to_string(n), n, 20, options(exact, 0.4));
    }
    for (int n : {7, 128, 1030})
      tokens_case(way + "padded/length=" + std::to_string(n), 7, n, options(exact), true);
    tokens_case(way + "views", 4, 33, options(exact, 0.5), false,
                row_ids({std::int64_t{1} << 40, 5}, 2));
    for (int n : {300, 8193}) tokens_case(way + "long=" + std::to_string(n), 2, n, options(exact));
    tokens_case(way + "never", 2, 33, options(exact, 0));
    tokens_case(way + "always", 2, 33, options(exact, 1));
  }
  MaskTokensOptions few = options(true);
  few.max_predictions = 3;
  tokens_case("exact/at_most", 3, 100, few);
});

std::vector<Device> devices() {
  return find_backend(DeviceType::emu) ? std::vector<Device>{{}, {DeviceType::emu}}
                                       : std::vector<Device>{{}};
}

// n sequences of length s: [CLS], words, [SEP] and, from their length on, [PAD].
Tensor sentences(std::int64_t n, std::int64_t s, std::int64_t length) {
  Ints v;
  for (std::int64_t i = 0; i < n; i++)
    for (std::int64_t e = 0; e < s; e++)
      v.push_back(e == 0            ? kClass
                  : e >= length     ? kPad
                  : e + 1 == length ? kEnd
                                    : 4 + below(draw_word({3}, e, i), kVocabulary - 4));
  return Tensor::from(v, {n, s});
}

struct Counts {
  double open = 0, chosen = 0, masked = 0, kept = 0, other = 0;
};

// Checks what must hold of every position.
Counts count(const Tensor& tokens, const MaskedTokens& m, const MaskTokensOptions& o) {
  const Ints was = tokens.to_vector<std::int64_t>(), is = m.tokens.to_vector<std::int64_t>(),
             labels = m.labels.to_vector<std::int64_t>();
  Counts c;
  for (std::size_t i = 0; i < was.size(); i++) {
    const bool special = std::count(o.special.begin(), o.special.end(), was[i]) > 0;
    c.open += !special;
    if (labels[i] == o.ignore_index) {
      EXPECT_EQ(is[i], was[i]) << "changed, but not to be predicted";
      continue;
    }
    EXPECT_FALSE(special) << "a special token is to be predicted";
    EXPECT_EQ(labels[i], was[i]) << "the label is not the token that was there";
    c.chosen++;
    (is[i] == o.mask_id ? c.masked : is[i] == was[i] ? c.kept : c.other)++;
  }
  return c;
}

}  // namespace

// Over a million tokens, within three standard deviations.
TEST(mask_tokens, chooses_15_percent_of_the_words_and_treats_them_80_10_10) {
  const std::int64_t n = 8192, s = 128;
  const Tensor x = sentences(n, s, 100);
  for (const Device device : devices())
    for (const bool exact : {false, true}) {
      const std::int64_t rows = device.type == DeviceType::cpu ? n : 100;
      const Tensor part = slice(x, 0, 0, rows),
                   lengths = Tensor::full({rows}, 100, Dtype::i64, device);
      const MaskTokensOptions o = options(exact);
      const Counts c = count(part, mask_tokens(to(part, device), o, context(), "test", lengths), o);
      EXPECT_EQ(c.open, static_cast<double>(rows * 98));
      const auto near = [](double got, double of, double p) {
        EXPECT_NEAR(got, of * p, 3 * std::sqrt(of * p * (1 - p)));
      };
      if (exact) {
        EXPECT_EQ(c.chosen, static_cast<double>(rows * 15));
      } else {
        near(c.chosen, c.open, 0.15);
      }
      // Of the tenth that is replaced, one in 40 gets the mask by chance, and one its own token.
      near(c.masked, c.chosen, 0.8 + 0.1 / kVocabulary);
      near(c.kept, c.chosen, 0.1 + 0.1 / kVocabulary);
      near(c.other, c.chosen, 0.1 - 0.2 / kVocabulary);
    }
}

TEST(mask_tokens, shares_can_be_set) {
  const Tensor x = sentences(200, 64, 64);
  MaskTokensOptions o = options(false, 0.5);
  o.mask_share = 1, o.random_share = 0;
  Counts c = count(x, mask_tokens(x, o, context(), "test"), o);
  EXPECT_EQ(c.masked, c.chosen);
  o.mask_share = 0;
  c = count(x, mask_tokens(x, o, context(), "test"), o);
  EXPECT_EQ(c.kept, c.chosen);
  o.random_share = 1, o.ignore_index = -1;
  const MaskedTokens m = mask_tokens(x, o, context(), "test");
  c = count(x, m, o);
  // Replacements are uniform over the whole vocabulary, special tokens included.
  const Ints tokens = m.tokens.to_vector<std::int64_t>(),
             labels = m.labels.to_vector<std::int64_t>();
  std::vector<double> seen(kVocabulary);
  for (std::size_t i = 0; i < tokens.size(); i++)
    if (labels[i] != -1) seen[tokens[i]]++;
  for (const double times : seen)
    EXPECT_NEAR(times, c.chosen / kVocabulary, 4 * std::sqrt(c.chosen / kVocabulary));
}

// min(max_predictions, max(1, round(0.15 * length))), halves to even as Python's round() has them.
TEST(mask_tokens, an_exact_count_is_berts) {
  const std::pair<std::int64_t, std::int64_t> lengths[] = {
      {3, 1}, {7, 1}, {10, 2}, {20, 3}, {30, 4}, {50, 8}, {70, 10}, {100, 15}, {128, 19}};
  for (const Device device : devices())
    for (const auto& [length, wanted] : lengths)
      for (const std::int64_t most : {20, 5}) {
        MaskTokensOptions o = options(true);
        o.max_predictions = most;
        const Tensor x = sentences(10, 128, length), ends = Tensor::from(Ints(10, length), {10});
        const auto labels =
            mask_tokens(to(x, device), o, context(), "test", to(ends, device)).labels;
        for (std::int64_t r = 0; r < 10; r++) {
          const Ints row = slice(labels, 0, r, r + 1).to_vector<std::int64_t>();
          EXPECT_EQ(128 - std::count(row.begin(), row.end(), -100), std::min(wanted, most))
              << length;
        }
      }
}

TEST(mask_tokens, nothing_beyond_the_length_is_chosen) {
  const Tensor x = Tensor::full({4, 50}, 7, Dtype::i64);
  for (const bool exact : {false, true}) {
    const MaskedTokens m =
        mask_tokens(x, options(exact, 1), context(), "test", Tensor::from(Ints{0, 1, 30, 99}, {4}));
    const Ints labels = m.labels.to_vector<std::int64_t>();
    const std::int64_t ends[] = {0, 1, 30, 50};
    for (int i = 0; i < 200; i++) EXPECT_EQ(labels[i], i % 50 < ends[i / 50] ? 7 : -100) << i;
  }
}

TEST(mask_tokens, a_row_of_special_tokens_stays) {
  const Tensor x = Tensor::full({2, 9}, kEnd, Dtype::i64);
  for (const bool exact : {false, true}) {
    const MaskTokensOptions o = options(exact, 1);
    EXPECT_EQ(count(x, mask_tokens(x, o, context(), "test"), o).chosen, 0);
  }
}

TEST(mask_tokens, does_not_depend_on_how_rows_are_batched) {
  const Ints samples = {5, 900, 17, 3};
  const Tensor x = sentences(4, 70, 60);
  for (const Device device : devices())
    for (const bool exact : {false, true}) {
      const auto mask = [&](const Tensor& rows, const Ints& ids) {
        return both(mask_tokens(to(rows, device), options(exact), context(row_ids(ids)), "test"))
            .to_vector<std::int64_t>();
      };
      const Ints whole = mask(x, samples);
      for (int i = 0; i < 4; i++)
        EXPECT_EQ(mask(slice(x, 0, i, i + 1), {samples[i]}),
                  Ints(whole.begin() + i * 140, whole.begin() + (i + 1) * 140));
    }
}

TEST(mask_tokens, streams_and_epochs_differ) {
  const Tensor x = sentences(4, 70, 60);
  const auto mask = [&](std::int64_t epoch, const char* stream) {
    return mask_tokens(x, options(), {.seed = 9, .epoch = epoch}, stream)
        .labels.to_vector<std::int64_t>();
  };
  EXPECT_EQ(mask(1, "a"), mask(1, "a"));
  EXPECT_NE(mask(1, "a"), mask(2, "a"));
  EXPECT_NE(mask(1, "a"), mask(1, "b"));
}

TEST(mask_tokens, errors) {
  const Tensor x = Tensor::zeros({2, 3}, Dtype::i64);
  const auto text = [&](const Tensor& tokens, auto change, const Tensor& lengths = {}) {
    MaskTokensOptions o = options();
    change(o);
    return error_of([&] { mask_tokens(tokens, o, {}, "a", lengths); });
  };
  const auto nothing = [](MaskTokensOptions&) {};
  EXPECT_EQ(text(Tensor::zeros({2, 3}), nothing),
            "[mask_tokens] arguments must have one dtype: got tokens (2, 3) f32 cpu, masked (2, 3) "
            "i64 cpu, labels (2, 3) i64 cpu");
  EXPECT_EQ(text(Tensor::zeros({3}, Dtype::i64), nothing),
            "[mask_tokens] tokens must be (rows, n) i64: got tokens (3) i64 cpu");
  EXPECT_EQ(text(x, nothing, Tensor::zeros({3}, Dtype::i64)),
            "[mask_tokens] needs one length a row: got lengths (3) i64 cpu for tokens (2, 3) i64 "
            "cpu");
  EXPECT_EQ(text(x, [](auto& o) { o.probability = 1.5; }),
            "[mask_tokens] a probability is between 0 and 1: got 1.5");
  EXPECT_EQ(text(x, [](auto& o) { o.random_share = 0.3; }),
            "[mask_tokens] the shares that are masked and replaced add up to at most 1: got 0.8 "
            "and 0.3");
  EXPECT_EQ(text(x, [](auto& o) { o.mask_id = 40; }),
            "[mask_tokens] the mask's id must be one of the vocabulary: got 40 of 40");
  EXPECT_EQ(text(x, [](auto& o) { o.special = Ints(9, 1); }),
            "[mask_tokens] there are at most 8 special tokens: got 9");
  EXPECT_EQ(text(x, [](auto& o) { o.max_predictions = -1; }),
            "[mask_tokens] predictions must not be negative: got -1");
}

}  // namespace lacuna::test
