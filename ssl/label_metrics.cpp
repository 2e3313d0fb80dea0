#include "label_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/ops/elementwise.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"

namespace lacuna {
namespace {

double f1_of(double right, double guessed, double there) {
  return right > 0 ? 2 * right / (guessed + there) : 0;
}

// "B-loc" is 'B' of "loc"; what has no mark of a span is 'O'.
char mark_of(const std::string& tag) {
  const bool marked =
      tag.size() >= 2 && tag[1] == '-' && std::string("BIES").find(tag[0]) != std::string::npos;
  return marked ? tag[0] : 'O';
}

template <class Get>
LabelScore each(Get&& get) {
  return {get(&LabelScore::accuracy), get(&LabelScore::f1)};
}

}  // namespace

LabelScore mean_of(const std::vector<LabelScore>& trials) {
  return each([&](double LabelScore::*figure) {
    double sum = 0;
    for (const LabelScore& s : trials) sum += s.*figure;
    return sum / static_cast<double>(trials.size());
  });
}

LabelScore deviation_of(const std::vector<LabelScore>& trials) {
  const LabelScore middle = mean_of(trials);
  return each([&](double LabelScore::*figure) {
    double sum = 0;
    for (const LabelScore& s : trials) sum += std::pow(s.*figure - middle.*figure, 2);
    return trials.size() < 2 ? std::numeric_limits<double>::quiet_NaN()
                             : std::sqrt(sum / static_cast<double>(trials.size() - 1));
  });
}

Tensor accuracy_of(const Tensor& scores, const Tensor& targets) {
  NoGrad guard;
  if (targets.numel() == 0) return Tensor::scalar(0, Dtype::f32);
  return mean(to(equal(argmax(scores), targets), Dtype::f32));
}

LabelScore score_classes(const std::vector<std::int64_t>& truth,
                         const std::vector<std::int64_t>& guess, std::int64_t classes) {
  LACUNA_CHECK(truth.size() == guess.size(), "score", "needs a guess for each sample: got ",
               guess.size(), " for ", truth.size());
  struct Counts {
    double there = 0, guessed = 0, right = 0;
  };
  std::vector<Counts> counts(static_cast<std::size_t>(classes));
  double right = 0;
  for (std::size_t i = 0; i < truth.size(); i++) {
    counts.at(static_cast<std::size_t>(truth[i])).there++;
    counts.at(static_cast<std::size_t>(guess[i])).guessed++;
    if (truth[i] != guess[i]) continue;
    counts[static_cast<std::size_t>(truth[i])].right++;
    right++;
  }
  LabelScore score;
  double seen = 0;
  for (const Counts& c : counts) {
    if (c.there + c.guessed == 0) continue;
    score.f1 += f1_of(c.right, c.guessed, c.there);
    seen++;
  }
  if (seen == 0) return score;
  score.f1 /= seen;
  score.accuracy = right / static_cast<double>(truth.size());
  return score;
}

bool mark_spans(const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return mark_of(name) != 'O'; });
}

std::vector<Span> spans_of(const std::vector<std::int64_t>& tags,
                           const std::vector<std::string>& names) {
  std::vector<Span> spans;
  bool open = false;  // the last span may go on
  for (std::size_t i = 0; i < tags.size(); i++) {
    const std::string& name = names.at(static_cast<std::size_t>(tags[i]));
    const char mark = mark_of(name);
    if (mark == 'O') {
      open = false;
      continue;
    }
    const std::string type = name.substr(2);
    const auto end = static_cast<std::int64_t>(i) + 1;
    if (open && (mark == 'I' || mark == 'E') && spans.back().type == type)
      spans.back().end = end;
    else
      spans.push_back({end - 1, end, type});
    open = mark == 'B' || mark == 'I';
  }
  return spans;
}

LabelScore score_tags(const std::vector<std::vector<std::int64_t>>& truth,
                      const std::vector<std::vector<std::int64_t>>& guess,
                      const std::vector<std::string>& names) {
  LACUNA_CHECK(truth.size() == guess.size(), "score", "needs a guess for each sentence: got ",
               guess.size(), " for ", truth.size());
  std::vector<std::int64_t> all_truth, all_guess;
  double right = 0, guessed = 0, there = 0;
  for (std::size_t i = 0; i < truth.size(); i++) {
    LACUNA_CHECK(truth[i].size() == guess[i].size(), "score", "needs a guess for each tag: got ",
                 guess[i].size(), " for ", truth[i].size());
    all_truth.insert(all_truth.end(), truth[i].begin(), truth[i].end());
    all_guess.insert(all_guess.end(), guess[i].begin(), guess[i].end());
    const auto a = spans_of(truth[i], names), b = spans_of(guess[i], names);
    there += static_cast<double>(a.size());
    guessed += static_cast<double>(b.size());
    right += static_cast<double>(std::count_if(b.begin(), b.end(), [&](const Span& span) {
      return std::count(a.begin(), a.end(), span) != 0;
    }));
  }
  LabelScore score = score_classes(all_truth, all_guess, static_cast<std::int64_t>(names.size()));
  if (mark_spans(names)) score.f1 = f1_of(right, guessed, there);
  return score;
}

}  // namespace lacuna
