#include "../../datasets/text/labelled.h"

#include "../../datasets/spec.h"
#include "../../datasets/text/summary.h"
#include "text.h"

namespace lacuna::test {
namespace {

const std::vector<std::string> kWords = {"good", "bad", "film", "##s", "a", ",", "paris"};
enum : std::int64_t { kGood = 5, kBad, kFilm, kEs, kA, kComma, kParis };

using Ids = std::vector<std::int64_t>;

}  // namespace

TEST(labelled, sentences_and_pairs) {
  Folder folder;
  TextOptions o;
  o.tokenizer = word_tokenizer(folder, kWords);
  o.view.length = 8;
  const std::string one =
      folder.write("one.tsv", "good films\t1\r\n\nbad , bad , bad , bad film\t0\n");
  const auto source = open_source("tsv:" + one, "train", o);
  ASSERT_EQ(source->size(), 2);
  EXPECT_EQ(source->classes(), (std::vector<std::string>{"0", "1"}));
  const Row a = row_of(*source, 0), b = row_of(*source, 1);
  EXPECT_EQ(a.tokens, (Ids{2, kGood, kFilm, kEs, 3, 0, 0, 0}));
  EXPECT_EQ(a.segment, Ids(8, 0));
  EXPECT_EQ(a.length, 5);
  EXPECT_EQ(a.label, 1);
  EXPECT_EQ(b.tokens, (Ids{2, kBad, kComma, kBad, kComma, kBad, kComma, 3}));  // cut off
  EXPECT_EQ(b.label, 0);

  const std::string two =
      folder.write("two.tsv",
                   "split\tid\tentailment\ttext\thypothesis\n"
                   "x_dev\t1\tyes\ta good film\ta film\nsplit\tid\tentailment\ttext\thypothesis\n"
                   "x_test\t2\tno\tbad\tgood , good , good , good\nx_dev\t3\tyes\tbad\tfilm\n");
  const auto train = open_source("tsv:" + two, "train", o),
             test = open_source("tsv:" + two, "test", o);
  ASSERT_EQ(train->size(), 2);
  ASSERT_EQ(test->size(), 1);
  EXPECT_EQ(test->classes(), (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(row_of(*train, 0).tokens, (Ids{2, kA, kGood, kFilm, 3, kA, kFilm, 3}));
  EXPECT_EQ(row_of(*train, 0).segment, (Ids{0, 0, 0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(row_of(*train, 0).label, 1);
  EXPECT_EQ(row_of(*test, 0).tokens, (Ids{2, kBad, 3, kGood, kComma, kGood, kComma, 3}));
  EXPECT_EQ(open_source("tsv:" + two + "?test=0.4", "test", o)->size(), 2);
  EXPECT_EQ(open_source("tsv:" + two + "?test=0.4", "train", o)->size(), 1);
  const auto other = open_source("tsv:" + two + "?text=hypothesis&pair=text&label=id", "train", o);
  EXPECT_EQ(other->classes(), (std::vector<std::string>{"1", "2", "3"}));
  EXPECT_EQ(row_of(*other, 0).tokens, (Ids{2, kA, kFilm, 3, kA, kGood, kFilm, 3}));
  EXPECT_EQ(source->left_out(),
            "1 of 2 rows have more than 8 tokens, the longest 10: what does not fit is left out");
  o.view.length = 0;
  EXPECT_EQ(open_source("tsv:" + one, "train", o)->fields()[0].shape, (Shape{10}));
  EXPECT_EQ(open_source("tsv:" + one, "train", o)->left_out(), "");
  o.classes = {"no", "maybe"};
  EXPECT_NE(error_of([&] {
              open_source("tsv:" + two, "train", o);
            }).find("labels must be among no, maybe: got \"yes\""),
            std::string::npos);
}

TEST(labelled, a_vocabulary_without_cls_gets_three_more_tokens) {
  Folder folder;
  TextOptions o;
  o.tokenizer = train_characters("abc");  // [UNK] is 3
  const auto pairs = open_source("tsv:" + folder.write("p.tsv", "ab\tc\t1\na\tb\t2\n"), "train", o);
  EXPECT_EQ(pairs->vocabulary().size, 7);
  EXPECT_EQ(row_of(*pairs, 0).tokens, (Ids{4, 0, 1, 5, 2, 6}));
  EXPECT_EQ(row_of(*pairs, 1).tokens, (Ids{4, 0, 5, 1, 6, 0}));
  EXPECT_EQ(pairs->vocabulary().sep, 5);
  EXPECT_EQ(pairs->vocabulary().cls, 6);
}

// A model that has no such tokens: rows of those it has.
TEST(labelled, without_new_tokens) {
  Folder folder;
  TextOptions o;
  o.new_tokens = false;
  o.tokenizer = train_characters("abc");
  const auto pairs = open_source("tsv:" + folder.write("p.tsv", "ab\tc\t1\na\tb\t2\n"), "train", o);
  EXPECT_EQ(pairs->vocabulary().size, 4);
  EXPECT_EQ(row_of(*pairs, 0).tokens, (Ids{0, 1, 2}));
  EXPECT_EQ(row_of(*pairs, 0).segment, (Ids{0, 0, 1}));
  EXPECT_EQ(row_of(*pairs, 1).length, 2);
  EXPECT_NE(error_of([&] {
              row_of(*open_source("tsv:" + folder.write("e.tsv", "ab\t1\n\t2\n"), "train", o), 1);
            }),
            "")
      << "a row without tokens";
  const auto tags = open_source("conll:" + folder.write("t.conll", "a\tO\nb\tX\n"), "train", o);
  const Batch batch = read_batch(*tags, {0});
  EXPECT_EQ(batch["tag"].data<std::int64_t>()[0], 0);
  // BERT's are no new ones, and GPT-2's <|endoftext|> is where a text begins.
  o.tokenizer = word_tokenizer(folder, kWords);
  const std::string good = folder.write("good.tsv", "good film\t1\nbad film\t0\n");
  EXPECT_EQ(row_of(*open_source("tsv:" + good, "train", o), 0).tokens, (Ids{2, kGood, kFilm, 3}));
  o.tokenizer = learned_tokenizer("bpe", "good good bad bad", 280);
  const std::int64_t end = o.tokenizer->vocabulary().end;
  ASSERT_GE(end, 0);
  const auto bytes = open_source("tsv:" + good, "train", o);
  EXPECT_EQ(bytes->vocabulary().size, o.tokenizer->vocabulary().size);
  EXPECT_EQ(row_of(*bytes, 0).tokens[0], end);
}

TEST(labelled, words_and_tags) {
  Folder folder;
  TextOptions o;
  o.tokenizer = word_tokenizer(folder, kWords);
  o.view.length = 7;
  const std::string path =
      folder.write("n.conll", "-DOCSTART-\tO\n\nfilms\tO\nparis,\tB-x\ngood\tO\n\t \nbad\tI-x\n");
  const auto source = open_source("conll:" + path, "train", o);
  ASSERT_EQ(source->size(), 2);
  EXPECT_EQ(source->classes(), (std::vector<std::string>{"B-x", "I-x", "O"}));
  const Batch batch = read_batch(*source, {0, 1});
  const auto* tags = batch["tag"].data<std::int64_t>();
  EXPECT_EQ(row_of(*source, 0).tokens, (Ids{2, kFilm, kEs, kParis, kComma, kGood, 3}));
  EXPECT_EQ(Ids(tags, tags + 14), (Ids{-1, 2, -1, 0, -1, 2, -1, -1, 1, -1, -1, -1, -1, -1}));
  EXPECT_EQ(open_source("conll:" + path + "?test=0.5", "test", o)->size(), 1);
  // Byte-level tokens that hold the blank before a word belong to that word.
  o.tokenizer = learned_tokenizer("bpe", "x paris x paris x paris x paris", 300);
  o.view.length = 0;
  const auto bytes =
      open_source("conll:" + folder.write("b.conll", "x\tO\nparis\tB-x\n"), "train", o);
  const Batch one = read_batch(*bytes, {0});
  const auto* tag = one["tag"].data<std::int64_t>();
  EXPECT_EQ(tag[1], 1);
  EXPECT_EQ(tag[2], 0);
}

TEST(labelled, summary_counts_labels_and_tokens) {
  Folder folder;
  TextOptions o;
  o.tokenizer = word_tokenizer(folder, kWords);
  const std::string rows = folder.write(
      "r.tsv", "good films\tparis\tyes\nbad\ta strange film\tno\nbad\ta strange film\tyes\n");
  const LabelledSummary s = summarize_labelled(*open_source("tsv:" + rows, "train", o));
  EXPECT_TRUE(s.pairs);
  EXPECT_FALSE(s.tags);
  EXPECT_EQ(s.rows, 3);
  EXPECT_EQ(s.tokens, 12);
  EXPECT_EQ(s.vocabulary, 12);
  EXPECT_EQ(s.used, 7);  // good film ##s paris bad a [UNK]
  EXPECT_EQ(s.unknown, 2);
  EXPECT_EQ(s.labels, (std::vector<std::pair<std::string, std::int64_t>>{{"no", 1}, {"yes", 2}}));
  EXPECT_EQ(s.row_tokens.least, 7);
  EXPECT_EQ(s.row_tokens.most, 7);
  ASSERT_EQ(s.problems.size(), 3u);
  EXPECT_EQ(s.problems[0], "1 rows are there already");
  EXPECT_NE(s.problems[1].find("1 rows have another label"), std::string::npos);
  EXPECT_NE(s.problems[2].find("16.7 % of the tokens are unknown"), std::string::npos);
  for (const char* part : {"3, pairs of texts", "yes         2   66.7 %", "  ! 1 rows are there"})
    EXPECT_NE(to_text(s).find(part), std::string::npos) << part << " is not in\n" << to_text(s);
  EXPECT_NE(to_json(s).find("\"rows\": 2"), std::string::npos) << to_json(s);

  const std::string words = folder.write("w.conll", "films\tO\nparis,\tB-x\n\nbad\tO\n");
  const LabelledSummary t = summarize_labelled(*open_source("conll:" + words, "train", o));
  EXPECT_TRUE(t.tags);
  EXPECT_EQ(t.rows, 2);
  EXPECT_EQ(t.tokens, 5);
  EXPECT_EQ(t.labels, (std::vector<std::pair<std::string, std::int64_t>>{{"B-x", 1}, {"O", 2}}));
  EXPECT_TRUE(t.problems.empty());
  EXPECT_NE(to_text(t).find("with a tag for each word"), std::string::npos);
}

TEST(labelled, what_is_wrong) {
  const auto tsv = [](const char* text, const TsvColumns& columns = {}) {
    return error_of([&] { parse_tsv(text, "f.tsv", columns); });
  };
  EXPECT_EQ(tsv("only text\n"),
            "[tsv] without a header a line is text TAB label, or text TAB pair TAB label: got 1 "
            "fields in "
            "line 1 of f.tsv");
  EXPECT_EQ(tsv("a\t1\n\nb\n"), "[tsv] a line must have 2 fields: got 1 in line 3 of f.tsv");
  EXPECT_EQ(tsv("a\t\n"), "[tsv] the label must not be empty: got line 1 of f.tsv");
  EXPECT_EQ(tsv("sentence\tlabel\n"), "[tsv] must have rows: got none in f.tsv");
  EXPECT_EQ(tsv(""), "[tsv] must have rows: got none in f.tsv");
  EXPECT_EQ(
      tsv("sentence\tlabel\na\t1\n", {"body", "", ""}),
      "[tsv] the first line must name the columns text=, pair= and label=: got \"sentence\tlabel\" "
      "in f.tsv");
  const auto conll = [](const char* text) {
    return error_of([&] { parse_conll(text, "f.conll"); });
  };
  EXPECT_EQ(conll("a\tO\nb\n"),
            "[conll] a line must have a word and a tag: got \"b\" in line 2 of f.conll");
  EXPECT_EQ(conll("a\t\n"),
            "[conll] a line must have a word and a tag: got \"a\t\" in line 1 of f.conll");
  EXPECT_EQ(conll("\n\n"), "[conll] must have sentences: got none in f.conll");
  EXPECT_EQ(conll("EU NNP I-NP I-ORG\n"), "no error");
  Folder folder;
  TextOptions o;
  o.tokenizer = train_characters("ab");
  const std::string bad = folder.write("u.tsv", std::string("a\xFF\t1\n"));
  EXPECT_EQ(error_of([&] { open_source("tsv:" + bad, "train", o); }),
            "[text] " + bad + " must be UTF-8: got 0xff at byte 1");
  o.view.length = 3;
  EXPECT_NE(error_of([&] {
              open_source("tsv:" + folder.write("s.tsv", "a\t1\n"), "train", o);
            }).find("room for two tokens"),
            std::string::npos);
  EXPECT_NE(error_of([&] {
              open_source("tsv:x?header=1", "train", o);
            }).find("tsv has the options split, test, text, pair, label"),
            std::string::npos);
}

}  // namespace lacuna::test
