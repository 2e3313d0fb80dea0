#pragma once
// What the protocols share that judge vectors (lacuna eval knn | linear): which networks stand beside the pretrained one, and the
// table. Each number of labels has these lines, means and deviations over the seeds:
//
//   pretrained      the run's encoder, frozen; it sees pictures as ssl/augmentation.h, evaluation_view() shows them
//   random_frozen   the same network as it was drawn from the seed, frozen
//   raw             the samples as they are: pixels on [0, 1]; of text how often each token that is in the training data occurs
//   supervised      the same network trained on the labels from what was drawn, on random crops and mirrors of pictures; its
//                   vectors are judged in the same way. As many samples as the run has seen, each of them counted once, or
//                   --budget epochs of all rows; as many with few labels, too. 0 leaves the line out
#include <nlohmann/json.hpp>

#include "../ssl/probe.h"
#include "../ssl/vector_labeller.h"
#include "eval_labelled.h"

namespace lacuna::tools {

/// A line's name as people read it.
std::string title_of_subject(const std::string& name);

class EvalProbe : public EvalLabelled {
 protected:
  void declare_more(Options& options) final;
  std::string more_help() override;
  void evaluate() final;

  /// A protocol's own options, and what it makes of them.
  virtual void declare_rules(Options&) = 0;
  virtual Classifier& classifier() = 0;
  /// How it judges, in one line, and for eval.jsonl.
  virtual std::string describe_rules() const = 0;
  virtual nlohmann::ordered_json options_json() const = 0;
  /// After the pretrained network was judged with the most labels, of the first seed.
  virtual void judged(const Source& train, const Source& test) { (void)train, (void)test; }

 private:
  using Make = std::function<std::unique_ptr<Task>()>;
  /// A line of the table.
  struct Row {
    std::string subject;
    std::int64_t labels = 0, width = 0;
    std::uint64_t hash = 0;  // of the first seed's backbone; 0: there is none
    std::vector<std::vector<std::vector<LabelScore>>> trials;  // [rule][set][seed]
  };

  /// What the run's task knew of its data.
  DataInfo open_data();
  /// Error where the data has no labels, or where `subject` cannot make vectors of one width of all of it. Looks at one sample each.
  void check(const Subject& subject) const;
  /// The first rows of balanced_order().
  std::vector<std::int64_t> rows_of(std::int64_t labels, std::uint64_t seed) const;
  std::shared_ptr<const Source> lesson(std::int64_t labels, std::uint64_t seed) const;
  /// The lines of one subject, which is made anew for each seed if it is drawn.
  void judge(const std::function<Subject(std::uint64_t)>& make, bool drawn,
             const std::vector<std::int64_t>& labels);
  std::unique_ptr<VectorLabeller> supervised(const Make& make, std::int64_t labels,
                                             std::uint64_t seed);
  std::int64_t budget(std::int64_t step) const;
  void print_head() const;
  void print_row(const Row& row) const;
  nlohmann::ordered_json to_json(const Row& row) const;

  std::string budget_, supervised_lr_ = "1e-3";
  std::vector<std::string> rules_;
  std::vector<Row> rows_;
  std::vector<std::int64_t> labels_of_train_,
      guess_;  // guess_: of the test data, by the pretrained network
  std::int64_t budget_epochs_ = 0;
};

}  // namespace lacuna::tools
