#include "summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace lacuna {
namespace {

LengthSummary summary_of(std::vector<std::int64_t> lengths) {
  LengthSummary s;
  if (lengths.empty()) return s;
  std::sort(lengths.begin(), lengths.end());
  const std::size_t n = lengths.size();
  s.least = lengths.front();
  s.median = lengths[n / 2];
  s.most_of = lengths[(n * 95 + 99) / 100 - 1];
  s.most = lengths.back();
  for (std::int64_t x : lengths) s.mean += static_cast<double>(x) / static_cast<double>(n);
  return s;
}

std::string with_digits(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void find_problems(const Corpus& c, std::int64_t of_one_sentence, TextSummary& s) {
  if (s.documents == 1 && s.sentences > 0)
    s.problems.push_back(
        "one document only: next-sentence pairs need another one to draw a random sentence from");
  if (s.documents > 1 && share(of_one_sentence, s.documents) > 0.5)
    s.problems.push_back(std::to_string(of_one_sentence) + " of " + std::to_string(s.documents) +
                         " documents have one sentence (a blank line after every sentence?)");
  if (s.longest_line > 1 << 20)
    s.problems.push_back("the longest line has " + std::to_string(s.longest_line) + " bytes");
  if (share(s.unknown, s.tokens) > 0.02)
    s.problems.push_back(with_digits("%.1f %% of the tokens are unknown to the vocabulary",
                                     100 * share(s.unknown, s.tokens)));
  if (s.sentences > 0 && s.sentence_tokens.most > 1000)
    s.problems.push_back("the longest sentence has " + std::to_string(s.sentence_tokens.most) +
                         " tokens: nothing in it ends one");
  if (s.tokens > 0 && s.used == 1) s.problems.push_back("all tokens are the same");
}

}  // namespace

TextSummary summarize_text(const Corpus& c) {
  TextSummary s;
  s.name = c.name;
  s.documents = c.document_count();
  s.sentences = static_cast<std::int64_t>(c.sentences.size());
  s.tokens = c.tokens.size();
  s.bytes = c.bytes;
  s.longest_line = c.longest_line;
  s.vocabulary = c.vocabulary.size;
  s.entropy = c.entropy;
  const std::vector<std::int64_t> counts = token_counts(c);
  s.unigram_entropy = unigram_entropy(counts);
  s.used = static_cast<std::int64_t>(
      std::count_if(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; }));
  if (c.vocabulary.unknown >= 0) s.unknown = counts[static_cast<std::size_t>(c.vocabulary.unknown)];

  std::vector<std::int64_t> documents, sentences;
  std::int64_t of_one_sentence = 0;
  std::size_t next = 0;
  for (std::int64_t d = 0; d < s.documents; d++) {
    const std::int64_t end = c.content_end(d);
    documents.push_back(end - c.documents[d]);
    const std::size_t first = next;
    for (; next < c.sentences.size() && c.sentences[next] < end; next++)
      sentences.push_back(
          (next + 1 < c.sentences.size() ? std::min(c.sentences[next + 1], end) : end) -
          c.sentences[next]);
    of_one_sentence += next - first == 1;
  }
  s.document_tokens = summary_of(std::move(documents));
  s.sentence_tokens = summary_of(std::move(sentences));
  find_problems(c, of_one_sentence, s);
  return s;
}

std::string to_text(const TextSummary& s) {
  std::string out = s.name + "\n";
  const auto line = [&](const char* name, const std::string& value) {
    char text[32];
    std::snprintf(text, sizeof text, "  %-17s", name);
    out += text + value + "\n";
  };
  line("documents", std::to_string(s.documents));
  if (s.sentences > 0) line("sentences", std::to_string(s.sentences));
  line("tokens", std::to_string(s.tokens));
  if (s.bytes > 0) {
    line("bytes", std::to_string(s.bytes));
    line("bytes a token", with_digits("%.3f", share(s.bytes, s.tokens)));
  }
  if (s.longest_line > 0) line("longest line", std::to_string(s.longest_line) + " bytes");
  line("vocabulary",
       std::to_string(s.vocabulary) + ", of which " + std::to_string(s.used) + " occur");
  line("unknown",
       std::to_string(s.unknown) + with_digits(" (%.3f %%)", 100 * share(s.unknown, s.tokens)));
  line("unigram entropy", with_digits("%.4f nats a token", s.unigram_entropy));
  if (!std::isnan(s.entropy))
    line("entropy", with_digits("%.4f nats a token: no model's loss is lower", s.entropy));
  out += "  tokens in each        least  median      95 %       most       mean\n";
  const auto lengths = [&](const char* name, const LengthSummary& l) {
    char text[128];
    std::snprintf(text, sizeof text, "    %-12s %10lld %7lld %9lld %10lld %10.1f\n", name,
                  static_cast<long long>(l.least), static_cast<long long>(l.median),
                  static_cast<long long>(l.most_of), static_cast<long long>(l.most), l.mean);
    out += text;
  };
  lengths("document", s.document_tokens);
  if (s.sentences > 0) lengths("sentence", s.sentence_tokens);
  if (s.problems.empty()) out += "  nothing wrong was found\n";
  for (const auto& problem : s.problems) out += "  ! " + problem + "\n";
  return out;
}

std::string to_json(const TextSummary& s) {
  using Json = nlohmann::ordered_json;
  const auto lengths = [](const LengthSummary& l) {
    return Json{{"least", l.least},
                {"median", l.median},
                {"95%", l.most_of},
                {"most", l.most},
                {"mean", l.mean}};
  };
  const Json all = {{"name", s.name},
                    {"documents", s.documents},
                    {"sentences", s.sentences},
                    {"tokens", s.tokens},
                    {"bytes", s.bytes},
                    {"longest_line", s.longest_line},
                    {"vocabulary", s.vocabulary},
                    {"used", s.used},
                    {"unknown", s.unknown},
                    {"unigram_entropy", s.unigram_entropy},
                    {"entropy", std::isnan(s.entropy) ? Json(nullptr) : Json(s.entropy)},
                    {"document_tokens", lengths(s.document_tokens)},
                    {"sentence_tokens", lengths(s.sentence_tokens)},
                    {"problems", s.problems}};
  // Names come from file systems and need not be UTF-8.
  return all.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lacuna
