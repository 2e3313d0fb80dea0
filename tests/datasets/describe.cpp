#include "../../datasets/describe.h"

#include <cmath>

#include "../../datasets/spec.h"
#include "../../kernels/cpu/parallel.h"
#include "archive.h"

namespace lacuna::test {

TEST(describe, counts_figures_and_what_is_wrong) {
  Folder folder;
  // 2 x 1 images: two equal ones with two labels, one of one value
  folder.write("train-images-idx3-ubyte", idx_file({4, 2, 1}, {0, 10, 255, 255, 0, 10, 30, 20}));
  folder.write("train-labels-idx1-ubyte", idx_file({4}, {0, 3, 1, 1}));
  const SourceSummary s = summarize(*open_source("idx:" + folder.path(), "train"));
  EXPECT_EQ(s.samples, 4);
  ASSERT_EQ(s.fields.size(), 2u);
  ASSERT_EQ(s.fields[0].channels.size(), 1u);
  const ChannelSummary c = s.fields[0].channels[0];
  EXPECT_EQ(c.min, 0);
  EXPECT_EQ(c.max, 255);
  EXPECT_NEAR(c.mean, 72.5, 1e-12);
  EXPECT_NEAR(c.std, std::sqrt((255.0 * 255 * 2 + 200 + 900 + 400) / 8 - 72.5 * 72.5), 1e-9);
  EXPECT_EQ(s.labels, (std::vector<std::pair<std::string, std::int64_t>>{
                          {"0", 1}, {"1", 2}, {"2", 0}, {"3", 1}}));
  EXPECT_EQ(s.duplicates, (std::vector<std::pair<std::int64_t, std::int64_t>>{{2, 0}}));
  EXPECT_EQ(s.constant, (std::vector<std::int64_t>{1}));
  EXPECT_EQ(s.problems,
            (std::vector<std::string>{"images equal to an earlier one that has another label: 1",
                                      "images equal to an earlier one: 1 of 4",
                                      "images of one colour: 1 of 4", "class 2 has no samples"}));
  EXPECT_NE(to_text(s).find("    0         1   25.0 %\n"), std::string::npos) << to_text(s);
  EXPECT_NE(to_text(s).find("  ! class 2 has no samples\n"), std::string::npos);
  EXPECT_NE(to_json(s).find("\"duplicates\": [\n    [\n      2,\n      0\n    ]\n  ]"),
            std::string::npos)
      << to_json(s);
}

TEST(describe, a_good_set_has_nothing_wrong_and_threads_change_nothing) {
  const auto source = open_source("shapes:3000", "train");
  const int before = cpu::threads();
  cpu::set_threads(1);
  const std::string one = to_json(summarize(*source));
  cpu::set_threads(3);
  EXPECT_EQ(to_json(summarize(*source)), one);
  cpu::set_threads(before);
  const SourceSummary s = summarize(*source);
  EXPECT_TRUE(s.problems.empty());
  EXPECT_NE(to_text(s).find("nothing wrong was found"), std::string::npos);
  ASSERT_EQ(s.fields[2].channels.size(), 9u);
  EXPECT_NEAR(s.fields[2].channels[3].mean, 0.5, 0.02);  // hue is uniform
  EXPECT_NEAR(s.fields[2].channels[3].std, std::sqrt(1 / 12.0), 0.01);
}

TEST(describe, large_offsets_keep_their_digits) {
  class Offset : public Counting {
   public:
    using Counting::Counting;
    std::vector<Field> fields() const override { return {{"x", Dtype::f64, {}}}; }
    void read(std::int64_t index, std::span<std::byte* const> out) const override {
      const double x = 1e9 + static_cast<double>(index % 2);
      std::memcpy(out[0], &x, sizeof x);
    }
  };
  const SourceSummary s = summarize(Offset(1000));
  EXPECT_NEAR(s.fields[0].channels[0].std, 0.5, 1e-9);
  EXPECT_EQ(s.fields[0].channels[0].mean, 1e9 + 0.5);
}

}  // namespace lacuna::test
