#include "probe.h"

#include <algorithm>

#include "../core/ops/shape.h"
#include "../core/suggest.h"

namespace lacuna {
namespace {

constexpr const char* kProbeOp = "eval";

}  // namespace

KnnClassifier::KnnClassifier(const KnnOptions& options, Device device)
    : options_(options), device_(device) {
  LACUNA_CHECK(options.k >= 1 && options.plain_k >= 1 && options.temperature > 0, kProbeOp,
               "knn needs a k of at least 1 and a temperature above 0: got ", options.k, ", ",
               options.plain_k, " and ", options.temperature);
}

void KnnClassifier::fit(const Subject& subject, const Source& train, std::uint64_t) {
  Features features = features_of(subject, train, device_);
  bank_ = to(features.x, device_);
  labels_ = std::move(features.labels);
  classes_ = static_cast<std::int64_t>(train.classes().size());
  first_ = {};
}

std::vector<std::vector<std::int64_t>> KnnClassifier::guess(const Tensor& x) {
  LACUNA_CHECK(bank_.defined(), kProbeOp, "knn has no bank yet");
  const std::int64_t k = std::min(options_.k, bank_.dim(0)),
                     plain_k = std::min(options_.plain_k, bank_.dim(0));
  const Neighbours found = nearest(bank_, to(x, device_), std::max(k, plain_k));
  if (!first_.k) first_ = found;
  return {vote(found, labels_, classes_, k, options_.temperature),
          vote(found, labels_, classes_, plain_k, 0)};
}

Probe::Probe(Subject subject, const std::vector<const Source*>& tests, Device device)
    : subject_(std::move(subject)), unmoved_(subject_), device_(device) {
  LACUNA_CHECK(!tests.empty(), kProbeOp, "needs test data");
  classes_ = tests.front()->classes();
  name_ = tests.front()->name();
  for (const Source* test : tests) {
    LACUNA_CHECK(test->classes() == classes_, kProbeOp,
                 "all test data must have the same classes, in that order: got ",
                 counted(test->classes()), " in ", test->name(), " for ", counted(classes_), " in ",
                 name_);
    tests_.push_back(features_of(subject_, *test, device_));
    LACUNA_CHECK(tests_.back().width() == width(), kProbeOp, "vectors of ", test->name(), " have ",
                 tests_.back().width(), " numbers, those of ", name_, " ", width());
  }
}

ProbeRow Probe::run(Classifier& classifier, const Source& train, std::uint64_t seed) const {
  LACUNA_CHECK(train.classes() == classes_, kProbeOp,
               "the test data must have the training data's classes, in that order: got ",
               counted(classes_), " in ", name_, " for ", counted(train.classes()), " in ",
               train.name());
  const std::int64_t wide = width_of(subject_, train, device_);
  LACUNA_CHECK(wide == width(), kProbeOp, "vectors of ", name_, " have ", width(),
               " numbers, those of ", train.name(), " ", wide);
  const auto classes = static_cast<std::int64_t>(classes_.size());
  ProbeRow row;
  row.scores.resize(classifier.rules().size());
  classifier.fit(subject_, train, seed);
  for (const Features& test : tests_) {
    const auto guesses = classifier.guess(test.x);
    for (std::size_t r = 0; r < guesses.size(); r++)
      row.scores[r].push_back(score_classes(test.labels, guesses[r], classes));
    if (&test == &tests_.front()) row.guess = guesses.front();
  }
  unmoved_.check();
  return row;
}

std::vector<std::vector<std::int64_t>> confusion(const std::vector<std::int64_t>& truth,
                                                 const std::vector<std::int64_t>& guess,
                                                 std::int64_t classes) {
  LACUNA_CHECK(truth.size() == guess.size(), kProbeOp, "needs a guess for each sample: got ",
               guess.size(), " for ", truth.size());
  const auto n = static_cast<std::size_t>(classes);
  std::vector<std::vector<std::int64_t>> counts(n, std::vector<std::int64_t>(n));
  for (std::size_t i = 0; i < truth.size(); i++)
    counts.at(static_cast<std::size_t>(truth[i])).at(static_cast<std::size_t>(guess[i]))++;
  return counts;
}

}  // namespace lacuna
