#pragma once
// lacuna eval PROTOCOL: how good a trained run is. What the protocols share; each is a file, tools/eval_<name>.cpp.
#include <nlohmann/json_fwd.hpp>

#include "command.h"
#include "text.h"

namespace lacuna::tools {

class Eval : public Command {
 public:
  void declare(Options& options) final;
  int run() final;

 protected:
  /// A protocol's own options, and its work.
  virtual void declare_more(Options&) {}
  virtual void evaluate() = 0;

  /// --data, or the run's --val, or its --data.
  std::string data_spec() const;
  /// That data's test split, as the task takes it.
  std::shared_ptr<const Source> open() const;
  Trained load(const DataInfo& data) const { return load_trained(folder_, config_, data, device_); }
  /// The run's task where only its tokenizer is there; Error where it is not of text.
  Trained load(const Tokenizer& tokenizer) const;
  /// Adds a line to eval.jsonl: step, protocol, and `figures`.
  void keep(std::int64_t step, const nlohmann::ordered_json& figures) const;
  /// An Error that the run's task has no such protocol, unless `fits`.
  void check_task(bool fits) const;

  RunFolder folder_;
  RunConfig config_;
  Device device_;
  std::string protocol_;  // set by the protocol: what eval.jsonl calls it
  std::string data_;
  bool quiet_ = false;

 private:
  std::string device_name_, threads_;
};

/// A number that an option gives as text. Error outside [low, high].
double number_option(const char* name, const std::string& text, double low, double high);
std::int64_t integer_option(const char* name, const std::string& text, std::int64_t low,
                            std::int64_t high);

}  // namespace lacuna::tools
