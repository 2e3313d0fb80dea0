#include <algorithm>
#include <queue>

#include "number_map.h"
#include "train.h"

namespace lacuna::text {
namespace {

struct Pair {
  std::int32_t left, right;
  std::int64_t count = 0;
  std::vector<std::int32_t> words;  // that may have it; one may be there twice
};

struct Candidate {
  std::int64_t count;
  std::int32_t left, right;
  std::int32_t pair;

  // For a queue whose top is the largest: more occurrences first, then smaller ids.
  bool operator<(const Candidate& other) const {
    if (count != other.count) return count < other.count;
    if (left != other.left) return left > other.left;
    return right > other.right;
  }
};

class Learner {
 public:
  Learner(std::vector<CountedWord> words, std::int64_t least)
      : words_(std::move(words)), least_(std::max<std::int64_t>(1, least)) {
    for (std::size_t w = 0; w < words_.size(); w++) {
      const auto& symbols = words_[w].symbols;
      for (std::size_t i = 0; i + 1 < symbols.size(); i++)
        count(symbols[i], symbols[i + 1], static_cast<std::int32_t>(w), words_[w].count);
    }
    for (std::size_t p = 0; p < pairs_.size(); p++) propose(static_cast<std::int32_t>(p));
    touched_.clear();
  }

  /// The next pair to merge; false where none is left.
  bool next(std::int32_t& pair) {
    while (!queue_.empty()) {
      const Candidate top = queue_.top();
      queue_.pop();
      const std::int64_t now = pairs_[top.pair].count;
      if (now == top.count) {
        pair = top.pair;
        return true;
      }
      if (now < top.count) propose(top.pair);  // it was counted down since
    }
    return false;
  }
  const Pair& operator[](std::int32_t pair) const { return pairs_[pair]; }

  void merge(std::int32_t pair, std::int32_t result) {
    const std::int32_t left = pairs_[pair].left, right = pairs_[pair].right;
    const std::vector<std::int32_t> where = std::move(pairs_[pair].words);
    pairs_[pair].words.clear();
    touched_.clear();
    for (std::int32_t w : where) merge_in(w, left, right, result);
    // Those that became more frequent; what became rarer is found out when its turn comes.
    for (std::int32_t p : touched_) propose(p);
  }

 private:
  void merge_in(std::int32_t w, std::int32_t left, std::int32_t right, std::int32_t result) {
    std::vector<std::int32_t>& s = words_[w].symbols;
    const std::int64_t n = words_[w].count;
    std::size_t out = 0;
    for (std::size_t i = 0; i < s.size(); i++) {
      if (i + 1 == s.size() || s[i] != left || s[i + 1] != right) {
        s[out++] = s[i];
        continue;
      }
      count(left, right, w, -n);
      if (out > 0) {
        count(s[out - 1], left, w, -n);
        count(s[out - 1], result, w, n);
      }
      if (i + 2 < s.size()) {
        count(right, s[i + 2], w, -n);
        count(result, s[i + 2], w, n);
      }
      s[out++] = result;
      i++;
    }
    s.resize(out);
  }

  void count(std::int32_t left, std::int32_t right, std::int32_t word, std::int64_t by) {
    const std::uint64_t key =
        static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint32_t>(right);
    std::int32_t& number = numbers_[key];
    if (number < 0) {
      number = static_cast<std::int32_t>(pairs_.size());
      pairs_.push_back({left, right, 0, {}});
    }
    Pair& pair = pairs_[number];
    pair.count += by;
    if (by <= 0) return;
    if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
    if (touched_.empty() || touched_.back() != number) touched_.push_back(number);
  }

  void propose(std::int32_t p) {
    if (pairs_[p].count >= least_)
      queue_.push({pairs_[p].count, pairs_[p].left, pairs_[p].right, p});
  }

  std::vector<CountedWord> words_;
  std::int64_t least_;
  std::vector<Pair> pairs_;
  NumberMap numbers_;  // (left, right) -> place in pairs_
  std::priority_queue<Candidate> queue_;
  std::vector<std::int32_t> touched_;
};

}  // namespace

std::vector<MergeStep> learn_merges(std::vector<CountedWord> words, Strings& tokens,
                                    std::int64_t size, std::int64_t least,
                                    std::string_view goes_on) {
  Learner learner(std::move(words), least);
  std::vector<MergeStep> steps;
  for (std::int32_t pair; tokens.size() < size && learner.next(pair);) {
    const Pair& p = learner[pair];
    const std::int32_t left = p.left, right = p.right;
    std::string spelling(tokens[left]);
    std::string_view tail = tokens[right];
    if (!goes_on.empty() && tail.substr(0, goes_on.size()) == goes_on)
      tail.remove_prefix(goes_on.size());
    spelling += tail;
    const std::int32_t result = tokens.add(spelling);
    steps.push_back({left, right, result});
    learner.merge(pair, result);
  }
  return steps;
}

}  // namespace lacuna::text
