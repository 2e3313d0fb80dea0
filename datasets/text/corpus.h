#pragma once
// A text as tokens, cut into documents and sentences: what every Source of running text is made from.
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "../../core/batch.h"

namespace lacuna {

/// Token ids of 16 or 32 bits, in memory or in a mapped file.
class TokenSpan {
 public:
  TokenSpan() = default;
  explicit TokenSpan(std::span<const std::uint16_t> tokens) : narrow_(tokens) {}
  explicit TokenSpan(std::span<const std::uint32_t> tokens) : wide_(tokens) {}

  std::int64_t size() const { return static_cast<std::int64_t>(narrow_.size() + wide_.size()); }
  std::int64_t operator[](std::int64_t i) const { return wide_.empty() ? narrow_[i] : wide_[i]; }
  TokenSpan part(std::int64_t begin, std::int64_t end) const;
  /// Tokens begin .. end - 1 as i64.
  void copy(std::int64_t begin, std::int64_t end, std::int64_t* to) const;

 private:
  std::span<const std::uint16_t> narrow_;
  std::span<const std::uint32_t> wide_;
};

struct Corpus {
  std::string name;  // for errors: "text:FILE (train)"
  Vocabulary vocabulary;
  TokenSpan tokens;
  /// First token of each document, and the number of tokens as a last entry. A document's last token is
  /// vocabulary.end where there is one.
  std::span<const std::int64_t> documents;
  /// First token of each sentence, rising. A sentence lasts until the next one, or to the document's end.
  std::span<const std::int64_t> sentences;
  std::int64_t bytes = 0;         // of the text; 0 where nobody knows
  std::int64_t longest_line = 0;  // in bytes; 0 where nobody knows
  double entropy =
      std::numeric_limits<double>::quiet_NaN();  // nats a token, of documents read from their start
  std::shared_ptr<const void> memory;            // what the spans point into

  std::int64_t document_count() const { return static_cast<std::int64_t>(documents.size()) - 1; }
  /// Behind the last token of a document that is not `end`.
  std::int64_t content_end(std::int64_t document) const;
  /// Fails where a token is not one of the vocabulary; begin is where `ids` lie in the text.
  void check_tokens(std::span<const std::int64_t> ids, std::int64_t begin) const;
};

/// A corpus made in memory.
struct CorpusMemory {
  std::vector<std::uint16_t> tokens;
  std::vector<std::int64_t> documents, sentences;
};
Corpus corpus_of(std::shared_ptr<const CorpusMemory> memory, std::string name,
                 Vocabulary vocabulary);

/// The part of a text that is held out: `share` of the tokens, from its end. The cut moves to the nearest place
/// between two documents where that changes the held-out part by less than a tenth. 0 < share < 1.
struct Split {
  Corpus train, test;
};
Split hold_out(const Corpus& corpus, double share);

/// Samples of a text as a task wants them, by view.kind:
///
/// windows   In every epoch each token but the text's first is the target of exactly one window. Epoch 0 begins its
///           first window with the text's first token; each later one begins at a place drawn from (seed, epoch) and
///           goes on from the text's end to its start. The last window of an epoch is the one that may be short.
/// aligned   One window a document, from its start, with `end` before it where there is one, so that its first token
///           is a target as well. What does not fit is left out.
/// pairs     A document of n tokens has max(1, round(n / (length - 3))) chunks of about n / chunks tokens, whose
///           bounds move by up to half a chunk with the epoch. A sample takes sentences from a place in its chunk until
///           they reach its aim (length - 3 tokens, or, for short_share of them, 2 to length - 3), or the document ends;
///           A is the first few. Samples come in fours, in an order permuted anew in each epoch: in the first two B
///           follows A, the last two exchange what follows their A, so that every sentence is used about once and half
///           of the B are random, of as many sentences as the true ones. Where both chunks are of one document, B
///           comes from a chunk drawn uniformly from the others: never from the same document. A pair that is too long
///           loses tokens from the longer part, each from its front or its back by a coin (Devlin et al. 2018).
///           Finding a sample takes O(log documents + log sentences) and nothing is kept between samples.
/// segments  The same without B, and with documents of one sentence, too. One that is too long loses its front or its back.
///
/// Fails where the text has no such samples: one document for pairs, no sentences, no [CLS].
std::unique_ptr<Source> cut_text(std::shared_ptr<const Corpus> corpus, const TextView& view);

/// How often each token of the vocabulary occurs. Fails on tokens outside of it.
std::vector<std::int64_t> token_counts(const Corpus& corpus);
/// Nats a token that the best guess without context costs.
double unigram_entropy(std::span<const std::int64_t> counts);

}  // namespace lacuna
