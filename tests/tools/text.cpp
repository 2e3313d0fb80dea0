// Text through the command: train, generate, eval, report, with a model that is too small to be good at it.
#include <gtest/gtest.h>

#include <filesystem>

#include "command.h"

namespace lacuna::test {
namespace {

void expect_done(const Outcome& o) { EXPECT_EQ(o.status, 0) << o.err; }

const Words kSmall = {"--batch-size", "4",        "--set",     "layers=1", "--set",  "heads=2",
                      "--set",        "width=16", "--threads", "1",        "--quiet"};

std::string gpt_of_stories(const TemporaryFolder& f) {
  const std::string run = f / "gpt";
  expect_done(lacuna(Words{"train", "gpt", "--data", "stories:50", "--val", "stories:50", "--out",
                           run, "--steps", "6", "--log-every", "2", "--set", "aligned=true",
                           "--set", "context=128"} +
                     kSmall));
  return run;
}

std::string bert_of_stories(const TemporaryFolder& f) {
  const std::string run = f / "bert";
  expect_done(lacuna(Words{"train", "bert", "--data", "stories:50", "--val", "stories:50", "--out",
                           run, "--steps", "6", "--log-every", "2"} +
                     kSmall));
  return run;
}

TEST(Text, GeneratesTheSameForTheSameSeed) {
  TemporaryFolder f;
  const std::string run = gpt_of_stories(f);
  EXPECT_TRUE(std::filesystem::exists(run + "/tokenizer.json"));
  EXPECT_TRUE(std::filesystem::exists(run + "/samples/000006.txt"));
  const auto text = [&](const Words& more) {
    const Outcome o =
        lacuna(Words{"generate", "--run", run, "--prompt", "one quiet", "--tokens", "12"} + more);
    expect_done(o);
    return o.out;
  };
  const std::string first = text({"--seed", "3"});
  EXPECT_EQ(first.rfind("one quiet ", 0), 0u) << first;
  EXPECT_EQ(text({"--seed", "3", "--threads", "1"}), first);
  EXPECT_NE(text({"--seed", "4"}), first);
  EXPECT_EQ(text({"--temperature", "0", "--seed", "1"}), text({"--temperature", "0"}));
  EXPECT_TRUE(holds(text({"--samples", "2"}), "\n----\n"));
  EXPECT_EQ(text({"--seed", "3", "--bare"}).rfind("one quiet ", 0), 0u);
  EXPECT_NE(text({"--seed", "3", "--bare"}), first);
  // What comes before a stop is there, the stop is not.
  const std::string word = first.substr(first.find_last_of(' ') + 1, 3);
  const std::string cut = text({"--seed", "3", "--stop", word});
  EXPECT_LT(cut.size(), first.size());
  EXPECT_EQ(first.rfind(cut.substr(0, cut.size() - 1), 0), 0u) << cut << '|' << first;
}

TEST(Text, PerplexityOfAWholeText) {
  TemporaryFolder f;
  const std::string run = gpt_of_stories(f);
  const Outcome o = lacuna({"eval", "perplexity", "--run", run});
  expect_done(o);
  for (const char* word : {"nats a token", "bits a byte", "floor"})
    EXPECT_TRUE(holds(o.out, word)) << word << " is not in\n" << o.out;
  EXPECT_TRUE(holds(read_all(run + "/eval.jsonl"), "\"bits_per_byte\":"));
}

TEST(Text, FillsBlanks) {
  TemporaryFolder f;
  const std::string run = bert_of_stories(f);
  const Outcome o =
      lacuna({"eval", "fill", "--run", run, "--text", "one [MASK] noon .", "--top", "3"});
  expect_done(o);
  EXPECT_EQ(std::count(o.out.begin(), o.out.end(), '\n'), 4) << o.out;
  EXPECT_FALSE(holds(o.out, "[MASK]")) << o.out;
  const Outcome many = lacuna({"eval", "fill", "--run", run, "--blanks", "5"});
  expect_done(many);
  EXPECT_TRUE(holds(many.out, "5 blanks")) << many.out;
  EXPECT_TRUE(holds(many.out, "valid in a story")) << many.out;
  const Outcome none = lacuna({"eval", "fill", "--run", run, "--text", "one noon ."});
  EXPECT_EQ(none.status, 2);
  EXPECT_TRUE(holds(none.err, "no [MASK]")) << none.err;
}

TEST(Text, SmallProbabilitiesHaveDigits) {
  TemporaryFolder f;
  const std::string run = f / "run";
  expect_done(lacuna(Words{"train", "bert", "--data", "stories:50", "--out", run, "--steps", "60",
                           "--lr", "0.05", "--set", "warmup=1"} +
                     kSmall));
  const Outcome o =
      lacuna({"eval", "fill", "--run", run, "--text", "one [MASK] noon .", "--top", "200"});
  expect_done(o);
  EXPECT_FALSE(holds(o.out, " 0.0000 ")) << o.out;
  EXPECT_TRUE(holds(o.out, "e-0")) << o.out;
}

TEST(Text, SaysWhatDoesNotFit) {
  TemporaryFolder f;
  const Words train = {"train",        "gpt", "--data", "stories:50",
                       "--steps",      "1",   "--set",  "aligned=true",
                       "--batch-size", "2",   "--set",  "width=16"};
  const Outcome cut = lacuna(train + Words{"--out", f / "cut", "--set", "context=16"});
  EXPECT_EQ(cut.status, 0);
  EXPECT_TRUE(holds(cut.err, "50 of 50 documents have more than 16 tokens, the longest "))
      << cut.err;
  const Outcome whole = lacuna(train + Words{"--out", f / "whole", "--set", "context=512"});
  EXPECT_EQ(whole.err, "");
}

TEST(Text, DescribesLabelsAndCharacters) {
  TemporaryFolder f;
  const std::string text = f.write("t.txt", "abc abc\n\nb\u00e9\n"),
                    rows = f.write("r.tsv", "ab\t1\nba\t0\nbab\t1\n"),
                    words = f.write("w.conll", "ab\tO\nba\tB-x\n");
  const auto describe = [](const std::string& spec) {
    const Outcome o = lacuna({"data", "describe", spec, "--tokenizer", "char"});
    expect_done(o);
    return o.out;
  };
  setenv("LACUNA_CACHE", (f / "cache").c_str(), 1);
  EXPECT_TRUE(holds(describe("text:" + text), "vocabulary       7, of which 6 occur"));
  const std::string tsv = describe("tsv:" + rows);
  for (const char* part : {"rows             3\n", "labels           2\n", "1         2   66.7 %"})
    EXPECT_TRUE(holds(tsv, part)) << part << " is not in\n" << tsv;
  EXPECT_TRUE(holds(describe("conll:" + words), "with a tag for each word"));
  const Outcome tokens =
      lacuna({"data", "tokens", "text:" + text, "--tokenizer", "char", "--out", f / "t.bin"});
  expect_done(tokens);
  EXPECT_TRUE(holds(tokens.out, "12 tokens of 7")) << tokens.out;
  unsetenv("LACUNA_CACHE");
  for (const auto& [spec, says] :
       {std::pair<std::string, const char*>{"stories", "takes its characters"},
        {"tsv:" + rows, "running text"}}) {
    const Outcome o = lacuna({"data", "tokens", spec, "--tokenizer", "char", "--out", f / "x.bin"});
    EXPECT_EQ(o.status, 2);
    EXPECT_TRUE(holds(o.err, says)) << o.err;
  }
}

TEST(Text, PlanKeepsNamesAndShapesApart) {
  const Outcome o = lacuna({"plan", "bert", "--data", "stories:20", "--batch-size", "2"});
  expect_done(o);
  EXPECT_TRUE(holds(o.out, "encoder.blocks.0.attention.qkv.weight  (384, 128)")) << o.out;
}

TEST(Text, JudgesPairs) {
  TemporaryFolder f;
  const std::string run = bert_of_stories(f);
  const Outcome o = lacuna({"eval", "next-sentence", "--run", run, "--text", "one quiet noon .",
                            "--next", "then they talked ."});
  expect_done(o);
  EXPECT_TRUE(holds(o.out, "follows")) << o.out;
  expect_done(lacuna({"eval", "next-sentence", "--run", run}));
  EXPECT_TRUE(holds(read_all(run + "/eval.jsonl"), "\"protocol\":\"next-sentence\""));
  expect_done(lacuna({"report", "--run", run, "--sentence", "one [MASK] noon ."}));
  const std::string page = read_all(run + "/report.html");
  for (const char* word : {"mlm accuracy", "nsp accuracy", "next-sentence", "[SEP]", "Samples",
                           "layer 1, head 2", "looks at"})
    EXPECT_TRUE(holds(page, word)) << word;
}

TEST(Text, RunsOfCharactersGoOn) {
  TemporaryFolder f;
  std::string lines;
  for (int i = 0; i < 60; i++) lines += "to be or not to be\nthat is the question \u00e9\n";
  const std::string text = f.write("plays.txt", lines), run = f / "run";
  const Words train = Words{
      "train", "gpt", "--out", run, "--set", "data.cache=" + (f / "cache"), "--log-every", "2"};
  expect_done(
      lacuna(train +
             Words{"--data", "text:" + text + "?test=0.2", "--val", "text:" + text + "?test=0.2",
                   "--tokenizer", "char", "--steps", "4", "--set", "context=16"} +
             kSmall));
  // The characters are the run's: the text may be gone by then.
  expect_done(lacuna(train + Words{"--resume", "--steps", "6", "--quiet"}));
  expect_done(lacuna({"generate", "--run", run, "--tokens", "5", "--prompt", "to b\u00e9"}));
  const Outcome o = lacuna({"train", "gpt", "--data", "text:" + text, "--out", f / "other"});
  EXPECT_EQ(o.status, 2);
  EXPECT_TRUE(holds(o.err, "--tokenizer")) << o.err;
}

TEST(Text, WrongTasksAreTold) {
  TemporaryFolder f;
  const std::string gpt = gpt_of_stories(f), bert = bert_of_stories(f);
  const struct {
    Words words;
    const char* says;
  } rows[] = {
      {{"generate", "--run", bert}, "makes no text"},
      {{"generate", "--run", gpt, "--top-p", "2"}, "--top-p must be a number"},
      {{"generate", "--run", gpt, "--bare"}, "--prompt has no tokens"},
      {{"generate", "--run", gpt, "--tokens", "x"}, "--tokens must be a whole number"},
      {{"eval", "fill", "--run", gpt}, "has no fill"},
      {{"eval", "next-sentence", "--run", gpt}, "has no next-sentence"},
      {{"eval", "reconstruct", "--run", bert}, "has no reconstruct"},
      {{"eval", "next-sentence", "--run", bert, "--text", "a"}, "belong together"},
      {{"eval", "next-sentence", "--run", bert, "--text", "a", "--next", ""}, "--next must be"},
      {{"eval", "fill", "--run", bert, "--text", ""}, "--text has no [MASK]: got \"\""},
      {{"train", "gpt", "--data", "shapes", "--out", f / "x"}, "takes text"},
      {{"train", "inpainting", "--data", "stories", "--out", f / "x"}, "text"},
      {{"train", "bert", "--data", "stories:50", "--out", f / "x", "--tokenizer", "wordpiece:none"},
       "none"},
  };
  for (const auto& row : rows) {
    const Outcome o = lacuna(row.words);
    EXPECT_EQ(o.status, 2) << row.says;
    EXPECT_TRUE(holds(o.err, row.says)) << row.says << " is not in " << o.err;
  }
}

}  // namespace
}  // namespace lacuna::test
