#pragma once
// Small labelled texts in memory, as fine-tuning takes them.
#include "text_source.h"

namespace lacuna {

constexpr std::int64_t kTopicWords = 60,
                       kFirstWord = 5;  // 0 to 4: [PAD], [UNK], [CLS], [SEP], [MASK]

/// Rows of tokens with a label, or with tags.
class Rows : public Source {
 public:
  struct Row {
    std::vector<std::int64_t> tokens, tags;
    std::int64_t label = 0;
  };
  std::vector<Row> rows;
  std::vector<std::string> names = {"no", "yes"};
  Vocabulary words = {
      .size = kFirstWord + 2 * kTopicWords, .pad = 0, .cls = 2, .sep = 3, .mask = 4};
  std::int64_t length = 8;
  bool has_labels = true;

  std::int64_t size() const override { return static_cast<std::int64_t>(rows.size()); }
  std::vector<Field> fields() const override {
    std::vector<Field> all{{"tokens", Dtype::i64, {length}},
                           {"segment", Dtype::i64, {length}},
                           {"length", Dtype::i64, {}}};
    if (has_labels)
      all.push_back(tagged() ? Field{"tag", Dtype::i64, {length}} : Field{"label", Dtype::i64, {}});
    return all;
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    const Row& row = rows[static_cast<std::size_t>(index)];
    std::vector<std::int64_t> tokens = row.tokens, none(static_cast<std::size_t>(length)),
                              tags = row.tags;
    const auto n = static_cast<std::int64_t>(tokens.size());
    tokens.resize(none.size());
    tags.resize(none.size(), -1);
    std::memcpy(out[0], tokens.data(), tokens.size() * 8);
    std::memcpy(out[1], none.data(), none.size() * 8);
    std::memcpy(out[2], &n, 8);
    if (has_labels && tagged()) std::memcpy(out[3], tags.data(), tags.size() * 8);
    if (has_labels && !tagged()) std::memcpy(out[3], &row.label, 8);
  }
  std::vector<std::string> classes() const override { return names; }
  Vocabulary vocabulary() const override { return words; }
  std::string name() const override { return "rows"; }

 private:
  bool tagged() const { return !rows.empty() && !rows[0].tags.empty(); }
};

/// A word of topic 0 or 1.
inline std::int64_t word(std::uint64_t stream, std::uint64_t i, std::int64_t topic) {
  return kFirstWord + topic * kTopicWords + drawn(stream, i, kTopicWords);
}

/// [CLS] three to six words (or `fewest` and up to three more) of the row's topic, which is its label [SEP]. With `behind`,
/// GPT's: start, the words, and classify, which are behind the other tokens.
inline Rows topics(std::int64_t n, std::uint64_t stream, bool behind = false,
                   std::int64_t fewest = 3) {
  Rows rows;
  const std::int64_t first = behind ? rows.words.size : rows.words.cls,
                     last = behind ? rows.words.size + 2 : rows.words.sep;
  if (behind) rows.words.size += 3;
  for (std::int64_t i = 0; i < n; i++) {
    Rows::Row row;
    row.label = i % 2;
    row.tokens.push_back(first);
    const std::int64_t words = fewest + drawn(stream, i * 20, 4);
    for (std::int64_t k = 0; k < words; k++)
      row.tokens.push_back(word(stream, i * 20 + 1 + k, row.label));
    row.tokens.push_back(last);
    rows.rows.push_back(row);
  }
  return rows;
}

/// Words of topic 1 are names: their first is B, the others I. Every second token is not the first of its word.
inline Rows tagged(std::int64_t n, std::uint64_t stream) {
  Rows rows;
  rows.names = {"B-name", "I-name", "O"};
  for (std::int64_t i = 0; i < n; i++) {
    Rows::Row row;
    row.tokens = {rows.words.cls};
    row.tags = {-1};
    bool before = false;
    for (std::int64_t k = 0; k < 3; k++) {
      const std::int64_t topic = drawn(stream, i * 10 + k, 2);
      row.tokens.push_back(word(stream + 1, i * 10 + k, topic));
      row.tokens.push_back(word(stream + 2, i * 10 + k, 0));
      row.tags.push_back(topic == 0 ? 2 : before ? 1 : 0);
      row.tags.push_back(-1);
      before = topic == 1;
    }
    row.tokens.push_back(rows.words.sep);
    rows.rows.push_back(row);
  }
  return rows;
}

}  // namespace lacuna
