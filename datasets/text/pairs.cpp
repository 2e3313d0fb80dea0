// BERT's instances (Devlin, Chang, Lee, Toutanova 2018): [CLS] A [SEP] B [SEP], and [CLS] A [SEP]. See cut_text().
#include <algorithm>
#include <bit>
#include <cmath>

#include "cut.h"

namespace lacuna::text {
namespace {

struct Range {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};

struct Document {
  Range tokens, sentences;
};

// Some sentences of a document, in a row.
struct Chunk {
  std::int64_t document = 0;
  Range sentences;
  std::int64_t aim = 0;  // tokens
};

// Of n tokens that go, how many go from the front: a coin each.
std::int64_t from_front(std::int64_t n, Draws& draws) {
  std::int64_t heads = 0;
  for (; n >= 32; n -= 32) heads += std::popcount(draws.word());
  if (n > 0) heads += std::popcount(draws.word() >> (32 - n));
  return heads;
}

void shorten(Range& tokens, std::int64_t n, Draws& draws) {
  const std::int64_t front = from_front(n, draws);
  tokens.begin += front;
  tokens.end -= n - front;
}

// Takes tokens away one by one, each from the longer part (B where both are as long), until `most` are left.
void shorten_pair(Range& a, Range& b, std::int64_t most, Draws& draws) {
  std::int64_t excess = std::max<std::int64_t>(0, a.size() + b.size() - most);
  const std::int64_t apart = std::min(excess, std::abs(a.size() - b.size()));
  excess -= apart;
  const bool a_longer = a.size() > b.size();
  shorten(a, (a_longer ? apart : 0) + excess / 2, draws);
  shorten(b, (a_longer ? 0 : apart) + (excess + 1) / 2, draws);
}

class Instances : public Source {
 public:
  Instances(std::shared_ptr<const Corpus> corpus, const TextView& view, bool pairs)
      : corpus_(std::move(corpus)), view_(view), pairs_(pairs) {
    const Corpus& c = *corpus_;
    room_ = view.length - (pairs ? 3 : 2);
    LACUNA_CHECK(room_ >= 2, "text", pairs ? "pairs" : "segments",
                 " must have room for two tokens beside the special ones: got length ",
                 view.length);
    LACUNA_CHECK(c.vocabulary.cls >= 0 && c.vocabulary.sep >= 0, "text",
                 "pairs and segments need a vocabulary with [CLS] and [SEP]: got none in ", c.name);
    LACUNA_CHECK(!c.sentences.empty(), "text",
                 "pairs and segments need sentences, as text: and stories have: got none in ",
                 c.name);
    std::int64_t sentence = 0;
    const auto sentences = static_cast<std::int64_t>(c.sentences.size());
    first_chunk_.push_back(0);
    for (std::int64_t d = 0; d < c.document_count(); d++) {
      Document doc{{c.documents[d], c.content_end(d)}, {sentence, sentence}};
      while (sentence < sentences && c.sentences[sentence] < c.documents[d + 1]) sentence++;
      doc.sentences.end = sentence;
      if (doc.sentences.size() < least()) continue;
      doc.tokens.begin = c.sentences[doc.sentences.begin];
      documents_.push_back(doc);
      first_chunk_.push_back(first_chunk_.back() +
                             std::max<std::int64_t>(1, (doc.tokens.size() + room_ / 2) / room_));
    }
    if (!pairs) return;
    LACUNA_CHECK(!documents_.empty(), "text",
                 "pairs need documents of two sentences or more, but each of the ",
                 c.document_count(), " documents of ", c.name,
                 " has one (a blank line after every sentence?)");
    LACUNA_CHECK(
        documents_.size() >= 2, "text",
        "pairs need two documents, so that a random B can be from another one: got one in ", c.name,
        " (where a document ends is documents=blank, heading or file)");
  }

  std::int64_t size() const override { return first_chunk_.back(); }
  std::vector<Field> fields() const override {
    std::vector<Field> all = {{"tokens", Dtype::i64, {view_.length}},
                              {"segment", Dtype::i64, {view_.length}},
                              {"length", Dtype::i64, {}}};
    if (pairs_) all.push_back({"label", Dtype::i64, {}});
    return all;
  }
  std::vector<std::string> classes() const override {
    return pairs_ ? std::vector<std::string>{"next", "random"} : std::vector<std::string>{};
  }
  Vocabulary vocabulary() const override { return corpus_->vocabulary; }
  std::string name() const override { return corpus_->name; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    read_in_epoch(index, 0, out);
  }

  void read_in_epoch(std::int64_t index, std::int64_t epoch,
                     std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), "text", "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", corpus_->name);
    const RandomKey key = RandomKey::of(view_.seed, stream_of("text.instances"), epoch);
    Draws draws(key, index, kRest);
    const Chunk chunk = chunk_of(index, key);
    Range a = chunk.sentences, b;
    std::int64_t label = 0;
    Range a_tokens, b_tokens;
    if (pairs_) {
      a.end = a.begin + 1 + draws.below(chunk.sentences.size() - 1);
      a_tokens = tokens_of(chunk.document, a);
      b = {a.end, chunk.sentences.end};
      b_tokens = tokens_of(chunk.document, b);
      label = index >> 1 & 1;
      if (label) b_tokens = from_another(index, key, chunk, a_tokens.size(), b.size(), draws);
      shorten_pair(a_tokens, b_tokens, room_, draws);
    } else {
      a_tokens = tokens_of(chunk.document, a);
      // By one coin: what begins a document would else be lost in every epoch.
      const std::int64_t excess = std::max<std::int64_t>(0, a_tokens.size() - room_);
      if (draws.below(2) == 0)
        a_tokens.begin += excess;
      else
        a_tokens.end -= excess;
    }
    write(a_tokens, b_tokens, out);
    if (pairs_) *as<std::int64_t>(out[3]) = label;
  }

