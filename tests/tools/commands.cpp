// Commands that are given what they ask for.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "../../core/safetensors.h"
#include "command.h"

namespace lacuna::test {
namespace {

namespace fs = std::filesystem;

const Words kTrain = {"train",   "inpainting", "--data",       "shapes:32",
                      "--steps", "2",          "--batch-size", "8"};

TEST(Commands, ListNamesTasksDataAndDevices) {
  const Outcome o = lacuna({"list"});
  expect_ok(o);
  for (const char* name :
       {"inpainting", "cifar10:", "idx:", "images:", "shapes", "cpu", "cuda", "emu"})
    EXPECT_TRUE(holds(o.out, name)) << name << " is not in\n" << o.out;
}

TEST(Commands, HelpOfATaskHasEveryKey) {
  const Outcome o = lacuna({"train", "inpainting", "--help"});
  expect_ok(o);
  for (const char* text : {"[task]", "[data]", "[optim]", "[train]", "mask_ratio", "default 0.5",
                           "literal | tanh | unit", "true or false", "--save-every", "--resume"})
    EXPECT_TRUE(holds(o.out, text)) << text << " is not in\n" << o.out;
  expect_ok(lacuna({"--help"}));
  expect_ok(lacuna({}));
  for (const char* command : {"list", "train", "eval", "generate", "report", "plan", "graph",
                              "data", "tokenizer", "export", "import"})
    EXPECT_TRUE(holds(lacuna({command, "--help"}).out, std::string("lacuna ") + command))
        << command;
}

// What SimCLR prints and draws says what it is of.
TEST(Commands, FiguresSayWhatTheyAre) {
  TemporaryFolder f;
  const Outcome help = lacuna({"train", "simclr", "--help"});
  expect_ok(help);
  EXPECT_TRUE(holds(help.out, "the participation ratio (sum l)^2 / sum l^2")) << help.out;
  EXPECT_FALSE(holds(lacuna({"train", "inpainting", "--help"}).out, "Its own figures"));
  const Outcome o = lacuna({"train", "simclr", "--data", "shapes:16", "--val", "shapes:25", "--out",
                            f / "run", "--batch-size", "4", "--epochs", "1", "--log-every", "1",
                            "--set", "model.backbone=resnet10", "--set", "model.width=4"});
  expect_ok(o);
  EXPECT_TRUE(holds(o.out, ", in training cannot go below ")) << o.out;
  expect_ok(lacuna({"report", "--run", f / "run"}));
  const std::string page = read_all(f / "run/report.html");
  for (const char* part : {"the participation ratio", "lowest possible training loss"})
    EXPECT_TRUE(holds(page, part)) << part;
}

TEST(Commands, FlagsCountForMoreThanTheConfig) {
  TemporaryFolder f;
  f.write("some.toml", "[task]\nmode = \"tanh\"\n[optim]\nlr = 0.5\n[train]\nseed = 7\n");
  const std::string run = f / "run";
  expect_ok(lacuna(kTrain + Words{"--out", run, "--config", f / "some.toml", "--lr", "0.25",
                                  "--set", "mask=block", "--set", "mask=pixel"}));
  const std::string config = read_all(run + "/config.toml");
  for (const char* line :
       {"mode = \"tanh\"\n", "lr = 0.25\n", "seed = 7\n", "mask = \"pixel\"\n", "batch_size = 8\n",
        "name = \"inpainting\"\n", "beta2 = 0.999\n", "precision = \"f32\"\n"})
    EXPECT_TRUE(holds(config, line)) << line << " is not in\n" << config;
  // Fully resolved: a run from that file alone is the same run.
  expect_ok(
      lacuna({"train", "inpainting", "--config", run + "/config.toml", "--out", f / "again"}));
  EXPECT_TRUE(read_all(run + "/checkpoint.safetensors") ==
              read_all(f / "again/checkpoint.safetensors"));
}

TEST(Commands, QuietIsQuiet) {
  TemporaryFolder f;
  const Outcome o = lacuna(kTrain + Words{"--out", f / "run", "--val", "shapes:20", "--quiet"});
  expect_ok(o);
  EXPECT_EQ(o.out, "");
}

TEST(Commands, EvalNeedsNoTrainingData) {
  TemporaryFolder f;
  const std::string run = f / "run";
  // The mean that fills the gaps is the training data's, and comes with the checkpoint.
  expect_ok(lacuna(kTrain + Words{"--out", run, "--set", "fill=mean", "--quiet"}));
  const Outcome o = lacuna({"eval", "reconstruct", "--run", run, "--data", "shapes:60"});
  expect_ok(o);
  for (const char* word : {"12 images", "model", "mean fill", "nearest pixel", "PSNR", "SSIM"})
    EXPECT_TRUE(holds(o.out, word)) << word << " is not in\n" << o.out;
  EXPECT_TRUE(holds(read_all(run + "/eval.jsonl"), "\"protocol\":\"reconstruct\""));
  const std::string first = read_all(run + "/eval.jsonl");
  expect_ok(lacuna({"eval", "reconstruct", "--run", run, "--data", "shapes:60", "--threads", "1"}));
  EXPECT_EQ(read_all(run + "/eval.jsonl"), first + first);  // the same masks, the same bits
}

TEST(Commands, ReportIsOneFileThatShowsTextAsText) {
  TemporaryFolder f;
  const std::string run = f / "<b>run&'\"";
  expect_ok(
      lacuna(kTrain + Words{"--out", run, "--val", "shapes:40", "--log-every", "1", "--quiet"}));
  expect_ok(lacuna({"eval", "reconstruct", "--run", run, "--quiet"}));
  expect_ok(lacuna({"report", "--run", run}));
  const std::string page = read_all(run + "/report.html");
  for (const char* part :
       {"<!doctype html>", "data:image/png;base64,iVBOR", "<svg", "nearest pixel", "109,251",
        "prefers-color-scheme: dark", "&lt;b&gt;run&amp;&#39;&quot;"})
    EXPECT_TRUE(holds(page, part)) << part;
  for (const char* part :
       {"http:", "https:", "<script", "<link", "url(", "<b>run", ">nan", ">inf", ",nan", ",inf"})
    EXPECT_FALSE(holds(page, part)) << part;
  // Nothing to show yet is a report, too.
  expect_ok(lacuna({"train", "inpainting", "--data", "shapes:8", "--steps", "1", "--out",
                    f / "bare", "--quiet", "--set", "pictures=0"}));
  fs::remove(f / "bare/metrics.jsonl");
  fs::remove(f / "bare/run.json");
  expect_ok(lacuna({"report", "--run", f / "bare"}));
}

TEST(Commands, ExportAndImportAreEachOthersReverse) {
  TemporaryFolder f;
  const std::string run = f / "run";
  expect_ok(lacuna(kTrain + Words{"--out", run, "--quiet"}));
  expect_ok(lacuna({"export", "--run", run, "--out", f / "theirs"}));
  expect_ok(lacuna({"import", f / "theirs", "--out", f / "ours"}));
  const auto trained = read_safetensors(run + "/checkpoint.safetensors").tensors,
             theirs = read_safetensors(f / "theirs").tensors,
             ours = read_safetensors(f / "ours").tensors;
  ASSERT_EQ(theirs.size(), 8u);
  ASSERT_EQ(ours.size(), 8u);
  for (const auto& [name, tensor] : ours) {
    EXPECT_EQ(tensor.shape(), trained.at(name).shape()) << name;
    EXPECT_EQ(tensor.to_vector<float>(), trained.at(name).to_vector<float>()) << name;
  }
  // Neither replaces what it reads.
  for (const auto& [words, part] :
       {std::pair{Words{"export", "--run", run, "--out", run + "/checkpoint.safetensors"},
                  "is the run's own checkpoint"},
        {Words{"import", f / "theirs", "--out", f / "theirs"}, "is the file to import"}}) {
    const Outcome o = lacuna(words);
    EXPECT_EQ(o.status, 2);
    EXPECT_TRUE(holds(o.err, part)) << o.err;
  }
  // As torch.nn.Conv2d(3, 64, 3) and torch.nn.ConvTranspose2d(128, 64, 2, 2) have them.
  EXPECT_EQ(theirs.at("encoder.0.weight").shape(), (Shape{64, 3, 3, 3}));
  EXPECT_EQ(theirs.at("decoder.0.weight").shape(), (Shape{128, 64, 2, 2}));
  const auto w = trained.at("model.decoder.0.weight").to_vector<float>(),
             t = theirs.at("decoder.0.weight").to_vector<float>();
  EXPECT_EQ(t[((5 * 64 + 7) * 2 + 1) * 2 + 0], w[((5 * 2 + 1) * 2 + 0) * 64 + 7]);
  // A run that starts from either file, and does not learn, is the run that they came from.
  for (const std::string& from : {f / "ours", run}) {
    const std::string next = f / ("from" + std::to_string(from.size()));
    expect_ok(lacuna(kTrain +
                     Words{"--out", next, "--init", from, "--lr", "0", "--seed", "9", "--quiet"}));
    const auto same = read_safetensors(next + "/checkpoint.safetensors").tensors;
    for (const auto& [name, tensor] : ours)
      EXPECT_EQ(same.at(name).to_vector<float>(), tensor.to_vector<float>()) << name;
  }
}

TEST(Commands, PlanAddsUp) {
  const Outcome o = lacuna({"plan", "inpainting", "--batch-size", "2"});
  expect_ok(o);
  EXPECT_TRUE(holds(o.out, "109,251")) << o.out;
  EXPECT_TRUE(holds(o.out, "batches of 2, cpu in f32\n")) << o.out;
  // 2 x (32 32 64 27 + 16 16 128 576 + 64 128 256 + 256 64 12) multiply-adds forward.
  EXPECT_TRUE(holds(o.out, "45.9 MFLOP")) << o.out;
}

TEST(Commands, GraphIsDot) {
  const Outcome o = lacuna({"graph", "inpainting"});
  expect_ok(o);
  EXPECT_EQ(o.out.rfind("digraph tape {", 0), 0u);
  EXPECT_EQ(o.out.substr(o.out.size() - 2), "}\n");
  for (const char* op : {"conv2d", "max_pool2d", "conv_transpose2d", "mse_loss", "leaf"})
    EXPECT_TRUE(holds(o.out, op)) << op;
}

TEST(Commands, DescribeSaysWhatThereIs) {
  const Outcome o = lacuna({"data", "describe", "shapes:50"});
  expect_ok(o);
  EXPECT_TRUE(holds(o.out, "50")) << o.out;
  EXPECT_EQ(lacuna({"data", "describe", "shapes:50", "--json"}).out.rfind("{", 0), 0u);
}

}  // namespace
}  // namespace lacuna::test
