#include "sentences.h"

#include <algorithm>
#include <iterator>

namespace lacuna {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_lower(c) || is_upper(c); }

// Lower case, without the last full stop.
constexpr std::string_view kAbbreviations[] = {
    "adj",  "approx", "apr", "aug", "ave", "bros", "capt", "cf",   "cmdr", "co",  "col",
    "corp", "dec",    "dr",  "e.g", "est", "etc",  "feb",  "fig",  "gen",  "gov", "hon",
    "i.e",  "inc",    "jan", "jr",  "jul", "lt",   "ltd",  "maj",  "mme",  "mr",  "mrs",
    "ms",   "mt",     "nov", "oct", "op",  "ph.d", "pp",   "prof", "rep",  "rev", "sen",
    "sep",  "sept",   "sgt", "sr",  "st",  "u.k",  "u.s",  "vs"};

bool starts_with(std::string_view text, std::size_t i, std::string_view what) {
  return text.compare(i, what.size(), what) == 0;
}

// Bytes of the mark at i that may end a sentence, or 0.
std::size_t ending_mark(std::string_view text, std::size_t i, bool& wide) {
  wide = false;
  if (text[i] == '.' || text[i] == '!' || text[i] == '?') return 1;
  if (starts_with(text, i, "\u2026")) return 3;
  wide = starts_with(text, i, "\u3002") || starts_with(text, i, "\uff01") ||
         starts_with(text, i, "\uff1f");
  return wide ? 3 : 0;
}

// Bytes of the closing quote or bracket at i, or 0.
std::size_t closing_mark(std::string_view text, std::size_t i) {
  if (text[i] == '"' || text[i] == '\'' || text[i] == ')' || text[i] == ']') return 1;
  for (std::string_view mark : {"\u2019", "\u201d", "\u300d", "\u300f", "\uff09"})
    if (starts_with(text, i, mark)) return mark.size();
  return starts_with(text, i, "\u00bb") ? 2 : 0;
}

// Is the "." at i that of an abbreviation or of an initial?
bool abbreviates(std::string_view text, std::size_t i) {
  std::size_t begin = i;
  while (begin > 0 && (is_letter(text[begin - 1]) || (text[begin - 1] == '.' && begin < i)))
    begin--;
  const std::string_view word = text.substr(begin, i - begin);
  if (word.size() == 1) return is_upper(word[0]) && word[0] != 'I';
  char lower[8];
  if (word.empty() || word.size() > sizeof lower) return false;
  std::transform(word.begin(), word.end(), lower,
                 [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return std::binary_search(std::begin(kAbbreviations), std::end(kAbbreviations),
                            std::string_view(lower, word.size()));
}

// Behind the white space from i on; `blank` says whether there is a line of nothing else in it.
std::size_t skip_space(std::string_view text, std::size_t i, bool& blank) {
  int newlines = 0;
  for (; i < text.size() && is_space(text[i]); i++) newlines += text[i] == '\n';
  blank = newlines >= 2;
  return i;
}

bool may_begin(char c) { return !is_lower(c) && c != ',' && c != ';' && c != ':'; }

void by_rules(std::string_view text, std::vector<std::int64_t>& starts) {
  bool blank = false;
  std::size_t i = skip_space(text, 0, blank);
  if (i < text.size()) starts.push_back(static_cast<std::int64_t>(i));
  while (i < text.size()) {
    bool ends = false, wide = false;
    if (is_space(text[i])) {
      i = skip_space(text, i, ends);
    } else if (std::size_t mark = ending_mark(text, i, wide); mark > 0) {
      const bool stop = text[i] == '.' && abbreviates(text, i);
      bool ignored;
      do i += mark;
      while (i < text.size() && (mark = ending_mark(text, i, ignored)) > 0);
      while (i < text.size() && (mark = closing_mark(text, i)) > 0) i += mark;
      if (i < text.size() && (wide || is_space(text[i]))) {
        i = skip_space(text, i, blank);
        ends = blank || wide || (!stop && i < text.size() && may_begin(text[i]));
      }
    } else {
      i++;
    }
    if (ends && i < text.size()) starts.push_back(static_cast<std::int64_t>(i));
  }
}

void by_lines(std::string_view text, std::vector<std::int64_t>& starts) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find('\n', i), text.size());
    while (i < end && is_space(text[i])) i++;
    if (i < end) starts.push_back(static_cast<std::int64_t>(i));
    i = end + 1;
  }
}

}  // namespace

std::vector<std::int64_t> sentence_starts(std::string_view text, SentenceEnds ends) {
  std::vector<std::int64_t> starts;
  if (ends == SentenceEnds::lines)
    by_lines(text, starts);
  else
    by_rules(text, starts);
  return starts;
}

}  // namespace lacuna
