// lacuna eval finetune, from files of text and labels to the report.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command.h"

namespace lacuna::test {
namespace {

// Sentences of good and bad words, as text, as rows and as tagged words; a BERT and a GPT of few steps.
class Finetune : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TemporaryFolder;
    const Words good = {"sun", "joy", "play"}, bad = {"mud", "rain", "ache"};
    std::string text, train, test, tagged;
    for (int i = 0; i < 40; i++) {
      const Words& words = i % 2 ? good : bad;
      const std::string line = words[i % 3] + " and " + words[i / 3 % 3];
      text += line + ".\n" + (i % 4 == 3 ? "\n" : "");
      (i < 30 ? train : test) += line + "\t" + (i % 2 ? "1" : "0") + "\n";
      tagged += words[i % 3] + "\t" + (i % 2 ? "B-good" : "O") + "\nand\tO\n\n";
    }
    folder->write("text.txt", text);
    folder->write("train.tsv", train);
    folder->write("test.tsv", test);
    folder->write("other.tsv", "sun and mud\t2\n");
    folder->write("words.conll", tagged);
    folder->write("vocab.txt",
                  "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nand\nsun\njoy\nplay\nmud\nrain\nache\n.\n");
    const Words common = {"--data",
                          "text:" + *folder / "text.txt",
                          "--steps",
                          "2",
                          "--batch-size",
                          "4",
                          "--quiet",
                          "--set",
                          "layers=1",
                          "--set",
                          "width=16",
                          "--set",
                          "heads=2",
                          "--set",
                          "cache=" + *folder / "cache"};
    const auto train_run = [&](const Words& task, const char* name) {
      Words all = task;
      all.insert(all.end(), common.begin(), common.end());
      all.insert(all.end(), {"--out", *folder / name});
      expect_ok(lacuna(all));
    };
    train_run({"train", "bert", "--tokenizer", "wordpiece:" + *folder / "vocab.txt", "--set",
               "nsp=false", "--set", "context=16", "--set", "positions=16"},
              "bert");
    train_run({"train", "gpt", "--tokenizer", "char", "--set", "context=24"}, "gpt");
  }
  static void TearDownTestSuite() { delete folder; }

  static Words command(const char* run, const std::string& data, const std::string& test) {
    return {"eval",         "finetune", "--run", *folder / run, "--data", data,          "--test",
            test,           "--seeds",  "2",     "--epochs",    "1",      "--min-steps", "2",
            "--batch-size", "4"};
  }
  static Words with(const Words& words, const Words& more) { return words + more; }
  static std::string tsv(const char* name) { return "tsv:" + *folder / name; }
  static std::vector<nlohmann::json> lines(const char* run) {
    std::istringstream in(read_all(*folder / run + "/eval.jsonl"));
    std::vector<nlohmann::json> all;
    for (std::string line; std::getline(in, line);) all.push_back(nlohmann::json::parse(line));
    return all;
  }

  static TemporaryFolder* folder;
};
TemporaryFolder* Finetune::folder = nullptr;

}  // namespace

TEST_F(Finetune, PrintsATableAndKeepsALine) {
  const std::string checkpoint = read_all(*folder / "bert/checkpoint.safetensors");
  const Outcome o = lacuna(with(command("bert", tsv("train.tsv"), tsv("test.tsv")),
                                {"--labels", "6,0", "--lr", "1e-3", "--scratch-lr", "2e-3"}));
  expect_ok(o);
  for (const char* part : {"30 samples, to learn from", "10 samples, to judge by; 2 classes",
                           "6 labels, seed 1, supervised from scratch",
                           "standard deviation of 2 seeds", "pretrained", "commonest", "50.0"})
    EXPECT_TRUE(holds(o.out, part)) << part << " is not in\n" << o.out;
  const auto line = lines("bert").back();
  EXPECT_EQ(line["protocol"], "finetune");
  EXPECT_EQ(line["train_rows"], 30);
  EXPECT_EQ(line["test_rows"], 10);
  EXPECT_EQ(line["length"], 16);  // as many as the encoder takes
  EXPECT_EQ(line["lr"], 1e-3);
  EXPECT_EQ(line["scratch_lr"], 2e-3);
  EXPECT_EQ(line["f1"], "classes");
  EXPECT_EQ(line["majority"]["accuracy"], 0.5);
  EXPECT_EQ(line["labels"].size(), 2u);
  EXPECT_EQ(line["labels"]["6"]["steps"], 2);
  EXPECT_EQ(line["labels"]["30"]["steps"], 8);
  for (const char* arm : {"pretrained", "scratch"}) {
    const auto& scores = line["labels"]["30"][arm];
    ASSERT_EQ(scores["trials"].size(), 2u);
    EXPECT_NEAR(scores["accuracy"].get<double>(),
                (scores["trials"][0][0].get<double>() + scores["trials"][1][0].get<double>()) / 2,
                1e-12);
    EXPECT_TRUE(scores["f1_std"].is_number());
  }
  EXPECT_EQ(read_all(*folder / "bert/checkpoint.safetensors"), checkpoint);
  expect_ok(lacuna({"report", "--run", *folder / "bert"}));
  const std::string page = read_all(*folder / "bert/report.html");
  for (const char* part : {"Fine-tuning", "supervised from scratch", "2 seeds", "commonest"})
    EXPECT_TRUE(holds(page, part)) << part;
}

