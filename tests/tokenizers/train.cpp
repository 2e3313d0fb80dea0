// Learning: against the definition done the slow way, and what must not change it.
#include <zlib.h>

#include <map>
#include <random>

#include "../../datasets/text/train.h"
#include "../../kernels/cpu/parallel.h"
#include "support.h"

namespace lacuna::test {
namespace {

using text::CountedWord;
using text::MergeStep;
using text::Strings;

// Counts all pairs anew for each merge.
std::vector<MergeStep> slowly(std::vector<CountedWord> words, Strings& tokens, std::int64_t size,
                              std::int64_t least, const std::string& goes_on) {
  std::vector<MergeStep> steps;
  while (tokens.size() < size) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
    for (const auto& w : words)
      for (std::size_t i = 0; i + 1 < w.symbols.size(); i++)
        counts[{w.symbols[i], w.symbols[i + 1]}] += w.count;
    std::pair<std::int32_t, std::int32_t> best;
    std::int64_t most = 0;
    for (const auto& [pair, count] : counts)  // ascending: the first of equals has the smallest ids
      if (count > most) best = pair, most = count;
    if (most < least || most == 0) break;
    std::string spelling(tokens[best.second]);
    if (spelling.rfind(goes_on, 0) == 0) spelling.erase(0, goes_on.size());
    const std::int32_t result = tokens.add(std::string(tokens[best.first]) + spelling);
    steps.push_back({best.first, best.second, result});
    for (auto& w : words) {
      std::vector<std::int32_t> merged;
      for (std::size_t i = 0; i < w.symbols.size(); i++) {
        const bool here = i + 1 < w.symbols.size() && w.symbols[i] == best.first &&
                          w.symbols[i + 1] == best.second;
        merged.push_back(here ? result : w.symbols[i]);
        i += here;
      }
      w.symbols = merged;
    }
  }
  return steps;
}

}  // namespace

// Few letters, so that pairs overlap ("aaa"), tie, and give the same token in two ways.
TEST(learn_merges, is_what_the_definition_says) {
  std::mt19937 random(5);
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  for (int round = 0; round < 200; round++) {
    const int letters = 1 + below(4);
    const std::string goes_on = round % 2 ? "##" : "";
    Strings fast, slow;
    for (int i = 0; i < 2 * letters; i++) {
      const std::string token = (i < letters       ? ""
                                 : goes_on.empty() ? "_"
                                                   : goes_on) +
                                std::string(1, 'a' + i % letters);
      fast.add(token), slow.add(token);
    }
    std::vector<CountedWord> words;
    for (int w = below(12); w >= 0; w--) {
      words.push_back({{}, 1 + below(5)});
      for (int n = below(12); n >= 0; n--)
        words.back().symbols.push_back(below(letters) +
                                       (words.back().symbols.empty() ? 0 : letters));
    }
    const std::int64_t size = 2 * letters + below(40), least = 1 + below(3);
    const auto expected = slowly(words, slow, size, least, goes_on);
    const auto got = learn_merges(words, fast, size, least, goes_on);
    ASSERT_EQ(got.size(), expected.size()) << "round " << round;
    for (std::size_t i = 0; i < got.size(); i++) {
      EXPECT_EQ(got[i].left, expected[i].left) << "round " << round << ", merge " << i;
      EXPECT_EQ(got[i].right, expected[i].right) << "round " << round << ", merge " << i;
      EXPECT_EQ(got[i].result, expected[i].result) << "round " << round << ", merge " << i;
    }
  }
}

TEST(train, wordpiece_by_hand) {
  // Counts: low 5, lower 2, newest 6, widest 3, as in the paper of Sennrich et al.
  std::string corpus;
  for (const auto& [word, count] :
       std::map<std::string, int>{{"low", 5}, {"lower", 2}, {"newest", 6}, {"widest", 3}})
    for (int i = 0; i < count; i++) corpus += word + (i % 2 ? "\n" : " ");
  const NamedText texts[] = {{"corpus", corpus}};
  TrainOptions options;
  options.vocabulary = 5 + 20 + 4;  // 10 letters, each at a word's start and inside
  const auto t = train_tokenizer("wordpiece", texts, options);
  std::vector<std::string> learned;
  for (std::int32_t id = 25; id < t->vocabulary().size; id++) learned.push_back(t->token(id));
  // ##e ##s and ##s ##t occur 9 times; then ##es ##t; then l ##o and ##o ##w, 7 times; then lo ##w.
  EXPECT_EQ(learned, (std::vector<std::string>{"##es", "##est", "lo", "low"}));
  EXPECT_EQ(t->token(0), "[PAD]");
  EXPECT_EQ(t->vocabulary().mask, 4);
  EXPECT_EQ(t->decode(t->ids("Lowest, lów")), "lowest low");
}

