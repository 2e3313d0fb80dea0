#include "../../datasets/bags.h"

#include <map>
#include <set>

#include "../../datasets/image_io.h"
#include "../../datasets/shapes.h"
#include "../../datasets/spec.h"
#include "support.h"

namespace lacuna::test {
namespace {

// A picture whose every byte is `value`.
void picture(const Folder& folder, const std::string& name, std::uint8_t value) {
  folder.write(name, encode_png(Bytes(4 * 4, value), 4, 4, 1));
}

// The values of a patient's image and partner in an epoch.
std::pair<int, int> pair_of(const Source& source, std::int64_t patient, std::int64_t epoch = 0) {
  const Batch b = read_batch(source, {patient}, epoch);
  return {b["image"].to_vector<int>()[0], b["partner"].to_vector<int>()[0]};
}

void table(const Folder& folder) {
  for (int i = 0; i < 6; i++) picture(folder, "images/" + std::to_string(i) + ".png", i);
  folder.write("bags.tsv", std::string("bag\tpath\tlabel\tpatient\n"
                                       "b\timages/0.png\till\tp\n"
                                       "b\timages/1.png\till\tp\n"
                                       "c\timages/2.png\twell\tq\n"
                                       "\n"
                                       "d\timages/3.png\tfar\tp\n"
                                       "b\timages/4.png\tfar\tr\r\n"
                                       "b\timages/5.png\tfar\tr\n"));
}

}  // namespace

TEST(bags, show_two_pictures_of_one_bag_of_each_patient) {
  Folder folder;
  table(folder);
  const auto source = open_source("bags:" + (folder / "bags.tsv"), "train");
  ASSERT_EQ(source->size(), 3);  // p with the bags {0, 1} and {3}; q with {2}; r with {4, 5}
  EXPECT_EQ(source->classes(), (std::vector<std::string>{"far", "ill", "well"}));
  EXPECT_EQ(read_batch(*source, {1, 2})["label"].to_vector<int>(), (std::vector<int>{2, 0}));
  std::map<std::pair<int, int>, int> seen;
  for (int epoch = 0; epoch < 400; epoch++) {
    const auto p = pair_of(*source, 0, epoch);
    seen[p]++;
    const int label = read_batch(*source, {0}, epoch)["label"].to_vector<int>()[0];
    EXPECT_EQ(label, p.first == 3 ? 0 : 1) << "the label is the picture's own";
    EXPECT_EQ(p, pair_of(*source, 0, epoch));
  }
  // Half of the time {3}, twice the same; else 0 and 1 in either order: three sigma of 400 are 30 and 26.
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_NEAR((seen[{3, 3}]), 200, 30);
  EXPECT_NEAR((seen[{0, 1}]), 100, 26);
  EXPECT_NEAR((seen[{1, 0}]), 100, 26);
  EXPECT_EQ(pair_of(*source, 1), (std::pair<int, int>{2, 2}));
  const auto r = pair_of(*source, 2);
  EXPECT_EQ(std::set<int>({r.first, r.second}), (std::set<int>{4, 5}));
  EXPECT_EQ(open_source("bags:" + (folder / "bags.tsv") + "?each=picture", "test")->size(), 6);
}

TEST(bags, of_a_folder_a_patient) {
  Folder folder;
  picture(folder, "anna/left.png", 1);
  picture(folder, "anna/right.png", 2);
  picture(folder, "ben/1/a.png", 3);
  picture(folder, "ben/2/a.png", 4);
  picture(folder, "ben/2/b.png", 5);
  const auto source = open_source("bags:" + folder.path(), "train");
  ASSERT_EQ(source->size(), 2);
  EXPECT_FALSE(read_batch(*source, {0}).has("label"));
  std::set<std::pair<int, int>> seen;
  for (int epoch = 0; epoch < 100; epoch++) seen.insert(pair_of(*source, 1, epoch));
  EXPECT_EQ(seen, (std::set<std::pair<int, int>>{{3, 3}, {4, 5}, {5, 4}}));
}

// No patient is in both splits, and labels have the same numbers in both.
TEST(bags, are_split_by_patients) {
  Folder folder;
  table(folder);
  const std::string spec = "bags:" + (folder / "bags.tsv") + "?test=0.3";
  const auto train = open_source(spec, "train"), test = open_source(spec, "test");
  EXPECT_EQ(train->size(), 2);
  ASSERT_EQ(test->size(), 1);
  EXPECT_GE(pair_of(*test, 0).first, 4);
  EXPECT_EQ(test->classes(), train->classes());
  EXPECT_EQ(error_of([&] { open_source("bags:" + (folder / "bags.tsv") + "?test=0.9", "train"); }),
            "[bags] test=0.9 leaves none of the 3 patients to train on: " + (folder / "bags.tsv"));
}

TEST(bags, errors_name_the_line) {
  Folder folder;
  const auto of = [&](const std::string& text) {
    const std::string path = folder.write("t.tsv", text);
    const std::string error = error_of([&] { open_source("bags:" + path, "train"); });
    return error.substr(0, error.find(path));
  };
  EXPECT_EQ(of("case\tpath\nx\ty\n"),
            "[bags] the table's first line must name its columns, bag and path among them: got "
            "\"case\tpath\" in ");
  EXPECT_EQ(of("bag\tpath\nx\ty\nx\n"),
            "[bags] line 3 must have 2 fields, as the first has: got 1 in ");
  EXPECT_EQ(of("bag\tpath\nx\t\n"),
            "[bags] line 2 must say its bag, path and patient: got \"x\t\" in ");
  EXPECT_EQ(
      of("bag\tpath\tlabel\nx\ty\till\nx\ty\t \n"),
      "[bags] line 3 has no label, but line 2 has \"ill\": a table has labels on all lines or on "
      "none: ");
  EXPECT_EQ(of("bag\tpath\n"), "[bags] the table must have lines below its header: ");
  EXPECT_EQ(error_of([&] { open_source("cases:10?each=bag", "train"); }),
            "[data] each must be patient or picture: got \"bag\"");
  EXPECT_EQ(error_of([&] {
              make_bags(make_shapes({.size = 2}), {{{0}, {}}, {{0}, {1}}});
            }),
            "[bags] a bag has at least one picture: got an empty one");
}

// One that has a label column and nothing in it has no labels.
TEST(bags, without_labels) {
  Folder folder;
  picture(folder, "a.png", 1);
  const std::string path = folder.write("t.tsv", std::string("bag\tpath\tlabel\nx\ta.png\t\n"));
  const auto source = open_source("bags:" + path, "train");
  EXPECT_TRUE(source->classes().empty());
  EXPECT_FALSE(read_batch(*source, {0}).has("label"));
}

TEST(bags, say_where_their_pictures_have_two_labels) {
  Folder folder;
  table(folder);
  EXPECT_EQ(open_source("bags:" + (folder / "bags.tsv"), "train")->left_out(), "");
  for (int i = 0; i < 3; i++) picture(folder, std::to_string(i) + ".png", i);
  const std::string path = folder.write("two.tsv", std::string("bag\tpath\tlabel\n"
                                                               "x\t0.png\till\n"
                                                               "x\t1.png\twell\n"
                                                               "y\t2.png\twell\n"));
  EXPECT_EQ(open_source("bags:" + path, "train")->left_out(),
            "1 of 2 bags have pictures of more than one label (line 2 \"ill\" and line 3 "
            "\"well\"): a sample has that of its first picture alone");
  EXPECT_EQ(open_source("bags:" + path + "?test=0.5", "test")->left_out(), "");
  EXPECT_EQ(open_source("bags:" + path + "?each=picture", "train")->left_out(), "");
}

// All pictures of a patient share shape, texture and hue, and no other factor.
TEST(cases, share_what_their_condition_is) {
  const auto pictures = open_source("cases:200?each=picture", "train");
  ASSERT_EQ(pictures->size(), 1200);
  std::vector<std::int64_t> ids(1200);
  std::iota(ids.begin(), ids.end(), 0);
  const Batch all = read_batch(*pictures, ids);
  const auto factors = all["factors"].to_vector<float>();
  std::vector<int> same(kFactors), labels(10);
  for (int i = 0; i < 1200; i++) {
    labels[all["label"].to_vector<int>()[i]]++;
    for (int f = 0; f < kFactors; f++)
      same[f] += factors[i * kFactors + f] == factors[i / 6 * 6 * kFactors + f];
  }
  for (int f : {kShape, kTexture, kHue}) EXPECT_EQ(same[f], 1200) << f;
  for (int f : {kX, kY, kScale, kRotation}) EXPECT_EQ(same[f], 200) << f;
  EXPECT_LT(same[kBackground], 500);
  for (int n : labels) EXPECT_GT(n, 0);

  const auto patients = open_source("cases:200", "train");
  EXPECT_EQ(patients->size(), 200);
  const Batch two = read_batch(*patients, {7}), later = read_batch(*patients, {7}, 1);
  EXPECT_NE(two["image"].to_vector<int>(), two["partner"].to_vector<int>());
  EXPECT_EQ(two["label"].to_vector<int>(), later["label"].to_vector<int>());
  EXPECT_EQ(open_source("cases:200", "test")->size(), 40);
}

}  // namespace lacuna::test