TEST_F(Finetune, SaysHowManyRowsAreCut) {
  const Words short_rows =
      with(command("bert", tsv("train.tsv"), tsv("test.tsv")), {"--labels", "6", "--length", "4"});
  const Outcome o = lacuna(short_rows);
  EXPECT_EQ(o.status, 0);
  EXPECT_EQ(o.err,
            "lacuna: warning: " + tsv("train.tsv") +
                ": 30 of 30 rows have more than 4 tokens, the longest 5: what does not fit is "
                "left out\nlacuna: warning: " +
                tsv("test.tsv") +
                ": 10 of 10 rows have more than 4 tokens, the longest 5: what does not fit is "
                "left out\n");
  const Outcome quiet = lacuna(with(short_rows, {"--quiet"}));
  EXPECT_EQ(quiet.out + quiet.err, "");
}

TEST_F(Finetune, ReportShowsEverySettingAndNumberOfLabels) {
  const std::string run = *folder / "reported";
  std::filesystem::copy(*folder / "bert", run, std::filesystem::copy_options::recursive);
  std::filesystem::remove(run + "/eval.jsonl");
  const auto finetuned = [&](const Words& more) {
    expect_ok(lacuna(with(command("reported", tsv("train.tsv"), tsv("test.tsv")), more)));
  };
  finetuned({"--labels", "6", "--lr", "0.125", "--quiet"});
  finetuned({"--labels", "8", "--lr", "0.0625", "--quiet"});
  finetuned({"--labels", "7,6", "--lr", "0.125", "--quiet"});  // goes on with the first table
  expect_ok(lacuna({"report", "--run", run}));
  const std::string page = read_all(run + "/report.html");
  const auto count = [&](const std::string& part) {
    int n = 0;
    for (auto at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) n++;
    return n;
  };
  for (const char* part : {"lr 0.125", "lr 0.0625"}) EXPECT_EQ(count(part), 1) << part;
  // A row of the pretrained network, and one of that from scratch.
  for (const char* labels : {"6", "7", "8"}) {
    EXPECT_EQ(count(std::string("<tr class=\"best\"><td class=\"n\">") + labels + "</td>"), 1);
    EXPECT_EQ(count(std::string("<tr><td class=\"n\">") + labels + "</td>"), 1) << labels;
  }
}

TEST_F(Finetune, SameLineForAnyNumberOfThreads) {
  for (const char* threads : {"1", "2"})
    expect_ok(lacuna(with(command("gpt", tsv("train.tsv"), tsv("test.tsv")),
                          {"--labels", "8", "--quiet", "--threads", threads})));
  const auto all = lines("gpt");
  ASSERT_GE(all.size(), 2u);
  EXPECT_EQ(all[all.size() - 1], all[all.size() - 2]);
  EXPECT_EQ(all.back()["length"], 24);
  EXPECT_EQ(all.back()["lm_weight"], 0.5);
}

TEST_F(Finetune, TagsWords) {
  const std::string data = "conll:" + *folder / "words.conll" + "?test=0.25";
  const Outcome o = lacuna(with(command("bert", data, data), {"--labels", "0", "--seeds", "1"}));
  expect_ok(o);
  EXPECT_TRUE(holds(o.out, "F1 of whole spans")) << o.out;
  const auto line = lines("bert").back();
  EXPECT_EQ(line["f1"], "spans");
  EXPECT_EQ(line["train_rows"], 30);
  EXPECT_EQ(line["majority"]["accuracy"], 0.75);
  EXPECT_EQ(line["majority"]["f1"], 0);
  EXPECT_TRUE(line["labels"]["30"]["pretrained"]["f1_std"].is_null());
}

