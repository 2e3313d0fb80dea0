// lacuna data describe SPEC: counts, shapes, ranges, label balance, and what is wrong with the data.
#include <fmt/format.h>

#include "../core/suggest.h"
#include "../datasets/describe.h"
#include "../datasets/spec.h"
#include "command.h"

namespace lacuna::tools {
namespace {

class Data : public Command {
 public:
  void declare(Options& options) override {
    options.positional("ACTION", action_, "describe");
    options.positional("SPEC", spec_, "the data; `lacuna list` says what there is");
    options.value("--split", split_, "train or test; train unless given", "SPLIT");
    options.flag("--json", json_, "as one JSON object");
  }
  int run() override {
    const std::vector<std::string> actions = {"describe"};
    LACUNA_CHECK(action_ == "describe", "usage", "no action \"", action_, "\"",
                 suggestion(action_, actions), "; there is: describe");
    const SourceSummary summary = summarize(*open_source(spec_, split_));
    fmt::print("{}", json_ ? to_json(summary) + "\n" : to_text(summary));
    return 0;
  }

 private:
  std::string action_, spec_, split_ = "train";
  bool json_ = false;
};

}  // namespace

extern const CommandInfo data_command{
    "data", "describe SPEC: counts, shapes, ranges, label balance", make_command<Data>};

}  // namespace lacuna::tools
