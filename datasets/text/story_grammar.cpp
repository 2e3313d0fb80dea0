#include "story_grammar.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <sstream>
#include <unordered_map>

#include "../../kernels/error.h"
#include "cut.h"
#include "story_lines.h"

namespace lacuna {
namespace {

using text::Slot;
using text::Story;

using Words = std::vector<std::int32_t>;

struct Part {
  std::int32_t word = -1;  // or a slot
  Slot slot = Slot::count;
  bool chooses = false;
};
struct Line {
  double probability;
  std::vector<Part> parts;
  int next;  // -1 at the end
};

std::vector<std::string> split(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(w);
  return words;
}

// The table with words and nodes as numbers.
struct Grammar {
  std::vector<std::string> words = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<|endoftext|>"};
  std::unordered_map<std::string, std::int32_t> number;
  std::vector<std::vector<Line>> nodes;  // the first is where a story begins

  Grammar() {
    std::vector<std::string> own;
    for (const auto& phrase : text::slot_words())
      for (auto& w : split(phrase)) own.push_back(std::move(w));
    for (const auto& line : text::story_lines())
      for (auto& w : split(line.text))
        if (w[0] != '?' && w[0] != '$') own.push_back(std::move(w));
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    words.insert(words.end(), own.begin(), own.end());
    for (std::size_t i = 0; i < words.size(); i++) number[words[i]] = static_cast<std::int32_t>(i);

    std::map<std::string, int> node;
    for (const auto& line : text::story_lines())
      node.emplace(line.node, static_cast<int>(node.size()));
    nodes.resize(node.size());
    for (const auto& line : text::story_lines()) {
      Line l{line.probability, {}, *line.next ? node.at(line.next) : -1};
      for (const auto& w : split(line.text)) {
        Part part;
        if (w[0] == '?' || w[0] == '$') {
          part.slot = text::slot_named(w.substr(1));
          part.chooses = w[0] == '?';
        } else {
          part.word = number.at(w);
        }
        l.parts.push_back(part);
      }
      nodes[node.at(line.node)].push_back(std::move(l));
    }
  }

  void render(Slot slot, const Story& story, Words& to) const {
    const std::string phrase = text::words_of(slot, story);
    for (std::size_t begin = 0; begin < phrase.size();) {
      const std::size_t end = std::min(phrase.find(' ', begin), phrase.size());
      to.push_back(number.at(phrase.substr(begin, end - begin)));
      begin = end + 1;
    }
  }
};

const Grammar& grammar() {
  static const Grammar g;
  return g;
}

int& value(Story& story, Slot slot) { return story[static_cast<std::size_t>(slot)]; }

int choices(Slot slot, const Story& story) {
  return text::values_of(slot) - (text::excluded_value(slot, story) >= 0);
}

// Goes through every derivation of a text.
class Parser {
 public:
  explicit Parser(std::span<const std::int32_t> words) : words_(words) {}
  StoryParse run() {
    node(0, 0, {}, 0);
    return result_;
  }

 private:
  void node(int n, std::size_t at, Story story, double log_probability) {
    for (const Line& line : grammar().nodes[n])
      part(line, 0, at, story, log_probability + std::log(line.probability));
  }

  void part(const Line& line, std::size_t k, std::size_t at, Story story, double log_probability) {
    for (; k < line.parts.size(); k++) {
      const Part& p = line.parts[k];
      if (p.chooses) {
        const int excluded = text::excluded_value(p.slot, story);
        const double each = std::log(choices(p.slot, story));
        for (int v = 0; v < text::values_of(p.slot); v++) {
          if (v == excluded) continue;
          value(story, p.slot) = v;
          const std::size_t end = match(p, story, at);
          if (end != kNone) part(line, k + 1, end, story, log_probability - each);
        }
        return;
      }
      at = match(p, story, at);
      if (at == kNone) return;
    }
    if (line.next >= 0) return node(line.next, at, story, log_probability);
    if (at != words_.size()) return;
    result_.derivations++;
    result_.log_probability = log_probability;
  }

