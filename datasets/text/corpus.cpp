#include "corpus.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "../../kernels/cpu/parallel.h"
#include "cut.h"

namespace lacuna {

TokenSpan TokenSpan::part(std::int64_t begin, std::int64_t end) const {
  const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(end - begin);
  return wide_.empty() ? TokenSpan(narrow_.subspan(first, count))
                       : TokenSpan(wide_.subspan(first, count));
}

void TokenSpan::copy(std::int64_t begin, std::int64_t end, std::int64_t* to) const {
  if (wide_.empty())
    std::copy(narrow_.begin() + begin, narrow_.begin() + end, to);
  else
    std::copy(wide_.begin() + begin, wide_.begin() + end, to);
}

std::int64_t Corpus::content_end(std::int64_t document) const {
  std::int64_t end = documents[document + 1];
  while (vocabulary.end >= 0 && end > documents[document] && tokens[end - 1] == vocabulary.end)
    end--;
  return end;
}

void Corpus::check_tokens(std::span<const std::int64_t> ids, std::int64_t begin) const {
  std::int64_t largest = 0;
  for (std::int64_t id : ids) largest = std::max(largest, id);
  if (largest < vocabulary.size) return;
  const auto at =
      std::find_if(ids.begin(), ids.end(), [&](std::int64_t id) { return id >= vocabulary.size; });
  fail("text", "tokens must be below ", vocabulary.size, ", the size of the vocabulary: got ", *at,
       " as token ", begin + (at - ids.begin()), " of ", name);
}

Corpus corpus_of(std::shared_ptr<const CorpusMemory> memory, std::string name,
                 Vocabulary vocabulary) {
  Corpus c;
  c.name = std::move(name);
  c.vocabulary = vocabulary;
  c.tokens = TokenSpan(std::span<const std::uint16_t>(memory->tokens));
  c.documents = memory->documents;
  c.sentences = memory->sentences;
  c.memory = std::move(memory);
  return c;
}

namespace {

// Tokens begin .. end - 1, as a text of its own.
Corpus part_of(const Corpus& whole, std::int64_t begin, std::int64_t end) {
  struct Part {
    std::shared_ptr<const void> whole;
    std::vector<std::int64_t> documents, sentences;
  };
  auto part = std::make_shared<Part>();
  part->whole = whole.memory;
  part->documents.push_back(0);
  for (std::int64_t d : whole.documents)
    if (d > begin && d < end) part->documents.push_back(d - begin);
  part->documents.push_back(end - begin);
  for (std::int64_t s : whole.sentences)
    if (s >= begin && s < end) part->sentences.push_back(s - begin);
  Corpus c = whole;
  c.tokens = whole.tokens.part(begin, end);
  c.documents = part->documents;
  c.sentences = part->sentences;
  c.bytes = std::llround(static_cast<double>(whole.bytes) * static_cast<double>(end - begin) /
                         static_cast<double>(std::max<std::int64_t>(1, whole.tokens.size())));
  c.memory = std::move(part);
  return c;
}

}  // namespace

Split hold_out(const Corpus& corpus, double share) {
  LACUNA_CHECK(share > 0 && share < 1, "text",
               "the held-out share must be above 0 and below 1: got ", share);
  const std::int64_t n = corpus.tokens.size();
  auto cut = static_cast<std::int64_t>(static_cast<double>(n) * (1 - share));
  const auto above = std::lower_bound(corpus.documents.begin(), corpus.documents.end(), cut);
  std::int64_t best = -1;
  for (auto it = above == corpus.documents.begin() ? above : above - 1;
       it != corpus.documents.end() && it <= above; it++)
    if (*it > 0 && *it < n && (best < 0 || std::abs(*it - cut) < std::abs(best - cut))) best = *it;
  if (best >= 0 && std::abs(best - cut) * 10 < n - cut) cut = best;
  LACUNA_CHECK(cut > 0 && cut < n, "text", "both parts must have tokens: got ", n, " in ",
               corpus.name, " to hold out ", share, " of");
  return {part_of(corpus, 0, cut), part_of(corpus, cut, n)};
}

std::vector<std::int64_t> token_counts(const Corpus& corpus) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(corpus.vocabulary.size));
  std::mutex mutex;
  constexpr std::int64_t kPiece = 1 << 20;
  cpu::parallel_for(corpus.tokens.size(), kPiece, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int64_t> ids(static_cast<std::size_t>(end - begin));
    corpus.tokens.copy(begin, end, ids.data());
    corpus.check_tokens(ids, begin);
    std::vector<std::int64_t> mine(counts.size());
    for (std::int64_t id : ids) mine[static_cast<std::size_t>(id)]++;
    std::lock_guard lock(mutex);
    for (std::size_t i = 0; i < mine.size(); i++) counts[i] += mine[i];
  });
  return counts;
}

double unigram_entropy(std::span<const std::int64_t> counts) {
  double all = 0, sum = 0;
  for (std::int64_t count : counts) all += static_cast<double>(count);
  for (std::int64_t count : counts)
    if (count > 0)
      sum -= static_cast<double>(count) / all * std::log(static_cast<double>(count) / all);
  return sum;
}

std::unique_ptr<Source> cut_text(std::shared_ptr<const Corpus> corpus, const TextView& view) {
  switch (view.kind) {
    case TextView::Kind::windows:
      return view.aligned ? text::cut_documents(std::move(corpus), view)
                          : text::cut_windows(std::move(corpus), view);
    case TextView::Kind::pairs:
      return text::cut_pairs(std::move(corpus), view);
    case TextView::Kind::segments:
      return text::cut_segments(std::move(corpus), view);
    case TextView::Kind::none:
      break;
  }
  fail("text", "the task takes no text: got ", corpus->name);
}

}  // namespace lacuna
