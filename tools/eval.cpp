#include "eval.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "../core/files.h"

namespace lacuna::tools {

void Eval::declare(Options& options) {
  options.value("--run", folder_.path, "the run folder", "DIR");
  options.value("--data", data_,
                "what to measure on: its test split; the run's --val, or --data, unless given",
                "SPEC");
  declare_more(options);
  options.flag("--best", folder_.best, "the checkpoint of the best validation, not the last one");
  options.value("--device", device_name_, "cpu, cuda, cuda:1, ... or emu; the run's unless given",
                "DEVICE");
  options.value("--threads", threads_, "threads of the kernels; 0: one a core", "N");
  options.flag("--quiet", quiet_, "print nothing but errors");
}

int Eval::run() {
  LACUNA_CHECK(!folder_.path.empty(), "usage", "--run DIR is missing: the run to evaluate");
  config_ = read_run(folder_);
  if (!device_name_.empty()) config_.settings.set("train.device", device_name_);
  if (!threads_.empty()) config_.settings.set("train.threads", threads_);
  device_ = use_machine(config_.settings);
  evaluate();
  return 0;
}

std::string Eval::data_spec() const {
  const std::string& val = config_.settings.text("data.val");
  return !data_.empty() ? data_ : !val.empty() ? val : config_.settings.text("data.train");
}

std::shared_ptr<const Source> Eval::open() const {
  const auto tokenizer = config_.info->text ? read_tokenizer(folder_) : nullptr;
  return open_source(data_spec(), "test", text_options(*config_.info, config_.settings, tokenizer));
}

Trained Eval::load(const Tokenizer& tokenizer) const {
  check_task(config_.info->text != nullptr);
  return load(data_of(*config_.info, config_.settings, tokenizer));
}

void Eval::check_task(bool fits) const {
  LACUNA_CHECK(fits, "eval", "the task ", config_.info->name, " has no ", protocol_);
}

void Eval::keep(std::int64_t step, const nlohmann::ordered_json& figures) const {
  nlohmann::ordered_json line = {{"step", step}, {"protocol", protocol_}};
  line.update(figures);
  // Anything but UTF-8 in a file's name is replaced: a line must stay JSON.
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::FILE* file = std::fopen(folder_.evaluations().c_str(), "ab");
  if (!file) fail_io("eval", "write", folder_.evaluations(), errno);
  const bool wrote = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((std::fclose(file) != 0) | !wrote) fail_io("eval", "write", folder_.evaluations(), errno);
}

double number_option(const char* name, const std::string& text, double low, double high) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  LACUNA_CHECK(!text.empty() && *end == 0 && value >= low && value <= high, "usage", name,
               " must be a number from ", low, " to ", high, ": got \"", text, '"');
  return value;
}

std::int64_t integer_option(const char* name, const std::string& text, std::int64_t low,
                            std::int64_t high) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  LACUNA_CHECK(!text.empty() && *end == 0 && errno == 0 && value >= low && value <= high, "usage",
               name, " must be a whole number from ", low, " to ", high, ": got \"", text, '"');
  return value;
}

}  // namespace lacuna::tools