TEST(train, char_sorts_and_knows_what_is_unknown) {
  const auto t = train_characters("hello wörld\n");
  EXPECT_EQ(t->vocabulary().size, 11);  // \n, blank, d e h l o r w ö, and [UNK]
  EXPECT_EQ(t->token(0), "\n");
  EXPECT_EQ(t->token(t->vocabulary().size - 1), "[UNK]");
  EXPECT_EQ(t->decode(t->ids("wörld hello\n")), "wörld hello\n");
  const Ids unknown = t->ids("z€");
  EXPECT_EQ(unknown, (Ids{static_cast<std::int32_t>(t->vocabulary().unknown),
                          static_cast<std::int32_t>(t->vocabulary().unknown)}));
}

TEST(train, is_the_same_for_any_number_of_threads) {
  std::mt19937 random(6);
  std::string corpus;
  while (corpus.size() < text_size(6'000'000)) {
    const auto n = std::uniform_int_distribution<int>(0, 300)(random);
    for (int i = 0; i < n; i++) corpus += static_cast<char>('a' + i * n % 7);
    corpus += n % 3 ? " " : "é\n";
    const std::string again = corpus.substr(corpus.size() / 2, 50'000);
    if (text::valid_prefix(again) == again.size()) corpus += again;
  }
  const NamedText texts[] = {{"a", corpus}, {"b", "some more"}};
  TrainOptions options;
  options.vocabulary = 330;
  const int before = cpu::threads();
  for (const char* kind : {"wordpiece", "bpe", "char"}) {
    cpu::set_threads(1);
    const std::string one = train_tokenizer(kind, texts, options)->to_json();
    cpu::set_threads(3);
    EXPECT_TRUE(train_tokenizer(kind, texts, options)->to_json() == one) << kind;
  }
  cpu::set_threads(before);
}

TEST(train, files_give_what_their_texts_give) {
  std::string corpus = "\xEF\xBB\xBFzürich\n";
  for (int i = 0; corpus.size() < 5'000'000; i++)  // more than one thread reads at once
    corpus +=
        std::string(static_cast<std::size_t>(i % 23), static_cast<char>('a' + i % 11)) + " é\n";
  Folder folder;
  const std::string plain = folder.write("plain.text", std::string("\xEF\xBB\xBFmore\n"));
  folder.write("in/b.md", std::string("and ways\n"));
  gzFile file = gzopen((folder / "in/a.txt.gz").c_str(), "wb1");
  gzwrite(file, corpus.data(), static_cast<unsigned>(corpus.size()));
  gzclose(file);
  const NamedText texts[] = {
      {"a", std::string_view(corpus).substr(3)}, {"b", "and ways\n"}, {"plain", "more\n"}};
  TrainOptions options;
  options.vocabulary = 300;
  const int before = cpu::threads();
  cpu::set_threads(1);
  for (const char* kind : {"wordpiece", "bpe", "char"})
    EXPECT_TRUE(train_tokenizer_on_files(kind, {folder / "in", plain}, options)->to_json() ==
                train_tokenizer(kind, texts, options)->to_json())
        << kind;
  const std::size_t at = corpus.find('b', 4'500'000);
  corpus[at] = '\xFF';
  const std::string late = folder.write("late.txt", corpus);
  EXPECT_EQ(error_of([&] { train_tokenizer_on_files("char", {late}, options); }),
            "[tokenizer] " + late + " must be UTF-8: got 0xff at byte " + std::to_string(at));
  cpu::set_threads(before);
  EXPECT_NE(error_of([&] {
              train_tokenizer_on_files("bpe", {folder / "none.txt"}, options);
            }).find("none.txt"),
            std::string::npos);
}

TEST(train, errors) {
  const NamedText bad[] = {{"good.txt", "all is well"}, {"bad.txt", "12\xFF"}};
  const NamedText good[] = {{"good.txt", "all is well"}};
  const NamedText empty[] = {{"empty.txt", ""}};
  TrainOptions small;
  small.vocabulary = 10;
  for (const char* kind : {"wordpiece", "bpe", "char"}) {
    EXPECT_EQ(error_of([&] { train_tokenizer(kind, bad, {}); }),
              "[tokenizer] bad.txt must be UTF-8: got 0xff at byte 2");
    EXPECT_NE(error_of([&] { train_tokenizer(kind, empty, {}); }).find("must not be empty"),
              std::string::npos);
  }
  EXPECT_NE(error_of([&] { train_tokenizer("bpe", good, small); }).find("must be at least 257"),
            std::string::npos);
  EXPECT_NE(
      error_of([&] { train_tokenizer("wordpiece", good, small); }).find("must be at least 17"),
      std::string::npos)
      << error_of([&] { train_tokenizer("wordpiece", good, small); });
  EXPECT_NE(error_of([&] {
              train_tokenizer("wordpeice", good, small);
            }).find("did you mean \"wordpiece\"?"),
            std::string::npos);
}

}  // namespace lacuna::test
