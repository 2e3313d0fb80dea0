// The two parsers of labelled.h.
#include <algorithm>

#include "../../core/lines.h"
#include "labelled.h"

namespace lacuna {
namespace {

constexpr int kNone = -1;

struct Places {
  int text = kNone, pair = kNone, label = kNone, split = kNone;
};

int find_column(const std::vector<std::string_view>& header, const std::string& wanted,
                std::initializer_list<std::string_view> usual) {
  if (!wanted.empty()) {
    const auto it = std::find(header.begin(), header.end(), wanted);
    return it == header.end() ? kNone : static_cast<int>(it - header.begin());
  }
  for (std::string_view name : usual) {
    const auto it = std::find(header.begin(), header.end(), name);
    if (it != header.end()) return static_cast<int>(it - header.begin());
  }
  return kNone;
}

Places read_header(const std::vector<std::string_view>& header, const TsvColumns& columns) {
  return {
      find_column(header, columns.text, {"sentence", "text", "sentence1", "premise", "question1"}),
      find_column(header, columns.pair, {"hypothesis", "sentence2", "question2"}),
      find_column(header, columns.label, {"label", "entailment", "gold_label", "class"}),
      find_column(header, {}, {"split"})};
}

}  // namespace

std::vector<LabelledRow> parse_tsv(std::string_view text, const std::string& name,
                                   const TsvColumns& columns) {
  std::vector<LabelledRow> rows;
  std::string_view header;
  Places at;
  std::size_t least = 0;
  bool first = true;
  each_line(text, [&](std::int64_t number, std::string_view line) {
    if (is_blank(line)) return;
    const auto fields = fields_of(line, "\t");
    if (first) {
      first = false;
      at = read_header(fields, columns);
      const bool named = !columns.text.empty() || !columns.pair.empty() || !columns.label.empty();
      // A label may well be "entailment", but a text is hardly ever "sentence".
      if (named || at.text != kNone || at.pair != kNone) {
        LACUNA_CHECK(
            at.text != kNone && at.label != kNone && (columns.pair.empty() || at.pair != kNone),
            "tsv", "the first line must name the columns text=, pair= and label=: got \"", line,
            "\" in ", name);
        header = line;
        least = static_cast<std::size_t>(std::max({at.text, at.pair, at.label, at.split})) + 1;
        return;
      }
      LACUNA_CHECK(fields.size() == 2 || fields.size() == 3, "tsv",
                   "without a header a line is text TAB label, or text TAB pair TAB label: got ",
                   fields.size(), " fields in line ", number, " of ", name);
      at = {0, fields.size() == 3 ? 1 : kNone, static_cast<int>(fields.size()) - 1, kNone};
      least = fields.size();
    } else if (line == header) {
      return;
    }
    LACUNA_CHECK(fields.size() >= least, "tsv", "a line must have ", least, " fields: got ",
                 fields.size(), " in line ", number, " of ", name);
    const auto field = [&](int place) {
      return place == kNone ? std::string() : std::string(fields[place]);
    };
    rows.push_back({field(at.text), field(at.pair), field(at.label), field(at.split)});
    LACUNA_CHECK(!rows.back().label.empty(), "tsv", "the label must not be empty: got line ",
                 number, " of ", name);
  });
  LACUNA_CHECK(!rows.empty(), "tsv", "must have rows: got none in ", name);
  return rows;
}

std::vector<TaggedSentence> parse_conll(std::string_view text, const std::string& name) {
  std::vector<TaggedSentence> sentences;
  bool open = false;
  each_line(text, [&](std::int64_t number, std::string_view line) {
    if (is_blank(line) || line.substr(0, 10) == "-DOCSTART-") {
      open = false;
      return;
    }
    const bool tabs = line.find('\t') != std::string_view::npos;
    const auto fields = fields_of(line, tabs ? "\t" : " ");
    LACUNA_CHECK(fields.size() >= 2 && !fields.front().empty() && !fields.back().empty(), "conll",
                 "a line must have a word and a tag: got \"", line, "\" in line ", number, " of ",
                 name);
    if (!open) sentences.emplace_back();
    open = true;
    sentences.back().words.emplace_back(fields.front());
    sentences.back().tags.emplace_back(fields.back());
  });
  LACUNA_CHECK(!sentences.empty(), "conll", "must have sentences: got none in ", name);
  return sentences;
}

}  // namespace lacuna
