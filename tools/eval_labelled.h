#pragma once
// What the protocols share that learn from labels (lacuna eval knn | linear | finetune): which data is learned from, by what it is
// judged, and how many labels there are. Numbers of labels are 100, 1% of the rows, 20/class, or 0 for all; which rows these are
// follows from the data, the number and the seed alone (ssl/labelled.h, balanced_order).
#include "eval.h"

namespace lacuna::tools {

class EvalLabelled : public Eval {
 protected:
  struct Set {
    std::string name;  // "test", "noise:3", or a SPEC
    std::shared_ptr<const Source> source;
  };

  /// --test, --shift, --labels, --seeds and --seed.
  void declare_data(Options& options, const std::string& labels, const std::string& seeds);
  std::string more_help() override;

  /// --data's train split and what judges: of pictures the run's own, unless given. Error where text is not labelled, where
  /// both are the same, where classes differ, and where of text an option is missing.
  void open_sets(TextOptions text = {});
  std::vector<const Source*> tests() const;
  /// --labels as numbers of rows, each once, few first.
  std::vector<std::int64_t> numbers_of_labels() const;
  std::uint64_t seed() const;
  std::int64_t seeds() const;

  bool of_text() const { return config_.info->text != nullptr; }
  /// "A, 100 rows, to learn from; ..." and the names of shifted sets, in lines.
  void print_data() const;
  nlohmann::ordered_json data_json() const;

  std::shared_ptr<const Source> train_;
  std::vector<Set> sets_;           // the test data, then the shifted ones
  std::vector<std::string> specs_;  // of what is learned from, and of the test data

 private:
  std::string test_, labels_, seeds_, seed_ = "0";
  std::vector<std::string> shifts_;
};

}  // namespace lacuna::tools
