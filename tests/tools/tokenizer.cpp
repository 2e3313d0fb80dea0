// lacuna tokenizer, on files and standard input.
#include <gtest/gtest.h>

#include <algorithm>

#include "command.h"

namespace lacuna::test {
namespace {

const std::string kText =
    "The cat sat on the mat.\n\n  That's the caf\u00e9, the cat's!\nno end of line";

Outcome with_input(const TemporaryFolder& folder, std::vector<std::string> arguments,
                   const std::string& input) {
  Limits limits;
  limits.stdin_from = folder.write("input", input);
  arguments.insert(arguments.begin(), "tokenizer");
  return lacuna(arguments, limits);
}

std::string trained(const TemporaryFolder& folder, const std::string& kind) {
  const std::string file = folder / kind + ".json";
  const Outcome o = lacuna({"tokenizer", "train", kind, "--vocab", "280", "--data",
                            folder.write("text", kText), "--out", file});
  EXPECT_EQ(o.status, 0) << o.err;
  return "hf:" + file;
}

}  // namespace

TEST(Tokenizer, ALineGivesALineAndBack) {
  TemporaryFolder folder;
  for (const char* kind : {"bpe", "char"}) {
    const std::string spec = trained(folder, kind);
    const Outcome ids = with_input(folder, {"encode", "--tokenizer", spec}, kText);
    EXPECT_EQ(ids.status, 0) << ids.err;
    EXPECT_EQ(ids.out.find_first_not_of("0123456789 \n"), std::string::npos) << ids.out;
    const Outcome text = with_input(folder, {"decode", "--tokenizer", spec}, ids.out);
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_EQ(text.out, kText + "\n") << kind;
  }
}

// More lines than one thread gets, and than one block holds.
TEST(Tokenizer, LinesKeepTheirOrder) {
  TemporaryFolder folder;
  const std::string spec = trained(folder, "char");
  std::string lines;
  for (int i = 0; i < 40000; i++) lines += std::string(static_cast<std::size_t>(i % 5), 't') + "\n";
  const Outcome ids = with_input(folder, {"encode", "--tokenizer", spec, "--threads", "3"}, lines);
  EXPECT_TRUE(with_input(folder, {"decode", "--tokenizer", spec}, ids.out).out == lines);
}

TEST(Tokenizer, SpecialTokensAndOffsetsOnRequest) {
  TemporaryFolder folder;
  const std::string spec =
      "wordpiece:" +
      folder.write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncat\n##s\n[\nmask\n]\n");
  const std::string line = "The cats [MASK]\n";
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"encode", "--tokenizer", spec});
    return with_input(folder, more, line).out;
  };
  EXPECT_EQ(run({}), "4 5 6 7 8 9\n");
  EXPECT_EQ(run({"--special"}), "1 4 5 6 3 2\n");
  EXPECT_EQ(run({"--special", "--offsets"}), "1:0-0 4:0-3 5:4-7 6:7-8 3:9-15 2:15-15\n");
  EXPECT_EQ(with_input(folder, {"decode", "--tokenizer", spec}, "1 4 5 6 3 2").out, "the cats\n");
  EXPECT_EQ(with_input(folder, {"decode", "--special", "--tokenizer", spec}, "1 4 5 6 3 2").out,
            "[CLS] the cats [MASK] [SEP]\n");
}

TEST(Tokenizer, BadInputIsOneLineThatSaysWhere) {
  TemporaryFolder folder;
  const std::string spec = trained(folder, "bpe");
  const auto expect = [](const Outcome& o, const std::string& what) {
    EXPECT_EQ(o.status, 2) << o.err;
    EXPECT_NE(o.err.find(what), std::string::npos) << o.err;
    EXPECT_EQ(o.err.find('\n'), o.err.size() - 1) << o.err;
  };
  const Outcome broken = with_input(folder, {"encode", "--tokenizer", spec}, "a\nbad \xFF\nb\n");
  expect(broken, "line 2: text must be UTF-8: got 0xff at byte 4");
  EXPECT_EQ(std::count(broken.out.begin(), broken.out.end(), '\n'), 1) << broken.out;
  expect(with_input(folder, {"decode", "--tokenizer", spec}, "1 2\n3 x\n"),
         "line 2: ids must be whole numbers with blanks between: got \"x\"");
  expect(with_input(folder, {"decode", "--tokenizer", spec}, "99999\n"),
         "line 1: an id must be 0 to ");
  expect(with_input(folder, {"encode", "--tokenizer", "hf:nothing.json"}, ""), "nothing.json");
  expect(lacuna({"tokenizer", "trian"}), "did you mean \"train\"");
  expect(lacuna({"tokenizer", "train", "bpe", "--out", "x"}), "--data PLACE is missing");
  expect(lacuna({"tokenizer", "train", "bpe", "--out", "x", "--data", folder.write("bad", "\xFF")}),
         "bad must be UTF-8: got 0xff at byte 0");
  expect(lacuna({"tokenizer", "train", "bpe", "--vocab", "10", "--out", "x", "--data",
                 folder.write("good", "good")}),
         "must be at least 257");
}

}  // namespace lacuna::test
