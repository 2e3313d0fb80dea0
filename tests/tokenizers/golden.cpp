// Against Hugging Face's `tokenizers`, by the fixtures that tests/golden/text.py has written.
#include "support.h"

namespace lacuna::test {

const nlohmann::json& fixture() {
  static const nlohmann::json f = read_json(golden("text.json"));
  return f;
}

std::shared_ptr<const Tokenizer> small_tokenizer(const std::string& kind) {
  const std::string corpus = fixture()["corpus"];
  const NamedText texts[] = {{"corpus", corpus}};
  TrainOptions options;
  options.vocabulary = 451;
  return train_tokenizer(kind, texts, options);
}

namespace {

void expect_agreement(const Tokenizer& t, const std::string& name) {
  const auto& texts = fixture()["texts"];
  ASSERT_GT(texts.size(), 100u);
  for (std::size_t i = 0; i < texts.size(); i++) {
    const std::string text = texts[i];
    const auto& expected = fixture()[name][i];
    const auto tokens = t.encode(text);
    EXPECT_EQ(ids_of(tokens), expected["ids"].get<Ids>()) << name << " " << i << ": " << texts[i];
    EXPECT_EQ(t.ids(text), ids_of(tokens)) << name << " " << i;
    EXPECT_EQ(ids_of(t.encode_special(text)), expected["special"].get<Ids>())
        << name << " " << i << ": " << texts[i];
    if (!expected.contains("offsets")) continue;
    nlohmann::json offsets = nlohmann::json::array();
    for (const Token& token : tokens) offsets.push_back({token.begin, token.end});
    EXPECT_EQ(offsets, expected["offsets"]) << name << " " << i << ": " << texts[i];
  }
}

}  // namespace

TEST(golden, wordpiece) {
  expect_agreement(*open_tokenizer("hf:" + golden("tokenizer_wordpiece.json")), "lower");
}

TEST(golden, wordpiece_that_keeps_case) {
  Folder folder;
  std::string vocabulary;
  for (const std::string token : fixture()["cased_vocab"]) vocabulary += token + "\n";
  const std::string file = folder.write("vocab.txt", vocabulary);
  expect_agreement(*open_tokenizer("wordpiece:" + file + "?case=keep"), "cased");
}

TEST(golden, byte_level_bpe) {
  expect_agreement(*open_tokenizer("hf:" + golden("tokenizer_bpe.json")), "bpe");
}

// The same merges of the same corpus, in the same order, with the same ids.
TEST(golden, bpe_learns_the_same_merges) {
  const auto theirs = read_json(golden("tokenizer_bpe.json"));
  const auto ours = nlohmann::json::parse(small_tokenizer("bpe")->to_json());
  EXPECT_GT(theirs["model"]["merges"].size(), 150u);
  EXPECT_EQ(ours["model"]["merges"], theirs["model"]["merges"]);
  for (const auto& [token, id] : theirs["model"]["vocab"].items())
    EXPECT_EQ(ours["model"]["vocab"][token], id) << token;
}

}  // namespace lacuna::test
