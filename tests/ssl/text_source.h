#pragma once
// Small texts in memory, cut as ssl's tasks want them.
#include <cstring>
#include <memory>

#include "../../core/batch.h"
#include "../../kernels/random.h"

namespace lacuna {

/// Samples given by functions of their index; fields are i64.
class FakeText : public Source {
 public:
  struct Sample {
    std::vector<std::int64_t> tokens, segment;
    std::int64_t length = 0, label = 0;
  };
  std::vector<Sample> samples;
  Vocabulary words;
  double nats = std::numeric_limits<double>::quiet_NaN();

  std::int64_t size() const override { return static_cast<std::int64_t>(samples.size()); }
  std::vector<Field> fields() const override {
    const auto n = static_cast<std::int64_t>(samples[0].tokens.size());
    std::vector<Field> all{{"tokens", Dtype::i64, {n}}, {"length", Dtype::i64, {}}};
    if (!samples[0].segment.empty()) {
      all.push_back({"segment", Dtype::i64, {n}});
      all.push_back({"label", Dtype::i64, {}});
    }
    return all;
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    const Sample& s = samples[static_cast<std::size_t>(index)];
    std::memcpy(out[0], s.tokens.data(), s.tokens.size() * 8);
    std::memcpy(out[1], &s.length, 8);
    if (s.segment.empty()) return;
    std::memcpy(out[2], s.segment.data(), s.segment.size() * 8);
    std::memcpy(out[3], &s.label, 8);
  }
  Vocabulary vocabulary() const override { return words; }
  double entropy() const override { return nats; }
  std::string name() const override { return "fake text"; }
};

/// A number below n; of the stream `stream` the word `i`.
inline std::int64_t drawn(std::uint64_t stream, std::uint64_t i, std::int64_t n) {
  return static_cast<std::int64_t>(draw_word({stream}, i, 0) % static_cast<std::uint64_t>(n));
}

/// Windows of `length` + 1 random tokens; every third one is short where `ragged`.
inline std::shared_ptr<FakeText> random_windows(std::int64_t samples, std::int64_t length,
                                                std::int64_t vocabulary, bool ragged = false) {
  auto text = std::make_shared<FakeText>();
  text->words.size = vocabulary;
  for (std::int64_t i = 0; i < samples; i++) {
    FakeText::Sample s;
    s.length = ragged && i % 3 == 1 ? 2 + drawn(2, i, length - 1) : length + 1;
    for (std::int64_t k = 0; k <= length; k++)
      s.tokens.push_back(k < s.length ? drawn(1, i * 1000 + k, vocabulary) : 0);
    text->samples.push_back(s);
  }
  return text;
}

/// Pairs [CLS] A [SEP] B [SEP] of random tokens from 5 on; 0 to 4 are [PAD], [UNK], [CLS], [SEP], [MASK]. B repeats A's first
/// token where it follows A (label 0).
inline std::shared_ptr<FakeText> random_pairs(std::int64_t samples, std::int64_t length,
                                              std::int64_t vocabulary) {
  auto text = std::make_shared<FakeText>();
  text->words = {.size = vocabulary, .pad = 0, .unknown = 1, .cls = 2, .sep = 3, .mask = 4};
  for (std::int64_t i = 0; i < samples; i++) {
    FakeText::Sample s;
    s.label = i % 2;
    s.length = length - drawn(3, i, length / 3);
    const std::int64_t middle = s.length / 2;
    for (std::int64_t k = 0; k < length; k++) {
      std::int64_t token = 5 + drawn(4, i * 1000 + k, vocabulary - 5);
      if (k == 0) token = text->words.cls;
      if (k == middle || k == s.length - 1) token = text->words.sep;
      if (k == middle + 1 && s.label == 0) token = s.tokens[1];
      if (k >= s.length) token = text->words.pad;
      s.tokens.push_back(token);
      s.segment.push_back(k > middle && k < s.length ? 1 : 0);
    }
    text->samples.push_back(s);
  }
  return text;
}

}  // namespace lacuna
