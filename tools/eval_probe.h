#pragma once
// What the protocols share that judge vectors (lacuna eval knn | linear): which data, which networks beside the pretrained one,
// and the table. Every table has four lines:
//
//   pretrained      the run's encoder, frozen
//   random_frozen   the same network as it was drawn from --seed, frozen
//   raw             the samples as they are: pixels on [0, 1]; of text how often each token occurs
//   supervised      the same network trained on the labels from what was drawn, for --budget epochs; its vectors are judged in the
//                   same way. As many samples as the run has seen, unless --budget says otherwise; 0 leaves the line out
#include <nlohmann/json.hpp>

#include "../ssl/probe.h"
#include "../ssl/vector_labeller.h"
#include "eval.h"

namespace lacuna::tools {

/// A line's name as people read it.
std::string title_of_subject(const std::string& name);

class EvalProbe : public Eval {
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
  /// After the pretrained network was judged.
  virtual void judged(const Source& train, const Source& test) { (void)train, (void)test; }

  std::uint64_t seed() const;

 private:
  struct Set {
    std::string name;  // "test", "noise:3", or a SPEC
    std::shared_ptr<const Source> source;
  };
  void open_data();
  std::vector<const Source*> tests() const;
  std::unique_ptr<VectorLabeller> supervised(const std::function<std::unique_ptr<Task>()>& make);
  std::int64_t budget(std::int64_t step) const;
  void print_head() const;
  void print_row(const ProbeRow& row) const;
  nlohmann::ordered_json to_json(const ProbeRow& row) const;

  std::string test_, budget_, seed_ = "0", supervised_lr_ = "1e-3";
  std::vector<std::string> shifts_, rules_;
  std::shared_ptr<const Source> train_;
  std::vector<Set> sets_;  // the test data, then the shifted ones
  std::int64_t budget_epochs_ = 0;
};

}  // namespace lacuna::tools
