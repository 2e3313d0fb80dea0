#include "../../core/ops/random_subset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "../../kernels/random.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

using Ints = std::vector<std::int64_t>;

Context subset_context(const Tensor& ids = {}) { return {.seed = 7, .epoch = 3, .ids = ids}; }

Tensor all_of(const Subset& s) { return concat({s.kept, s.places, to(s.hidden, Dtype::i64)}, 1); }

// One row by sorting all words: kept, places, hidden.
Ints row_by_sorting(RandomKey key, std::int64_t sample, std::int64_t view, std::int64_t length,
                    std::int64_t count) {
  std::vector<std::pair<std::uint32_t, std::int64_t>> order;
  for (std::int64_t e = 0; e < length; e++) order.push_back({draw_word(key, e, sample, view), e});
  std::sort(order.begin(), order.end());
  Ints kept, places(length, -1), hidden(length, 1);
  for (std::int64_t i = 0; i < count; i++) kept.push_back(order[i].second);
  std::sort(kept.begin(), kept.end());
  for (std::int64_t i = 0; i < count; i++) {
    places[kept[i]] = i;
    hidden[kept[i]] = 0;
  }
  Ints all = kept;
  all.insert(all.end(), places.begin(), places.end());
  all.insert(all.end(), hidden.begin(), hidden.end());
  return all;
}

void subset_case(const std::string& name, std::int64_t rows, std::int64_t length,
                 std::int64_t count, const Tensor& ids = {}) {
  add({.name = "random_subset/" + name,
       .inputs = {{{rows, length}}},
       .apply =
           [=](const Tensors& x) {
             return all_of(
                 random_subset(rows, length, count, subset_context(ids), "test", x[0].device()));
           },
       .reference =
           [=](const Tensors&) {
             const Ints names = ids.defined() ? ids.to_vector<std::int64_t>() : Ints();
             std::vector<double> y;
             for (std::int64_t r = 0; r < rows; r++)
               for (const std::int64_t v :
                    row_by_sorting(subset_context().key("test"), names.empty() ? r : names[2 * r],
                                   names.empty() ? 0 : names[2 * r + 1], length, count))
                 y.push_back(static_cast<double>(v));
             return y;
           },
       .bf16_tolerance = 0,
       .gradient = false});
}

const Register random_subset_cases([] {
  for (int n : kSizes) {
    subset_case("length=" + std::to_string(n), 2, n, n / 4);
    subset_case("rows=" + std::to_string(n), n, 16, 4);
  }
  for (int count : {0, 1, 48, 49, 195, 196})
    subset_case("count=" + std::to_string(count), 3, 196, count);
  subset_case("views", 4, 33, 8, row_ids({std::int64_t{1} << 40, 5}, 2));
  for (int length : {130, 300, 3000, 8192, 8193})
    subset_case("long=" + std::to_string(length), 2, length, length / 3);
  subset_case("long_none", 1, 8193, 0);
  subset_case("long_all", 1, 8193, 8193);
});

std::vector<Device> devices() {
  return find_backend(DeviceType::emu) ? std::vector<Device>{{}, {DeviceType::emu}}
                                       : std::vector<Device>{{}};
}

}  // namespace

TEST(random_subset, keeps_exactly_so_many_each_once_and_hides_the_others) {
  for (std::int64_t count : {0, 1, 49, 100, 196}) {
    const Subset s = random_subset(50, 196, count, subset_context(), "test");
    const auto kept = s.kept.to_vector<std::int64_t>(), places = s.places.to_vector<std::int64_t>(),
               hidden = s.hidden.to_vector<std::int64_t>();
    for (std::int64_t r = 0; r < 50; r++) {
      for (std::int64_t i = 0; i < count; i++) {
        const std::int64_t e = kept[r * count + i];
        ASSERT_TRUE(e >= 0 && e < 196);
        ASSERT_TRUE(i == 0 || kept[r * count + i - 1] < e) << "not ascending, or twice";
        ASSERT_EQ(places[r * 196 + e], i);
      }
      std::int64_t visible = 0;
      for (std::int64_t e = 0; e < 196; e++) {
        ASSERT_EQ(hidden[r * 196 + e], places[r * 196 + e] < 0);
        visible += !hidden[r * 196 + e];
      }
      ASSERT_EQ(visible, count);
    }
  }
}

