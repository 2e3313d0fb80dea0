// lacuna eval map, with labels and without, and the report.
#include "../../datasets/image_io.h"
#include "probe.h"

namespace lacuna::test {

TEST_F(Probe, MapsAndTheReport) {
  expect_ok(lacuna(command("knn", {"--budget", "0", "--quiet"})));
  const Outcome o = lacuna(command("map", {"--points", "20", "--steps", "30"}));
  expect_ok(o);
  expect_parts(o.out, {"20 samples", "pretrained", "random, frozen", "raw samples"});
  const auto map = nlohmann::json::parse(read_all(run() + "/map.json"));
  EXPECT_EQ(map["labels"].size(), 20u);
  EXPECT_EQ(map["subjects"]["pretrained"]["tsne"].size(), 20u);
  EXPECT_EQ(last()["points"], 20);
  expect_ok(lacuna({"report", "--run", run()}));
  const std::string page = read_all(run() + "/report.html");
  expect_parts(page, {"What the vectors know",
                      "<th class=\"n\">weighted</th><th class=\"n\">F1</th>", "Nearest neighbours",
                      "Maps", "random, frozen, PCA", "pretrained, t-SNE", "class=\"confusion\""});
  EXPECT_FALSE(holds(page, ">nan<"));
  folder->write("run/map.json", "{\"points\": 3}");
  expect_bad({"report", "--run", run()}, "map.json is damaged");
  folder->write("run/map.json", "");
}

// Pictures without labels have a map without colours, and no class that neighbours could share.
TEST_F(Probe, MapsOfUnlabelledPictures) {
  for (int i = 0; i < 8; i++) {
    std::vector<std::uint8_t> pixels;
    for (int k = 0; k < 32 * 32 * 3; k++)
      pixels.push_back(static_cast<std::uint8_t>(k * (i + 1) % 251));
    const auto png = encode_png(pixels, 32, 32, 3);
    folder->write("flat/" + std::to_string(i) + ".png", std::string(png.begin(), png.end()));
  }
  const Outcome o = lacuna(command("map", {"--data", "images:" + *folder / "flat" + "?split=train",
                                           "--points", "8", "--steps", "20"}));
  expect_ok(o);
  expect_parts(o.out, {"8 samples", "pretrained", "raw samples"});
  const auto map = nlohmann::json::parse(read_all(run() + "/map.json"));
  EXPECT_TRUE(map["labels"].empty());
  EXPECT_EQ(map["subjects"]["raw"]["pca"].size(), 8u);
  EXPECT_FALSE(last()["subjects"]["raw"].contains("same_class_pca"));
  expect_ok(lacuna({"report", "--run", run()}));
  const std::string page = read_all(run() + "/report.html");
  expect_parts(page, {"The data has no labels.", "random, frozen, t-SNE"});
  folder->write("run/map.json", "");
}

}  // namespace lacuna::test