  // Behind the words of a part, or kNone where they are not those of the text.
  std::size_t match(const Part& p, const Story& story, std::size_t at) {
    if (p.word >= 0) return at < words_.size() && words_[at] == p.word ? at + 1 : kNone;
    scratch_.clear();
    grammar().render(p.slot, story, scratch_);
    if (scratch_.size() > words_.size() - at) return kNone;
    return std::equal(scratch_.begin(), scratch_.end(), words_.begin() + at) ? at + scratch_.size()
                                                                             : kNone;
  }

  static constexpr std::size_t kNone = ~std::size_t{0};
  std::span<const std::int32_t> words_;
  Words scratch_;
  StoryParse result_;
};

// Figures of what follows from a node on. A slot's number of choices and of words does not depend on the story, so a
// node's figures are its lines' own and those of the nodes behind, weighted by their probabilities.
StoryFacts facts_of(int n, std::vector<StoryFacts>& known, std::vector<bool>& done) {
  if (done[n]) return known[n];
  StoryFacts f;
  f.shortest = INT64_MAX;
  for (const Line& line : grammar().nodes[n]) {
    StoryFacts after;
    if (line.next >= 0) after = facts_of(line.next, known, done);
    double nats = -std::log(line.probability);
    std::int64_t words = 0;
    Story story{};
    for (const Part& p : line.parts) {
      if (p.chooses) nats += std::log(choices(p.slot, story));
      Words rendered(1);
      if (p.word < 0) {
        rendered.clear();
        grammar().render(p.slot, story, rendered);
      }
      words += static_cast<std::int64_t>(rendered.size());
    }
    f.nats += line.probability * (nats + after.nats);
    f.words += line.probability * (static_cast<double>(words) + after.words);
    f.shortest = std::min(f.shortest, words + after.shortest);
    f.longest = std::max(f.longest, words + after.longest);
  }
  done[n] = true;
  return known[n] = f;
}

}  // namespace

const std::vector<std::string>& story_words() { return grammar().words; }

std::int32_t story_word(std::string_view word) {
  const auto it = grammar().number.find(std::string(word));
  return it == grammar().number.end() ? -1 : it->second;
}

void write_story(std::uint64_t seed, bool train, std::int64_t index, Words& to) {
  text::Draws draws(RandomKey::of(seed, stream_of(train ? "stories.train" : "stories.test")),
                    index);
  Story story{};
  for (int n = 0; n >= 0;) {
    const auto& lines = grammar().nodes[n];
    std::size_t k = 0;
    if (lines.size() > 1)
      for (double u = draws.uniform(); k + 1 < lines.size() && u >= lines[k].probability; k++)
        u -= lines[k].probability;
    for (const Part& p : lines[k].parts) {
      if (p.chooses) {
        const int excluded = text::excluded_value(p.slot, story);
        const auto v = static_cast<int>(draws.below(choices(p.slot, story)));
        value(story, p.slot) = v + (excluded >= 0 && v >= excluded);
      }
      if (p.word >= 0)
        to.push_back(p.word);
      else
        grammar().render(p.slot, story, to);
    }
    n = lines[k].next;
  }
}

StoryParse parse_story(std::span<const std::int32_t> words) { return Parser(words).run(); }

bool is_valid_filling(std::span<const std::int32_t> words, std::size_t position,
                      std::int32_t word) {
  LACUNA_CHECK(position < words.size(), "stories", "the blank must lie in the story: got place ",
               position, " of ", words.size());
  Words filled(words.begin(), words.end());
  filled[position] = word;
  return is_valid_story(filled);
}

const StoryFacts& story_facts() {
  static const StoryFacts facts = [] {
    std::vector<StoryFacts> known(grammar().nodes.size());
    std::vector<bool> done(known.size());
    return facts_of(0, known, done);
  }();
  return facts;
}

}  // namespace lacuna
