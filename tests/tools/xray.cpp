// MICLe's three steps on real X-rays, several of a patient, as ssl/configs/micle/xray.toml has them. $LACUNA_DATA is a folder with
// cxr_multiview.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "command.h"

namespace lacuna::test {

TEST(Xrays, MicleInThreeSteps) {
  const char* const data = std::getenv("LACUNA_DATA");
  if (!data || !*data) GTEST_SKIP() << "LACUNA_DATA is not set";
  const TemporaryFolder folder;
  const std::string bags = std::string("bags:") + data + "/cxr_multiview/bags.tsv?test=0.3",
                    pictures = bags + "&each=picture";
  const auto train = [&](const std::string& spec, const std::string& out, const Words& more) {
    const Words words = {"train",        "simclr",
                         "--config",     LACUNA_CONFIGS "/micle/xray.toml",
                         "--data",       spec,
                         "--val",        spec,
                         "--out",        out,
                         "--steps",      "2",
                         "--batch-size", "4",
                         "--set",        "model.width=4",
                         "--set",        "task.size=32",
                         "--quiet"};
    expect_ok(lacuna(words + more));
  };
  train(pictures, folder / "simclr", {"--set", "task.positives=views"});
  train(bags, folder / "micle", {"--init", folder / "simclr"});
  const auto metrics = read_all(folder / "micle/metrics.jsonl");
  EXPECT_GT(nlohmann::json::parse(metrics)["loss"].get<double>(), 0);
  const Words judge = {"--run", folder / "micle", "--data", pictures, "--quiet"};
  expect_ok(lacuna(Words{"eval", "knn", "--budget", "1"} + judge));
  const auto line = nlohmann::json::parse(
      read_all(folder / "micle/eval.jsonl")
          .substr(read_all(folder / "micle/eval.jsonl").find("{\"step\":2,\"protocol\"")));
  EXPECT_EQ(line["classes"].size(), 4u);
  // Nearly all are of one class: accuracy says little, F1 what there is to say.
  EXPECT_GT(line["majority"]["accuracy"].get<double>(), 0.7);
  EXPECT_LT(line["majority"]["f1"].get<double>(), 0.5);
  expect_ok(lacuna(Words{"eval", "finetune", "--labels", "0", "--seeds", "1", "--epochs", "1",
                         "--min-steps", "1"} +
                   judge));
}

}  // namespace lacuna::test