// 20,000 rows: each of the ten pairs out of five to within four standard deviations.
TEST(random_subset, makes_every_subset_equally_likely) {
  const std::int64_t rows = 20000;
  const auto kept =
      random_subset(rows, 5, 2, subset_context(), "test").kept.to_vector<std::int64_t>();
  std::map<std::pair<std::int64_t, std::int64_t>, int> seen;
  for (std::int64_t r = 0; r < rows; r++) seen[{kept[2 * r], kept[2 * r + 1]}]++;
  EXPECT_EQ(seen.size(), 10u);
  for (const auto& [pair, times] : seen)
    EXPECT_NEAR(times, rows / 10.0, 4 * std::sqrt(rows * 0.1 * 0.9));
}

TEST(random_subset, does_not_depend_on_how_rows_are_batched) {
  const Ints samples = {5, 900, 17, 3};
  for (const Device device : devices()) {
    const auto of = [&](const Ints& ids) {
      return all_of(random_subset(static_cast<std::int64_t>(ids.size()), 196, 49,
                                  subset_context(row_ids(ids)), "test", device));
    };
    const auto whole = of(samples).to_vector<std::int64_t>();
    const std::int64_t width = 49 + 2 * 196;
    for (int i = 0; i < 4; i++)
      EXPECT_EQ(of({samples[i]}).to_vector<std::int64_t>(),
                Ints(whole.begin() + i * width, whole.begin() + (i + 1) * width));
  }
}

TEST(random_subset, streams_epochs_seeds_samples_and_views_differ) {
  const auto kept = [](Context c, const char* stream) {
    return random_subset(1, 196, 49, c, stream).kept.to_vector<std::int64_t>();
  };
  const auto named = [](std::int64_t sample, std::int64_t view) {
    return subset_context(Tensor::from<std::int64_t>({sample, view}, {1, 2}));
  };
  const Ints base = kept(named(4, 0), "a");
  EXPECT_EQ(kept(named(4, 0), "a"), base);
  EXPECT_NE(kept(named(4, 0), "b"), base);
  EXPECT_NE(kept(named(5, 0), "a"), base);
  EXPECT_NE(kept(named(4, 1), "a"), base);
  Context other = named(4, 0);
  other.epoch++;
  EXPECT_NE(kept(other, "a"), base);
  other = named(4, 0);
  other.seed++;
  EXPECT_NE(kept(other, "a"), base);
}

// Rows with two equal words, cut between them: the first of the two stays. Such rows are rare, and are looked for.
TEST(random_subset, of_equal_words_the_first_stays) {
  for (const std::int64_t length : {1024, 8192, 40000}) {
    const RandomKey key = subset_context().key("test");
    std::int64_t sample = 0, count = 0;
    std::vector<std::pair<std::uint32_t, std::int64_t>> order;
    while (count == 0) {
      sample++;
      order.clear();
      for (std::int64_t e = 0; e < length; e += 4) {
        const Philox4 four = draw(key, e / 4, sample);
        for (int k = 0; k < 4; k++) order.push_back({four.v[k], e + k});
      }
      std::sort(order.begin(), order.end());
      for (std::int64_t i = 1; i < length; i++)
        if (order[i - 1].first == order[i].first) count = i;
    }
    for (const Device device : devices()) {
      const Subset s =
          random_subset(1, length, count, subset_context(row_ids({sample})), "test", device);
      const auto places = s.places.to_vector<std::int64_t>();
      EXPECT_GE(places[order[count - 1].second], 0) << length;
      EXPECT_EQ(places[order[count].second], -1) << length;
      EXPECT_EQ(all_of(s).to_vector<std::int64_t>(), row_by_sorting(key, sample, 0, length, count));
    }
  }
}

TEST(random_subset, errors) {
  EXPECT_EQ(
      error_of([] { random_subset(2, 3, 4, {}, "a"); }),
      "[random_subset] keeps between none and all of a row's positions: got 4 of 3 in 2 rows");
  EXPECT_EQ(error_of([] { random_subset(2, 3, 1, subset_context(row_ids({1})), "a"); }),
            "[random_subset] needs one (sample, view) i64 a row of dimension 0: got ids (1, 2) i64 "
            "cpu for kept (2, 1) i64 cpu");
}

}  // namespace lacuna::test
