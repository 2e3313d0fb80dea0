#include "../../datasets/shapes.h"

#include <set>

#include "../../datasets/cached.h"
#include "../../datasets/spec.h"
#include "support.h"

namespace lacuna::test {
namespace {

std::uint64_t fnv(const Tensor& t) {
  std::uint64_t h = 0xCBF29CE484222325u;
  for (int v : t.to_vector<int>()) h = (h ^ static_cast<std::uint64_t>(v)) * 0x100000001B3u;
  return h;
}

std::vector<std::int64_t> first(std::int64_t n) {
  std::vector<std::int64_t> ids(n);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

}  // namespace

TEST(shapes, are_the_same_bytes_on_every_machine) {
  EXPECT_EQ(fnv(read_batch(*make_shapes({}), first(200))["image"]), 6497583738356224374u);
  EXPECT_EQ(fnv(read_batch(*make_shapes({.train = false}), first(200))["image"]),
            5986917097667239099u);
}

TEST(shapes, sizes_splits_and_seeds) {
  EXPECT_EQ(open_source("shapes", "train")->size(), 10000);
  EXPECT_EQ(open_source("shapes", "test")->size(), 2000);
  EXPECT_EQ(open_source("shapes:100", "train")->size(), 100);
  EXPECT_EQ(open_source("shapes:100", "test")->size(), 20);
  EXPECT_EQ(open_source("shapes:3", "test")->size(), 1);
  const auto image = [](const std::string& spec, const std::string& split) {
    return fnv(read_batch(*open_source(spec, split), {0})["image"]);
  };
  EXPECT_NE(image("shapes", "train"), image("shapes", "test"));
  EXPECT_NE(image("shapes", "train"), image("shapes?seed=1", "train"));
  EXPECT_EQ(image("shapes", "train"), image("shapes:7?seed=0", "train"));
  EXPECT_EQ(image("shapes", "test"), image("shapes?split=test", "train"));
}

TEST(shapes, factors_are_in_range_and_labels_are_balanced) {
  const auto source = make_shapes({.size = 5000});
  const Batch b = read_batch(*source, first(5000));
  EXPECT_EQ(b["image"].shape(), (Shape{5000, 32, 32, 3}));
  const auto labels = b["label"].to_vector<int>();
  const auto f = b["factors"].to_vector<float>();
  std::vector<int> count(10);
  std::set<std::pair<int, int>> looks;
  for (int i = 0; i < 5000; i++) {
    const float* v = &f[static_cast<std::size_t>(i) * kFactors];
    count[labels[i]]++;
    EXPECT_EQ(labels[i], v[kShape]);
    looks.insert({static_cast<int>(v[kTexture]), static_cast<int>(v[kBackground])});
    for (int k : {kHue, kBackgroundHue, kRotation}) EXPECT_TRUE(v[k] >= 0 && v[k] < 1);
    EXPECT_TRUE(std::abs(v[kX]) + v[kScale] <= 1.03f && std::abs(v[kY]) + v[kScale] <= 1.03f);
  }
  for (int c : count) EXPECT_NEAR(c, 500, 110);  // five standard deviations
  EXPECT_EQ(looks.size(), 36u);
  EXPECT_EQ(source->classes().size(), 10u);
}

TEST(shapes, are_where_their_factors_say) {
  // The pixel at the centre of a plain disc has its hue; a corner has the background's.
  const auto source = make_shapes({.size = 3000});
  const Batch b = read_batch(*source, first(3000));
  const auto f = b["factors"].to_vector<float>();
  const std::uint8_t* images = b["image"].data<std::uint8_t>();
  int checked = 0;
  for (int i = 0; i < 3000; i++) {
    const float* v = &f[static_cast<std::size_t>(i) * kFactors];
    if (v[kShape] != 0 || v[kTexture] != 0 || v[kHue] > 0.1f) continue;  // red to orange discs
    const int x = static_cast<int>(16 * (v[kX] + 1)), y = static_cast<int>(16 * (v[kY] + 1));
    const std::uint8_t* p = images + ((i * 32 + y) * 32 + x) * 3;
    EXPECT_GT(p[0], p[2] + 40) << "scene " << i;
    checked++;
  }
  EXPECT_GT(checked, 3);
}

TEST(cached, gives_the_same_samples_and_reads_each_once) {
  auto counting = std::make_unique<Counting>(10);
  int reads = 0;
  counting->before_read = [&](std::int64_t) { reads++; };
  const auto source = cached(std::move(counting));
  for (int round = 0; round < 3; round++)
    EXPECT_EQ(read_batch(*source, {3, 0, 9, 3})["value"].to_vector<int>(),
              (std::vector<int>{3, 0, 9, 3}));
  EXPECT_EQ(reads, 3);
  EXPECT_EQ(source->name(), "counting");
  auto small = std::make_unique<Counting>(10);
  const Source* same = small.get();
  EXPECT_EQ(cached(std::move(small), 79).get(), same);  // 80 bytes would be too many
}

}  // namespace lacuna::test
