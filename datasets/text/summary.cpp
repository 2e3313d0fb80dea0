#include "summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
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

// "  name             value"
std::string line(const char* name, const std::string& value) {
  char text[32];
  std::snprintf(text, sizeof text, "  %-17s", name);
  return text + value + "\n";
}

constexpr const char* kLengthsHead =
    "  tokens in each        least  median      95 %       most       mean\n";
std::string lengths_line(const char* name, const LengthSummary& l) {
  char text[128];
  std::snprintf(text, sizeof text, "    %-12s %10lld %7lld %9lld %10lld %10.1f\n", name,
                static_cast<long long>(l.least), static_cast<long long>(l.median),
                static_cast<long long>(l.most_of), static_cast<long long>(l.most), l.mean);
  return text;
}

std::string problem_lines(const std::vector<std::string>& problems) {
  std::string out = problems.empty() ? "  nothing wrong was found\n" : "";
  for (const auto& problem : problems) out += "  ! " + problem + "\n";
  return out;
}

// What a text and labelled rows have.
template <class Summary>
std::string token_lines(const Summary& s) {
  return line("vocabulary",
              std::to_string(s.vocabulary) + ", of which " + std::to_string(s.used) + " occur") +
         line("unknown", std::to_string(s.unknown) +
                             with_digits(" (%.3f %%)", 100 * share(s.unknown, s.tokens)));
}

using Json = nlohmann::ordered_json;

Json json_of(const LengthSummary& l) {
  return {{"least", l.least},
          {"median", l.median},
          {"95%", l.most_of},
          {"most", l.most},
          {"mean", l.mean}};
}

// Names come from file systems and need not be UTF-8.
std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string unknown_problem(std::int64_t unknown, std::int64_t tokens) {
  return share(unknown, tokens) > 0.02
             ? with_digits("%.1f %% of the tokens are unknown to the vocabulary",
                           100 * share(unknown, tokens))
             : "";
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
  if (const auto unknown = unknown_problem(s.unknown, s.tokens); !unknown.empty())
    s.problems.push_back(unknown);
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
  std::string out = s.name + "\n" + line("documents", std::to_string(s.documents));
  if (s.sentences > 0) out += line("sentences", std::to_string(s.sentences));
  out += line("tokens", std::to_string(s.tokens));
  if (s.bytes > 0)
    out += line("bytes", std::to_string(s.bytes)) +
           line("bytes a token", with_digits("%.3f", share(s.bytes, s.tokens)));
  if (s.longest_line > 0) out += line("longest line", std::to_string(s.longest_line) + " bytes");
  out +=
      token_lines(s) + line("unigram entropy", with_digits("%.4f nats a token", s.unigram_entropy));
  if (!std::isnan(s.entropy))
    out += line("entropy", with_digits("%.4f nats a token: no model's loss is lower", s.entropy));
  out += kLengthsHead + lengths_line("document", s.document_tokens);
  if (s.sentences > 0) out += lengths_line("sentence", s.sentence_tokens);
  return out + problem_lines(s.problems);
}

std::string to_json(const TextSummary& s) {
  return dumped({{"name", s.name},
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
                 {"document_tokens", json_of(s.document_tokens)},
                 {"sentence_tokens", json_of(s.sentence_tokens)},
                 {"problems", s.problems}});
}

