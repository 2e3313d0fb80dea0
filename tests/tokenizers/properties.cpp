// What holds for any text.
#include <map>

#include "../../kernels/cpu/parallel.h"
#include "support.h"

namespace lacuna::test {
namespace {

const std::vector<std::shared_ptr<const Tokenizer>>& all_kinds() {
  static const std::vector<std::shared_ptr<const Tokenizer>> all = {
      open_tokenizer("hf:" + golden("tokenizer_wordpiece.json")),
      open_tokenizer("hf:" + golden("tokenizer_bpe.json")), small_tokenizer("char")};
  return all;
}

std::string described(const std::string& text) { return nlohmann::json(text).dump(); }

}  // namespace

TEST(any_text, bpe_gives_back_every_byte) {
  const auto bpe = small_tokenizer("bpe");
  RandomText random(1);
  for (int i = 0; i < 5000; i++) {
    const std::string text = random(60);
    const auto tokens = bpe->encode(text);
    ASSERT_EQ(bpe->decode(ids_of(tokens)), text) << described(text);
    std::int64_t at = 0;
    for (const Token& t : tokens) {  // each token is the bytes that its offsets say
      ASSERT_EQ(t.begin, at) << described(text);
      ASSERT_EQ(bpe->decode(Ids{t.id}), text.substr(t.begin, t.end - t.begin)) << described(text);
      at = t.end;
    }
    ASSERT_EQ(at, static_cast<std::int64_t>(text.size())) << described(text);
  }
}

// Long runs without a place to split take the same merges as short ones, in a time that is not quadratic.
TEST(any_text, bpe_merges_a_long_word) {
  const auto bpe = small_tokenizer("bpe");
  std::string text;
  while (text.size() < text_size(2'000'000)) text += "terkaloqu";
  EXPECT_EQ(bpe->decode(bpe->ids(text)), text);
}

TEST(any_text, ids_are_those_of_the_tokens_and_offsets_ascend) {
  RandomText random(2);
  for (int i = 0; i < 3000; i++) {
    const std::string text = random(40);
    for (const auto& t : all_kinds()) {
      const auto tokens = t->encode(text);
      ASSERT_EQ(t->ids(text), ids_of(tokens)) << described(text);
      std::int64_t at = 0;
      for (const Token& token : tokens) {
        ASSERT_GE(token.id, 0);
        ASSERT_LT(token.id, t->vocabulary().size);
        // A character that becomes several (U+0344) may be in two tokens.
        ASSERT_GE(token.end, at) << described(text);
        ASSERT_LE(token.begin, token.end) << described(text);
        ASSERT_LE(token.end, static_cast<std::int64_t>(text.size())) << described(text);
        at = token.end;
      }
      t->decode(ids_of(tokens));
      t->encode_special(text);
    }
  }
}

TEST(any_text, may_be_cut_where_next_cut_says) {
  RandomText random(3);
  for (int i = 0; i < 5000; i++) {
    const std::string text = random(30);
    for (const auto& t : all_kinds()) {
      const auto from = static_cast<std::size_t>(random.below(static_cast<int>(text.size()) + 1));
      const std::size_t cut = t->next_cut(text, from);
      ASSERT_GE(cut, from);
      ASSERT_LE(cut, text.size());
      Ids parts = t->ids(text.substr(0, cut));
      t->append_ids(std::string_view(text).substr(cut), parts);
      ASSERT_EQ(parts, t->ids(text)) << described(text) << " at " << cut;
    }
  }
}

TEST(any_text, is_the_same_for_any_number_of_threads) {
  RandomText random(4);
  std::string text;
  while (text.size() < text_size(3'000'000)) {
    const std::string one = random(200) + " the cat sat on the mat\n";
    for (int i = 0; i < 20; i++) text += one;
  }
  const int before = cpu::threads();
  for (const auto& t : all_kinds()) {
    const Ids whole = t->ids(text);
    for (int threads : {1, 3}) {
      cpu::set_threads(threads);
      Ids parts;
      encode_all(*t, text, [&](std::span<const std::int32_t> ids) {
        parts.insert(parts.end(), ids.begin(), ids.end());
      });
      EXPECT_TRUE(parts == whole) << threads << " threads";
    }
  }
  cpu::set_threads(before);
}

TEST(any_text, that_is_not_utf8_is_an_error_that_names_the_byte) {
  const std::map<std::string, std::string> bad = {
      {std::string("ab\xFF"), "got 0xff at byte 2"},
      {std::string("\x80"), "got 0x80 at byte 0"},
      {std::string("a\xC3"), "got 0xc3 at byte 1"},             // cut off
      {std::string("12345678\xE2\x82"), "got 0xe2 at byte 8"},  // cut off
      {std::string("\xC0\xAF"), "got 0xc0 at byte 0"},          // overlong
      {std::string("\xE0\x80\xAF"), "got 0xe0 at byte 0"},      // overlong
      {std::string("\xF0\x8F\xBF\xBF"), "got 0xf0 at byte 0"},  // overlong
      {std::string("x\xED\xA0\x80"), "got 0xed at byte 1"},     // a surrogate
      {std::string("\xF4\x90\x80\x80"), "got 0xf4 at byte 0"},  // above U+10FFFF
      {std::string("\xF5\x80\x80\x80"), "got 0xf5 at byte 0"},
  };
  for (const auto& [text, what] : bad)
    for (const auto& t : all_kinds()) {
      for (const auto& f : std::vector<std::function<void()>>{
               [&] { t->encode(text); }, [&] { t->ids(text); }, [&] { t->encode_special(text); },
               [&] { encode_all(*t, text, [](auto) {}); }})
        EXPECT_NE(error_of(f).find("text must be UTF-8: " + what), std::string::npos)
            << error_of(f);
    }
  const std::string late = std::string(2'000'000, 'a') + "\n\xFF";
  EXPECT_NE(error_of([&] { encode_all(*all_kinds()[1], late, [](auto) {}); }).find("byte 2000001"),
            std::string::npos);
}

// Every code point there is, against the definition.
TEST(utf8, every_code_point) {
  for (std::int32_t c = 0; c < 0x110000; c++) {
    char bytes[4];
    const int n = text::write_utf8(bytes, c);
    const std::string_view one(bytes, static_cast<std::size_t>(n));
    if (c >= 0xD800 && c < 0xE000) {
      ASSERT_EQ(text::valid_prefix(one), 0u) << c;
      continue;
    }
    ASSERT_EQ(text::valid_prefix(one), one.size()) << c;
    ASSERT_EQ(text::code_point_at(bytes).value, c);
    ASSERT_EQ(text::code_point_at(bytes).bytes, n);
  }
}

}  // namespace lacuna::test
