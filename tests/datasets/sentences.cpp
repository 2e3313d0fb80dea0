#include "../../datasets/text/sentences.h"

#include "support.h"

namespace lacuna::test {
namespace {

std::vector<std::string> split(const std::string& text, SentenceEnds ends = SentenceEnds::rules) {
  std::vector<std::string> out;
  const auto starts = sentence_starts(text, ends);
  for (std::size_t i = 0; i < starts.size(); i++) {
    const std::size_t end =
        i + 1 < starts.size() ? static_cast<std::size_t>(starts[i + 1]) : text.size();
    out.push_back(text.substr(starts[i], end - starts[i]));
    while (!out.back().empty() && std::isspace(static_cast<unsigned char>(out.back().back())))
      out.back().pop_back();
  }
  return out;
}

using Sentences = std::vector<std::string>;

}  // namespace

TEST(sentences, rules) {
  EXPECT_EQ(split("It rained. We went home! Did we? Yes."),
            (Sentences{"It rained.", "We went home!", "Did we?", "Yes."}));
  EXPECT_EQ(split("  Mr. Smith met Dr. J. R. Brown at 3.15 p.m. in St. Ives. He left."),
            (Sentences{"Mr. Smith met Dr. J. R. Brown at 3.15 p.m. in St. Ives.", "He left."}));
  EXPECT_EQ(split("\"Well?\" said he. (So it was.) 'No!' Then..."),
            (Sentences{"\"Well?\" said he.", "(So it was.)", "'No!'", "Then..."}));
  EXPECT_EQ(split("A line\nthat goes on.\nAnother one\n\nA title\n \nText"),
            (Sentences{"A line\nthat goes on.", "Another one", "A title", "Text"}));
  EXPECT_EQ(split("He saw it . Then he left . \u201cGood.\u201d She too\u2026 Or not."),
            (Sentences{"He saw it .", "Then he left .", "\u201cGood.\u201d", "She too\u2026",
                       "Or not."}));
  EXPECT_EQ(split("\u6625\u3067\u3059\u3002\u590f\u3067\u3059\uff01Ende."),
            (Sentences{"\u6625\u3067\u3059\u3002", "\u590f\u3067\u3059\uff01", "Ende."}));
  EXPECT_EQ(split("e.g. This stays, i.e. One. No. 5?! Go"),
            (Sentences{"e.g. This stays, i.e. One.", "No.", "5?!", "Go"}));
  EXPECT_EQ(split("It was I. You know"), (Sentences{"It was I.", "You know"}));
  EXPECT_EQ(split("no end at all"), (Sentences{"no end at all"}));
  EXPECT_EQ(split(" \n\n "), (Sentences{}));
  EXPECT_EQ(split(""), (Sentences{}));
  EXPECT_EQ(split("."), (Sentences{"."}));
}

TEST(sentences, lines) {
  EXPECT_EQ(split("One. Two.\n  Three\n\n \nFour", SentenceEnds::lines),
            (Sentences{"One. Two.", "Three", "Four"}));
}

}  // namespace lacuna::test
