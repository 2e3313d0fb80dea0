// Texts as others published them, in $LACUNA_DATA: tinyshakespeare, wikitext2_valid_test, text_public_domain, cls_sst2,
// nli_rte and ner_wnut17.
#include <cmath>

#include "../../datasets/spec.h"
#include "../../datasets/text/sources.h"
#include "../../datasets/text/summary.h"
#include "../../datasets/text/text_files.h"
#include "text.h"

namespace lacuna::test {
namespace {

std::string data(const std::string& path) {
  const char* folder = std::getenv("LACUNA_DATA");
  return folder ? std::string(folder) + "/" + path : "";
}

}  // namespace

#define NEEDS_DATA \
  if (data("").empty()) GTEST_SKIP() << "LACUNA_DATA is not set"

TEST(real_text, tiny_shakespeare_has_the_tokens_of_nanogpt) {
  NEEDS_DATA;
  Folder folder;
  const std::string file = data("tinyshakespeare/input.txt");
  TextOptions o;
  o.cache = folder.path();
  o.tokenizer = train_characters(read_text(file));
  o.view.kind = TextView::Kind::windows;
  o.view.length = 64;
  const Spec spec = parse_spec("text:" + file + "?test=0.1");
  const Corpus train = open_corpus(spec, true, o), test = open_corpus(spec, false, o);
  EXPECT_EQ(train.tokens.size(), 1003854);
  EXPECT_EQ(test.tokens.size(), 111540);
  const auto source = open_source("text:" + file + "?test=0.1", "train", o);
  EXPECT_EQ(source->size(), (1003853 + 63) / 64);
  const Row row = row_of(*source, 0);
  const std::vector<std::int32_t> ids(row.tokens.begin(), row.tokens.end());
  EXPECT_EQ(o.tokenizer->decode(ids), read_text(file).substr(0, 65));
}

TEST(real_text, wikitext_has_its_articles) {
  NEEDS_DATA;
  Folder folder;
  TextOptions o;
  o.cache = folder.path();
  o.tokenizer = open_tokenizer("wordpiece:" + data("tokenizer_bert/vocab.txt"));
  const std::string spec = "text:" + data("wikitext2_valid_test/valid.txt") + "?documents=heading";
  const Corpus c = open_corpus(parse_spec(spec), true, o);
  const TextSummary s = summarize_text(c);
  EXPECT_EQ(s.documents, 60);
  EXPECT_GT(s.sentences, 7000);
  EXPECT_LT(s.sentences, 11000);
  EXPECT_TRUE(s.problems.empty()) << to_text(s);
  o.view.kind = TextView::Kind::pairs;
  o.view.length = 128;
  o.view.short_share = 0.1;
  const auto pairs = open_source(spec, "train", o);
  double random = 0, all = 0;
  for (int epoch = 0; epoch < 3; epoch++)
    for (std::int64_t i = 0; i < pairs->size(); i++, all++)
      random += static_cast<double>(row_of(*pairs, i, epoch).label);
  EXPECT_NEAR(random / all, 0.5, 3 * 0.5 / std::sqrt(all));
}

TEST(real_text, war_and_peace_is_one_document_from_gzip) {
  NEEDS_DATA;
  Folder folder;
  const std::string file = data("text_public_domain/war_and_peace.txt.gz");
  TextOptions o;
  o.cache = folder.path();
  o.tokenizer = open_tokenizer("bpe:" + data("tokenizer_gpt2"));
  const Corpus c = open_corpus(parse_spec("text:" + file), true, o);
  EXPECT_EQ(c.bytes, 3196231);
  EXPECT_EQ(c.document_count(), 1);
  EXPECT_EQ(c.tokens.size(),
            static_cast<std::int64_t>(o.tokenizer->ids(read_text(file)).size()) + 1);
  EXPECT_GT(c.sentences.size(), 25000u);
  EXPECT_LT(c.sentences.size(), 40000u);
}

TEST(real_text, labelled_sets) {
  NEEDS_DATA;
  TextOptions o;
  o.tokenizer = open_tokenizer("wordpiece:" + data("tokenizer_bert/vocab.txt"));
  o.view.length = 128;
  const auto sst = open_source("tsv:" + data("cls_sst2/train.tsv"), "train", o);
  EXPECT_EQ(sst->size(), 6920);
  EXPECT_EQ(open_source("tsv:" + data("cls_sst2/dev.tsv"), "test", o)->size(), 872);
  EXPECT_EQ(sst->classes(), (std::vector<std::string>{"0", "1"}));
  const std::string rte = "tsv:" + data("nli_rte/rte123.tsv.gz");
  const auto train = open_source(rte, "train", o), test = open_source(rte, "test", o);
  EXPECT_EQ(train->size(), 283 + 284 + 190 + 210 + 388 + 412);
  EXPECT_EQ(test->size(), 2400);
  EXPECT_EQ(row_of(*train, 2).label, 1);
  const auto tags = open_source("conll:" + data("ner_wnut17/wnut17train.conll"), "train", o);
  EXPECT_EQ(tags->size(), 3394);
  EXPECT_EQ(tags->classes().size(), 13u);
  o.classes = tags->classes();
  EXPECT_EQ(open_source("conll:" + data("ner_wnut17/emerging.dev.conll"), "test", o)->size(), 1009);
  EXPECT_EQ(open_source("conll:" + data("ner_wnut17/emerging.test.annotated"), "test", o)->size(),
            1287);
}

}  // namespace lacuna::test
