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
  /// Learns from the vectors that `subject` makes of labelled samples.
  virtual void fit(const Subject& subject, const Source& train) = 0;
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
  void fit(const Subject& subject, const Source& train) override;
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
      : probe_(options, device), device_(device) {}
  std::vector<std::string> rules() const override { return {"linear"}; }
  void fit(const Subject& subject, const Source& train) override {
    probe_.fit(features_of(subject, train, device_),
               static_cast<std::int64_t>(train.classes().size()));
  }
  std::vector<std::vector<std::int64_t>> guess(const Tensor& x) override {
    return {probe_.guess(x)};
  }

 private:
  LinearProbe probe_;
  Device device_;
};

/// A line of the table.
struct ProbeRow {
  std::string subject;
  std::int64_t width = 0;                       // numbers a vector
  std::uint64_t hash = 0;                       // of the backbone; 0: there is none
  std::vector<std::vector<LabelScore>> scores;  // [rule][test set]
  std::vector<std::int64_t> guess;              // of the first test set, by the first rule
};

/// All sources have one list of classes. RunError where the backbone moves meanwhile.
ProbeRow probe(const Subject& subject, Classifier& classifier, const Source& train,
               const std::vector<const Source*>& tests, Device device = {});

/// (classes, classes): of row's samples how many were taken for column's.
std::vector<std::vector<std::int64_t>> confusion(const std::vector<std::int64_t>& truth,
                                                 const std::vector<std::int64_t>& guess,
                                                 std::int64_t classes);

}  // namespace lacuna