// A row's vector by a frozen BERT or GPT, beside counts of tokens; a GPT sees no token that it does not have.
TEST_F(Finetune, JudgesVectorsOfText) {
  for (const char* run : {"bert", "gpt"})
    for (const char* protocol : {"knn", "linear"}) {
      const std::string checkpoint = read_all(*folder / run + "/checkpoint.safetensors");
      Words words = {
          "eval",          protocol,   "--run", *folder / run, "--data", tsv("train.tsv"), "--test",
          tsv("test.tsv"), "--budget", "1",     "--labels",    "6,0",    "--seeds",        "2"};
      if (std::string(protocol) == "linear") words = words + Words{"--epochs", "2"};
      const Outcome o = lacuna(words);
      expect_ok(o);
      const auto line = lines(run).back();
      EXPECT_EQ(line["protocol"], protocol);
      ASSERT_EQ(line["labels"].size(), 2u);
      EXPECT_EQ(line["labels"]["6"].size(), 4u);
      EXPECT_EQ(line["labels"]["30"].size(), 4u);
      for (const auto& [subject, row] : line["labels"]["30"].items()) {
        EXPECT_EQ(row["width"] == 16, subject != "raw") << subject;
        for (const std::string rule : line["rules"])
          EXPECT_EQ(row[rule]["test"]["trials"].size(), 2u);
      }
      EXPECT_EQ(read_all(*folder / run + "/checkpoint.safetensors"), checkpoint);
      if (std::string(run) + protocol != "bertknn") continue;
      // Counts of words tell good from bad.
      EXPECT_GT(line["labels"]["30"]["raw"]["weighted"]["test"]["accuracy"].get<double>(), 0.9);
    }
}

TEST_F(Finetune, ShiftsToOtherText) {
  const Outcome o = lacuna(with(command("bert", tsv("train.tsv"), tsv("test.tsv")),
                                {"--labels", "6", "--shift", tsv("train.tsv")}));
  expect_ok(o);
  const auto line = lines("bert").back();
  EXPECT_EQ(line["labels"]["6"]["pretrained"]["shift"][tsv("train.tsv")]["trials"].size(), 2u);
}

TEST_F(Finetune, BadInputIsOneLine) {
  const auto expect_bad = [&](const Words& arguments, const char* says) {
    const Outcome o = lacuna(arguments);
    EXPECT_EQ(o.status, 2) << says;
    EXPECT_EQ(o.err.rfind("lacuna: error: ", 0), 0u) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_TRUE(holds(o.err, says)) << o.err;
  };
  const Words good = command("bert", tsv("train.tsv"), tsv("test.tsv"));
  expect_bad({"eval", "finetune", "--run", *folder / "bert"}, "--data SPEC is missing");
  expect_bad({"eval", "finetune", "--run", *folder / "bert", "--data", tsv("train.tsv")},
             "--test SPEC is missing");
  expect_bad(command("bert", tsv("train.tsv"), tsv("other.tsv")),
             "labels must be among 0, 1: got \"2\"");
  expect_bad(command("bert", tsv("train.tsv"), tsv("train.tsv")),
             "--test must not be what is learned from");
  expect_bad(command("bert", "stories", tsv("test.tsv")), "takes labelled text");
  expect_bad(command("bert", tsv("other.tsv"), tsv("test.tsv")), "labels must be among 2");
  expect_bad(with(good, {"--labels", "10,some"}), "--labels must be a whole number");
  expect_bad(with(good, {"--labels", "200%"}), "--labels must be a number from");
  expect_bad(with(good, {"--labels", "0/class"}), "--labels must be a whole number from 1");
  expect_bad(with(good, {"--labels", ""}), "--labels");
  expect_bad(with(good, {"--seeds", "0"}), "--seeds must be a whole number from 1");
  expect_bad(with(good, {"--lr", "-1"}), "--lr must be a number");
  expect_bad(with(good, {"--length", "17"}), "at most 16 tokens");
  expect_bad(with(good, {"--lenght", "17"}), "did you mean \"--length\"");
  expect_bad(with(good, {"--crop", "0.5"}), "--crop is for views of pictures: the run is of text");
  expect_bad(with(good, {"--shift", "blur"}), "blur is for pictures");
  const auto vectors = [&](const Words& more) {
    return Words{"eval", "knn", "--run", *folder / "bert"} + more;
  };
  const std::string words = "conll:" + *folder / "words.conll" + "?test=0.25";
  expect_bad(vectors({}), "--data SPEC is missing: labelled text");
  expect_bad(vectors({"--data", tsv("train.tsv")}), "--test SPEC is missing");
  expect_bad(vectors({"--data", "stories", "--test", tsv("test.tsv")}), "takes labelled text");
  expect_bad(vectors({"--data", words, "--test", words}), "tags of words are for");
  expect_bad({"eval", "linear", "--run", *folder / "bert", "--augment", "--data", tsv("train.tsv"),
              "--test", tsv("test.tsv")},
             "--augment is for pictures");
}

}  // namespace lacuna::test