 private:
  enum : std::uint64_t { kPlace, kShift, kRest, kOther };  // views of the random numbers

  std::int64_t least() const { return pairs_ ? 2 : 1; }

  // Behind sentence i of a document.
  std::int64_t sentence_end(std::int64_t document, std::int64_t i) const {
    const Document& d = documents_[document];
    return i + 1 < d.sentences.end ? corpus_->sentences[i + 1] : d.tokens.end;
  }
  Range tokens_of(std::int64_t document, Range sentences) const {
    return {corpus_->sentences[sentences.begin], sentence_end(document, sentences.end - 1)};
  }
  std::int64_t document_of(std::int64_t chunk) const {
    return std::upper_bound(first_chunk_.begin(), first_chunk_.end(), chunk) -
           first_chunk_.begin() - 1;
  }

  Chunk chunk_of(std::int64_t index, RandomKey key) const {
    const auto chunk = pairs_ ? static_cast<std::int64_t>(permute(key, index, size())) : index;
    return chunk_at(chunk, key, Draws(key, index, kPlace));
  }

  Chunk chunk_at(std::int64_t chunk, RandomKey key, Draws draws) const {
    const std::int64_t d = document_of(chunk);
    const Document& doc = documents_[d];
    const std::int64_t j = chunk - first_chunk_[d], chunks = first_chunk_[d + 1] - first_chunk_[d];
    const double shift = Draws(key, d, kShift).uniform() - 0.5;
    const auto bound = [&](std::int64_t k) -> std::int64_t {
      if (k == 0) return doc.tokens.begin;
      if (k == chunks) return doc.tokens.end;
      return doc.tokens.begin +
             std::llround((static_cast<double>(k) + shift) *
                          static_cast<double>(doc.tokens.size()) / static_cast<double>(chunks));
    };
    const Range cell{bound(j), bound(j + 1)};
    const bool is_short = draws.uniform() < view_.short_share;
    const std::int64_t aim = is_short ? 2 + draws.below(room_ - 1) : room_;
    // Where a chunk has more than its aim, its two ends are begun with as often as what is between them.
    const std::int64_t slack = std::max<std::int64_t>(0, cell.size() - aim);
    const std::int64_t start =
        cell.begin + std::clamp<std::int64_t>(draws.below(3 * slack + 1) - slack, 0, slack);
    const auto starts = corpus_->sentences.begin();
    std::int64_t first =
        std::lower_bound(starts + doc.sentences.begin, starts + doc.sentences.end, start) - starts;
    first = std::min(first, doc.sentences.end - least());
    return {d, {first, reach(d, first, first + least(), aim)}, aim};
  }

  // The end of the sentences from `first` on, at least up to `end`, that have `aim` tokens or end with the document.
  std::int64_t reach(std::int64_t document, std::int64_t first, std::int64_t end,
                     std::int64_t aim) const {
    const std::int64_t start = corpus_->sentences[first];
    while (end < documents_[document].sentences.end &&
           (end == first || sentence_end(document, end - 1) - start < aim))
      end++;
    return end;
  }

  // B from the chunk with which sample `index` exchanges, of as many sentences as would have followed A.
  Range from_another(std::int64_t index, RandomKey key, const Chunk& mine, std::int64_t a_tokens,
                     std::int64_t following, Draws& draws) const {
    const std::int64_t partner = index ^ 1;
    Chunk other = partner < size() ? chunk_of(partner, key) : mine;
    if (other.document == mine.document) {
      const std::int64_t first = first_chunk_[mine.document];
      const std::int64_t own = first_chunk_[mine.document + 1] - first;
      std::int64_t chunk = draws.below(size() - own);
      if (chunk >= first) chunk += own;
      other = chunk_at(chunk, key, Draws(key, index, kOther));
    }
    const std::int64_t begin = std::max(other.sentences.begin + 1, other.sentences.end - following);
    return tokens_of(other.document,
                     {begin, reach(other.document, begin, begin + 1, mine.aim - a_tokens)});
  }

  void write(Range a, Range b, std::span<std::byte* const> out) const {
    const Vocabulary& v = corpus_->vocabulary;
    auto* tokens = as<std::int64_t>(out[0]);
    auto* segment = as<std::int64_t>(out[1]);
    std::int64_t n = 0;
    const auto put = [&](Range part) {
      corpus_->tokens.copy(part.begin, part.end, tokens + n);
      corpus_->check_tokens({tokens + n, static_cast<std::size_t>(part.size())}, part.begin);
      n += part.size();
      tokens[n++] = v.sep;
    };
    tokens[n++] = v.cls;
    put(a);
    std::fill(segment, segment + view_.length, 0);
    if (pairs_) {
      const std::int64_t begin = n;
      put(b);
      std::fill(segment + begin, segment + n, 1);
    }
    std::fill(tokens + n, tokens + view_.length, padding_of(v));
    *as<std::int64_t>(out[2]) = n;
  }

  std::shared_ptr<const Corpus> corpus_;
  TextView view_;
  bool pairs_;
  std::int64_t room_ = 0;                  // tokens beside [CLS] and [SEP]
  std::vector<Document> documents_;        // those that have enough sentences
  std::vector<std::int64_t> first_chunk_;  // of each, and the number of all
};

}  // namespace

std::unique_ptr<Source> cut_pairs(std::shared_ptr<const Corpus> corpus, const TextView& view) {
  return std::make_unique<Instances>(std::move(corpus), view, true);
}

std::unique_ptr<Source> cut_segments(std::shared_ptr<const Corpus> corpus, const TextView& view) {
  return std::make_unique<Instances>(std::move(corpus), view, false);
}

}  // namespace lacuna::text
