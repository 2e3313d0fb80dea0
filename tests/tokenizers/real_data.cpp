// BERT's and GPT-2's own vocabularies and what others make of texts with them. $LACUNA_DATA is a folder with tokenizer_bert
// and tokenizer_gpt2.
#include <cstdlib>

#include "support.h"

namespace lacuna::test {
namespace {

class tokenizers_of_others : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* place = std::getenv("LACUNA_DATA");
    if (!place || !*place) GTEST_SKIP() << "LACUNA_DATA is not set";
    bert_ = std::string(place) + "/tokenizer_bert";
    gpt2_ = std::string(place) + "/tokenizer_gpt2";
  }
  std::shared_ptr<const Tokenizer> bert() {
    return open_tokenizer("wordpiece:" + bert_ + "/vocab.txt");
  }
  std::shared_ptr<const Tokenizer> gpt2() { return open_tokenizer("bpe:" + gpt2_); }
  std::string bert_, gpt2_;
};

}  // namespace

TEST_F(tokenizers_of_others, bert_on_six_thousand_questions) {
  const auto t = bert();
  EXPECT_EQ(t->vocabulary().size, 30522);
  EXPECT_EQ(t->vocabulary().cls, 101);
  const auto questions = read_json(bert_ + "/squad_questions.json");
  ASSERT_EQ(questions.size(), 6000u);
  for (const auto& q : questions) {
    const std::string text = q["text"];
    const Ids ids = t->ids(text);
    ASSERT_EQ(ids, q["ids"].get<Ids>()) << text;
    std::vector<std::string> pieces;
    for (std::int32_t id : ids) pieces.push_back(t->token(id));
    ASSERT_EQ(pieces, q["wordpieces"].get<std::vector<std::string>>()) << text;
  }
}

TEST_F(tokenizers_of_others, bert_on_awkward_cases_and_back) {
  const auto t = bert();
  const auto tests = read_json(bert_ + "/tokenizer_tests.json");
  for (const char* name : {"bert-base-uncased", "google-bert/bert-base-uncased"}) {
    ASSERT_EQ(tests[name].size(), 18u);
    for (const auto& test : tests[name]) {
      const Ids ids = ids_of(t->encode_special(test["input"].get<std::string>()));
      EXPECT_EQ(ids, test["encoded"]["input_ids"].get<Ids>()) << test["input"];
      EXPECT_EQ(t->decode_special(ids), test["decoded_with_special"]);
      EXPECT_EQ(t->decode(ids), test["decoded_without_special"]);
    }
  }
}

TEST_F(tokenizers_of_others, bert_on_a_long_text_and_back) {
  const auto t = bert();
  const auto test = read_json(bert_ + "/bert_uncased_encoded.json");
  const Ids ids = ids_of(t->encode_special(test["text"].get<std::string>()));
  EXPECT_EQ(ids, test["token_ids"].get<Ids>());
  EXPECT_EQ(t->decode_special(ids), test["decoded_text"]);
}

TEST_F(tokenizers_of_others, gpt2_on_awkward_strings) {
  const auto t = gpt2();
  EXPECT_EQ(t->vocabulary().size, 50257);
  EXPECT_EQ(t->vocabulary().end, 50256);
  const std::string in = read_file(gpt2_ + "/ggml-vocab-gpt-2.gguf.inp");
  const std::string out = read_file(gpt2_ + "/ggml-vocab-gpt-2.gguf.out");
  const std::string separator = "\n__ggml_vocab_test__\n";
  int cases = 0;
  for (std::size_t at = 0, line = 0;; cases++) {
    const std::size_t end = in.find(separator, at);
    if (end == std::string::npos) break;  // behind the last separator is nothing
    const std::string text = in.substr(at, end - at);
    const std::size_t newline = out.find('\n', line);
    ASSERT_NE(newline, std::string::npos) << cases;
    std::string ids;
    for (std::int32_t id : t->ids(text)) ids += " " + std::to_string(id);
    EXPECT_EQ(ids, out.substr(line, newline - line)) << text;
    EXPECT_EQ(t->decode(t->ids(text)), text);
    at = end + separator.size();
    line = newline + 1;
  }
  EXPECT_EQ(cases, 46);
}

TEST_F(tokenizers_of_others, gpt2_on_two_long_texts_and_back) {
  const auto t = gpt2();
  for (const char* file : {"/encoded_tokens.json", "/gpt2_encoded_tokens.json"}) {
    const auto test = read_json(gpt2_ + file);
    const std::string text = test["text"];
    const Ids ids = t->ids(text);
    EXPECT_EQ(ids, test["token_ids"].get<Ids>());
    EXPECT_EQ(t->decode(ids), text);
    std::vector<std::string> tokens;
    for (std::int32_t id : ids) tokens.push_back(t->token(id));
    EXPECT_EQ(tokens, test["bpe_tokens"].get<std::vector<std::string>>());
  }
}

TEST_F(tokenizers_of_others, gpt2_on_what_distilgpt2_makes) {
  const auto t = gpt2();
  const auto all = read_json(bert_ + "/tokenizer_tests.json");
  for (const auto& test : all["distilgpt2"]) {
    const Ids ids = ids_of(t->encode_special(test["input"].get<std::string>()));
    EXPECT_EQ(ids, test["encoded"]["input_ids"].get<Ids>()) << test["input"];
    // Not decoded_with_special: that one lost blanks before punctuation.
    EXPECT_EQ(t->decode(ids), test["input"].get<std::string>());
  }
}

TEST_F(tokenizers_of_others, saved_they_are_the_same_again) {
  RandomText random(8);
  for (const auto& t : {bert(), gpt2()}) {
    const auto again = tokenizer_from_json(t->to_json(), "saved");
    EXPECT_EQ(again->vocabulary(), t->vocabulary());
    for (int i = 0; i < 500; i++) {
      const std::string text = random(50);
      ASSERT_EQ(again->encode(text), t->encode(text));
    }
  }
}

}  // namespace lacuna::test
