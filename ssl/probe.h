#pragma once
// One way to judge every representation: a classifier that learns from the vectors of labelled training data and is judged on the
// vectors of test sets, the same for a pretrained network and for its controls. Sets whose look has shifted are judged by the
// same classifier as the test data: nothing is tuned again. The backbone's hash is taken before and after.
#include <memory>

#include "features.h"
#include "knn.h"
#include "label_metrics.h"
#include "linear_probe.h"

namespace lacuna {

class Classifier {
 public:
  virtual ~Classifier() = default;
  /// What it judges by, one column each.
  virtual std::vector<std::string> rules() const = 0;
  /// Learns from the vectors that `subject` makes of labelled samples. The seed is that of whatever is drawn meanwhile.
  virtual void fit(const Subject& subject, const Source& train, std::uint64_t seed) = 0;
  /// Classes of vectors (n, d), once for each rule.
  virtual std::vector<std::vector<std::int64_t>> guess(const Tensor& x) = 0;
};

struct KnnOptions {
  std::int64_t k = 200, plain_k = 10;
  double temperature = 0.1;
};
/// Rules "weighted" (k, temperature) and "plain" (plain_k); knn.h. Where there are fewer training samples than k, all vote.
class KnnClassifier : public Classifier {
 public:
  explicit KnnClassifier(const KnnOptions& options, Device device = {});
  std::vector<std::string> rules() const override { return {"weighted", "plain"}; }
  void fit(const Subject& subject, const Source& train, std::uint64_t) override;
  std::vector<std::vector<std::int64_t>> guess(const Tensor& x) override;

  /// Of the first vectors that were guessed after fit().
  const Neighbours& first() const { return first_; }

 private:
  KnnOptions options_;
  Device device_;
  Tensor bank_;
  std::vector<std::int64_t> labels_;
  std::int64_t classes_ = 0;
  Neighbours first_;
};

/// Rule "linear"; linear_probe.h.
class LinearClassifier : public Classifier {
 public:
  explicit LinearClassifier(const LinearProbeOptions& options, Device device = {})
      : options_(options), probe_(options, device), device_(device) {}
  std::vector<std::string> rules() const override { return {"linear"}; }
  void fit(const Subject& subject, const Source& train, std::uint64_t seed) override {
    options_.seed = seed;
    probe_ = LinearProbe(options_, device_);
    probe_.fit(features_of(subject, train, device_),
               static_cast<std::int64_t>(train.classes().size()));
  }
  std::vector<std::vector<std::int64_t>> guess(const Tensor& x) override {
    return {probe_.guess(x)};
  }
  /// Mean loss of the last epoch's steps.
  double loss() const { return probe_.loss(); }

 private:
  LinearProbeOptions options_;
  LinearProbe probe_;
  Device device_;
};

/// What came of one classifier.
struct ProbeRow {
  std::vector<std::vector<LabelScore>> scores;  // [rule][test set]
  std::vector<std::int64_t> guess;              // of the first test set, by the first rule
};

/// A subject, to be judged by as many classifiers and training data as one likes: the vectors of the test sets are made once.
class Probe {
 public:
  /// The test sets have one list of classes.
  Probe(Subject subject, const std::vector<const Source*>& tests, Device device = {});
  /// `classifier` learns from `train`, which has the same classes, and is judged on all test sets. RunError where the backbone
  /// is no longer what it was at first.
  ProbeRow run(Classifier& classifier, const Source& train, std::uint64_t seed = 0) const;

  /// Numbers a vector.
  std::int64_t width() const { return tests_.front().width(); }
  /// Of the backbone; 0 where there is none.
  std::uint64_t hash() const { return unmoved_.hash(); }

 private:
  Subject subject_;
  Unmoved unmoved_;
  Device device_;
  std::vector<std::string> classes_;
  std::vector<Features> tests_;
  std::string name_;  // of the first test set
};

/// (classes, classes): of row's samples how many were taken for column's.
std::vector<std::vector<std::int64_t>> confusion(const std::vector<std::int64_t>& truth,
                                                 const std::vector<std::int64_t>& guess,
                                                 std::int64_t classes);

}  // namespace lacuna
