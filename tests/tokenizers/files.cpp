// Files that tokenizers come from and go to, and what is wrong with them.
#include "support.h"

namespace lacuna::test {
namespace {

void expect_error(const std::function<void()>& f, const std::string& part) {
  EXPECT_NE(error_of(f).find(part), std::string::npos) << error_of(f);
}

/// A good tokenizer.json with one thing changed.
std::string changed(const std::string& file, const std::function<void(nlohmann::json&)>& change) {
  nlohmann::json j = read_json(golden(file));
  change(j);
  return j.dump();
}

// encoder.json with the 256 bytes and "th", and its vocab.bpe.
std::pair<std::string, std::string> small_bpe() {
  const auto bpe = small_tokenizer("bpe");
  nlohmann::json encoder;
  for (std::int32_t id = 0; id < 256; id++) encoder[bpe->token(id)] = id;
  encoder["th"] = 256;
  return {encoder.dump(), "#version: 0.2\nt h\n"};
}

}  // namespace

TEST(files, what_is_saved_is_the_same_again) {
  Folder folder;
  RandomText random(7);
  for (const char* kind : {"wordpiece", "bpe", "char"}) {
    const auto made = small_tokenizer(kind);
    made->save(folder / "tokenizer.json");
    const auto again = open_tokenizer("hf:" + folder / "tokenizer.json");
    EXPECT_EQ(again->to_json(), made->to_json()) << kind;
    EXPECT_EQ(again->vocabulary(), made->vocabulary()) << kind;
    EXPECT_EQ(again->special(), made->special()) << kind;
    for (int i = 0; i < 200; i++) {
      const std::string text = random(30);
      ASSERT_EQ(again->encode(text), made->encode(text)) << kind;
    }
  }
}

TEST(files, specs) {
  expect_error([] { open_tokenizer("wordpeice:x"); }, "did you mean \"wordpiece\"?");
  expect_error([] { open_tokenizer("char"); }, "lacuna tokenizer train char");
  expect_error([] { open_tokenizer("hf:"); }, "must be one of wordpiece:vocab.txt");
  expect_error([] { open_tokenizer("bpe:x?case=keep"); }, "bpe has no options");
  expect_error([] { open_tokenizer("wordpiece:x?case=up"); }, "case=keep or case=lower");
  expect_error([] { open_tokenizer("wordpiece:nowhere.txt"); }, "nowhere.txt");
}

TEST(files, vocab_txt) {
  Folder folder;
  const auto open = [&](const std::string& text) {
    return open_tokenizer("wordpiece:" + folder.write("v.txt", text));
  };
  const auto t = open("[UNK]\r\nun\r\n##aff\r\n##able\r\n");  // the words of BERT's own test
  EXPECT_EQ(t->ids("unaffable UNAFFABLE x"), (Ids{1, 2, 3, 1, 2, 3, 0}));
  EXPECT_EQ(t->encode(" unaffable")[1], (Token{2, 3, 6}));
  EXPECT_EQ(t->decode(Ids{1, 2, 3, 1}), "unaffable un");
  EXPECT_EQ(t->find("##aff"), 2);
  EXPECT_EQ(t->find("aff"), -1);
  expect_error([&] { t->decode(Ids{4}); }, "an id must be 0 to 3: got 4");
  expect_error([&] { t->decode(Ids{-1}); }, "an id must be 0 to 3: got -1");
  expect_error([&] { t->token(7); }, "got 7");
  expect_error([&] { open("[UNK]\na\na\n"); },
               "line 3: a token must not be there twice: got \"a\"");
  expect_error([&] { open("[UNK]\n\na\n"); }, "line 2: must have a token a line");
  expect_error([&] { open("a\nb\n"); }, "must have [UNK]");
  expect_error([&] { open(""); }, "must have [UNK]");
  expect_error([&] { open("[UNK]\n\xFF\n"); }, "must be UTF-8: got 0xff at byte 6");
}

TEST(files, encoder_json_and_vocab_bpe) {
  Folder folder;
  const auto open = [&](const std::string& encoder, const std::string& merges) {
    folder.write("encoder.json", encoder);
    folder.write("vocab.bpe", merges);
    return open_tokenizer("bpe:" + folder.path());
  };
  const auto [encoder, merges] = small_bpe();
  const auto t = open(encoder, merges);
  EXPECT_EQ(t->ids("the")[0], 256);
  EXPECT_EQ(t->decode(t->ids("\x01 the\u00e9")), "\x01 the\u00e9");
  nlohmann::json j = nlohmann::json::parse(encoder);
  const auto changed_encoder = [&](auto change) {
    nlohmann::json copy = j;
    change(copy);
    return copy.dump();
  };
  expect_error([&] { open("{", merges); }, "encoder.json: must be JSON");
  expect_error([&] { open("[]", merges); }, "must be an object");
  expect_error([&] { open(changed_encoder([](auto& c) { c["x"] = "y"; }), merges); },
               "an id must be a whole number");
  expect_error([&] { open(changed_encoder([](auto& c) { c["xy"] = 300; }), merges); },
               "got 300 (\"xy\") where 257 was due");
  expect_error([&] { open(changed_encoder([](auto& c) { c["xy"] = 5; }), merges); },
               "each of them once");
  expect_error([&] { open(changed_encoder([](auto& c) { c.erase("th"); }), merges); },
               "\"th\" is none");
  expect_error([&] { open(changed_encoder([](auto& c) { c["\u20ac"] = 257; }), merges); },
               "must be spelled in the 256 characters");
  expect_error(
      [&] { open(changed_encoder([](auto& c) { c["xy"] = c["!"], c.erase("!"); }), merges); },
      "every byte must be a token: byte 33, spelled \"!\"");
  expect_error([&] { open(encoder, "#version: 0.2\nt h\nt\n"); },
               "vocab.bpe, line 3: a merge must be two tokens");
  expect_error([&] { open(encoder, "t h e\n"); }, "line 1: a merge must be two tokens");
  expect_error([&] { open(encoder, "th ee\n"); }, "line 1: both parts of a merge must be tokens");
}

TEST(files, tokenizer_json_names_what_is_not_supported) {
  const auto read = [](const std::string& json) { return tokenizer_from_json(json, "t.json"); };
  const auto wordpiece = [&](auto change) { read(changed("tokenizer_wordpiece.json", change)); };
  const auto bpe = [&](auto change) { read(changed("tokenizer_bpe.json", change)); };
  expect_error([&] { read("nothing"); }, "t.json: must be JSON");
  expect_error([&] { read("{}"); }, "this is no tokenizer.json");
  expect_error([&] { read("[1]"); }, "t.json must be an object: got array");
  expect_error([&] { wordpiece([](auto& j) { j["model"]["type"] = "Unigram"; }); },
               "t.json.model must be WordPiece or BPE or WordLevel: Unigram is not supported");
  expect_error([&] { wordpiece([](auto& j) {
                       j["normalizer"] = {{"type", "Sequence"}};
                     }); },
               "t.json.normalizer must be BertNormalizer: Sequence is not supported");
  expect_error([&] { wordpiece([](auto& j) { j["pre_tokenizer"] = nullptr; }); },
               "t.json.pre_tokenizer must be BertPreTokenizer: none is not supported");
  expect_error([&] { wordpiece([](auto& j) { j["model"]["continuing_subword_prefix"] = "@@"; }); },
               "continuing_subword_prefix must be \"##\": \"@@\" is not supported");
  expect_error([&] { wordpiece([](auto& j) { j["model"]["max_input_chars_per_word"] = -1; }); },
               "max_input_chars_per_word must be a whole number: got -1");
  expect_error([&] { wordpiece([](auto& j) { j["added_tokens"][4]["lstrip"] = true; }); },
               "added_tokens[4].lstrip must be false: true is not supported");
  expect_error([&] { wordpiece([](auto& j) { j["added_tokens"][0]["special"] = false; }); },
               "added_tokens[0].special must be true");
  expect_error([&] { wordpiece([](auto& j) { j["post_processor"]["single"].erase(0); }); },
               "post_processor.single must be [CLS] A [SEP]: \"A [SEP]\" is not supported");
  expect_error(
      [&] { wordpiece([](auto& j) {
              j["post_processor"] = {{"type", "BertProcessing"}};
            }); },
      "post_processor must put [CLS] and [SEP] round a text");
  expect_error([&] { bpe([](auto& j) { j["pre_tokenizer"]["add_prefix_space"] = true; }); },
               "t.json.pre_tokenizer.add_prefix_space must be false: true is not supported");
  expect_error([&] { bpe([](auto& j) {
                       j["pre_tokenizer"] = {{"type", "Sequence"}};
                     }); },
               "pre_tokenizer must be ByteLevel: Sequence is not supported");
  expect_error([&] { bpe([](auto& j) {
                       j["normalizer"] = {{"type", "NFC"}};
                     }); },
               "normalizer must be none: NFC is not supported");
  expect_error(
      [&] { bpe([](auto& j) {
              j["post_processor"] = {{"type", "TemplateProcessing"}};
            }); },
      "post_processor must be none or ByteLevel");
  expect_error([&] { bpe([](auto& j) { j["model"]["byte_fallback"] = true; }); },
               "byte_fallback must be false");
  expect_error([&] { bpe([](auto& j) { j["model"]["dropout"] = 0.1; }); }, "dropout must be null");
  expect_error([&] { bpe([](auto& j) { j["model"]["merges"][3] = {"o"}; }); },
               "merges[3] must be two tokens");
  expect_error([&] { bpe([](auto& j) { j["model"]["merges"][3] = "o nothing"; }); },
               "merges[3]: both parts of a merge must be tokens");
  expect_error([&] { bpe([](auto& j) { j["model"]["vocab"]["!"] = 5; }); }, "each of them once");
}

// An added token behind the model's own is found by encode_special() alone.
TEST(files, added_tokens) {
  const auto t = tokenizer_from_json(changed("tokenizer_wordpiece.json",
                                             [](auto& j) {
                                               auto token = j["added_tokens"][0];
                                               token["id"] = j["model"]["vocab"].size();
                                               token["content"] = "zebra";
                                               j["added_tokens"].push_back(token);
                                             }),
                                     "t.json");
  const std::int32_t zebra = t->find("zebra");
  EXPECT_EQ(zebra, t->vocabulary().size - 1);
  for (std::int32_t id : t->ids("the zebra")) EXPECT_NE(id, zebra);
  EXPECT_EQ(t->encode_special("the zebra")[2], (Token{zebra, 4, 9}));
  EXPECT_EQ(t->decode(Ids{t->find("the"), zebra}), "the");
  EXPECT_EQ(t->decode_special(Ids{t->find("the"), zebra}), "the zebra");
  const auto again = tokenizer_from_json(t->to_json(), "again");
  EXPECT_EQ(again->to_json(), t->to_json());
}

}  // namespace lacuna::test
