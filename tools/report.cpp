// lacuna report: a run folder as one HTML page.
#include <fmt/core.h>

#include <filesystem>

#include "../core/files.h"
#include "attention_maps.h"
#include "command.h"
#include "report_page.h"

namespace lacuna::tools {
namespace {

class Report : public Command {
 public:
  void declare(Options& options) override {
    options.value("--run", folder_.path, "the run folder", "DIR");
    options.value("--sentence", sentence_,
                  "of text: show what each head of attention looks at in it", "TEXT");
    options.flag("--quiet", quiet_, "print nothing but errors");
  }
  int run() override {
    LACUNA_CHECK(!folder_.path.empty(), "usage", "--run DIR is missing: the run to report on");
    ReportData data;
    const RunConfig config = read_run(folder_);
    data.settings = config.settings;
    if (!sentence_.empty()) data.attention = attention_section(folder_, config, sentence_);
    data.name = std::filesystem::absolute(folder_.path).lexically_normal().filename().string();
    data.facts = read_facts(folder_);
    data.metrics = read_records(folder_.metrics());
    data.evaluations = read_records(folder_.evaluations());
    data.texts = find_text_samples(folder_.samples());
    data.grids = find_picture_grids(folder_.samples());
    const auto read_if_there = [](const std::string& path) {
      return std::filesystem::exists(path) ? read_file(path) : std::string();
    };
    data.neighbours = read_if_there(folder_.neighbours());
    data.map = map_section(read_if_there(folder_.map()), folder_.map());
    write_file(folder_.report(), report_page(data));
    if (!quiet_) fmt::print("{}\n", folder_.report());
    return 0;
  }

 private:
  RunFolder folder_;
  std::string sentence_;
  bool quiet_ = false;
};

}  // namespace

extern const CommandInfo report_command{
    "report", "a run as one HTML page: curves, pictures, settings, figures", make_command<Report>};

}  // namespace lacuna::tools