LabelledSummary summarize_labelled(const Source& source) {
  LabelledSummary s;
  const Vocabulary v = source.vocabulary();
  s.name = source.name();
  s.rows = source.size();
  s.vocabulary = v.size;
  for (const std::string& name : source.classes()) s.labels.emplace_back(name, 0);
  std::vector<std::int64_t> lengths, counts(static_cast<std::size_t>(v.size));
  std::map<std::vector<std::int64_t>, std::int64_t> label_of;  // of each text, the first label
  std::int64_t twice = 0, contradictions = 0;
  constexpr std::int64_t kAtOnce = 256;
  for (std::int64_t first = 0; first < s.rows; first += kAtOnce) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = first; i < std::min(s.rows, first + kAtOnce); i++) ids.push_back(i);
    const Batch batch = read_batch(source, ids);
    s.tags = batch.has("tag");
    const std::int64_t width = batch["tokens"].dim(1);
    const auto* tokens = batch["tokens"].data<std::int64_t>();
    const auto* segments = batch["segment"].data<std::int64_t>();
    const auto* target = batch[s.tags ? "tag" : "label"].data<std::int64_t>();
    for (std::int64_t row = 0; row < batch.size(); row++, tokens += width, segments += width) {
      const std::int64_t length = batch["length"].data<std::int64_t>()[row];
      lengths.push_back(length);
      s.pairs |= std::count(segments, segments + length, 1) > 0;
      for (std::int64_t i = 1; i + 1 < length; i++)  // between the special ones
        if (tokens[i] != v.sep) {
          counts[static_cast<std::size_t>(tokens[i])]++;
          s.tokens++;
        }
      if (s.tags) {
        for (std::int64_t i = row * width; i < row * width + length; i++)
          if (target[i] >= 0) s.labels[static_cast<std::size_t>(target[i])].second++;
        continue;
      }
      s.labels[static_cast<std::size_t>(target[row])].second++;
      const auto [seen, fresh] =
          label_of.emplace(std::vector<std::int64_t>(tokens, tokens + length), target[row]);
      twice += !fresh;
      contradictions += seen->second != target[row];
    }
  }
  s.used = std::count_if(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; });
  if (v.unknown >= 0) s.unknown = counts[static_cast<std::size_t>(v.unknown)];
  s.row_tokens = summary_of(std::move(lengths));
  if (s.labels.size() == 1) s.problems.push_back("all have the same label");
  for (const auto& [name, count] : s.labels)
    if (count == 0) s.problems.push_back("nothing here has the label " + name);
  if (twice > 0) s.problems.push_back(std::to_string(twice) + " rows are there already");
  if (contradictions > 0)
    s.problems.push_back(std::to_string(contradictions) +
                         " rows have another label than the first row of the same tokens");
  if (const auto unknown = unknown_problem(s.unknown, s.tokens); !unknown.empty())
    s.problems.push_back(unknown);
  return s;
}

std::string to_text(const LabelledSummary& s) {
  std::string out = s.name + "\n" +
                    line(s.tags ? "sentences" : "rows",
                         std::to_string(s.rows) + (s.tags    ? ", with a tag for each word"
                                                   : s.pairs ? ", pairs of texts"
                                                             : "")) +
                    line("tokens", std::to_string(s.tokens)) + token_lines(s) + kLengthsHead +
                    lengths_line(s.tags ? "sentence" : "row", s.row_tokens);
  std::int64_t all = 0;
  std::size_t width = 0;
  for (const auto& [name, count] : s.labels) {
    all += count;
    width = std::max(width, name.size());
  }
  out += line(s.tags ? "tags of words" : "labels", std::to_string(s.labels.size()));
  for (const auto& [name, count] : s.labels) {
    char figures[64];
    std::snprintf(figures, sizeof figures, " %9lld  %5.1f %%\n", static_cast<long long>(count),
                  100 * share(count, all));
    out += "    " + name + std::string(width - name.size(), ' ') + figures;
  }
  return out + problem_lines(s.problems);
}

std::string to_json(const LabelledSummary& s) {
  Json labels = Json::array();
  for (const auto& [name, count] : s.labels)
    labels.push_back({{"label", name}, {s.tags ? "words" : "rows", count}});
  return dumped({{"name", s.name},
                 {"rows", s.rows},
                 {"pairs", s.pairs},
                 {"tokens", s.tokens},
                 {"vocabulary", s.vocabulary},
                 {"used", s.used},
                 {"unknown", s.unknown},
                 {"row_tokens", json_of(s.row_tokens)},
                 {"labels", labels},
                 {"problems", s.problems}});
}

}  // namespace lacuna
