#include "eval_labelled.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "../core/suggest.h"
#include "../ssl/corrupted.h"
#include "../ssl/trainer.h"
#include "format.h"

namespace lacuna::tools {
namespace {

// Takes `end` off a text that has it.
bool cut(std::string& text, const std::string& end) {
  if (text.size() <= end.size() || !text.ends_with(end)) return false;
  text.resize(text.size() - end.size());
  return true;
}

}  // namespace

void EvalLabelled::declare_data(Options& options, const std::string& labels,
                                const std::string& seeds) {
  labels_ = labels;
  seeds_ = seeds;
  options.value("--test", test_,
                "labelled data to judge by: its test split; of pictures, unless given, that of "
                "--data, or the run's --val",
                "SPEC");
  options.values(
      "--shift", shifts_,
      "judge by another data's test split, too, or by the test pictures with noise, "
      "blur, contrast or brightness, of severity 1 to 5: noise:3. Nothing is tuned again",
      "SPEC|KIND:N");
  options.value("--labels", labels_,
                "rows to learn from, one after another: 100, 1%, 20/class; 0: all; " + labels,
                "N,N,...");
  options.value("--seeds", seeds_, "trials of each number of labels; " + seeds, "N");
  options.value("--seed", seed_, "of the first trial: which rows, and all that is drawn; 0", "N");
}

std::string EvalLabelled::more_help() {
  return "\n--data is labelled data to learn from, its train split: any pictures with labels, the "
         "run's\nown unless given; of text tsv:FILE.\n";
}

void EvalLabelled::open_sets(TextOptions text) {
  LACUNA_CHECK(!of_text() || (!data_.empty() && !test_.empty()), "usage",
               data_.empty() ? "--data" : "--test",
               " SPEC is missing: labelled text, tsv:FILE or conll:FILE, to ",
               data_.empty() ? "learn from" : "judge by");
  const std::string& val = config_.settings.text("data.val");
  const std::string train = data_.empty() ? config_.settings.text("data.train") : data_;
  const std::string test = !test_.empty() ? test_ : !data_.empty() || val.empty() ? train : val;
  const auto open = [&](const std::string& spec, const char* split) {
    const std::string scheme = parse_spec(spec).scheme;
    LACUNA_CHECK(!of_text() || scheme == "tsv" || scheme == "conll", protocol_.c_str(),
                 "takes labelled text, tsv:FILE or conll:FILE: got ", spec);
    return open_source(spec, split, text);
  };
  specs_ = {train, test};
  train_ = open(train, "train");
  text.classes = train_->classes();
  sets_.push_back({"test", open(test, "test")});
  LACUNA_CHECK(
      description_of(*train_) != description_of(*sets_[0].source), protocol_.c_str(),
      "--test must not be what is learned from (data that is not split is by \"?test=0.2\"): got ",
      train, " and ", test);
  for (const std::string& shift : shifts_) {
    Corruption corruption;
    if (parse_corruption(shift, corruption))
      sets_.push_back({shift, corrupted(sets_[0].source, corruption)});
    else
      sets_.push_back({shift, open(shift, "test")});
  }
  for (const Set& set : sets_)
    LACUNA_CHECK(set.source->classes() == train_->classes(), protocol_.c_str(),
                 "what judges must have the classes of what is learned from, in that order: got ",
                 counted(set.source->classes()), " in ", set.source->name(), " for ",
                 counted(train_->classes()), " in ", train_->name());
  if (quiet_) return;
  warn_of_what_is_left_out({train_.get()});
  for (const Source* source : tests()) warn_of_what_is_left_out({source});
}

std::vector<const Source*> EvalLabelled::tests() const {
  std::vector<const Source*> all;
  for (const Set& set : sets_) all.push_back(set.source.get());
  return all;
}

std::vector<std::int64_t> EvalLabelled::numbers_of_labels() const {
  const std::int64_t rows = train_->size(),
                     classes = static_cast<std::int64_t>(train_->classes().size());
  std::set<std::int64_t> numbers;
  for (std::size_t begin = 0; begin <= labels_.size();) {
    const std::size_t end = std::min(labels_.find(',', begin), labels_.size());
    std::string item = labels_.substr(begin, end - begin);
    std::int64_t number = 0;
    if (cut(item, "%"))
      number = std::max<std::int64_t>(1, std::llround(number_option("--labels", item, 1e-9, 100) /
                                                      100 * static_cast<double>(rows)));
    else if (cut(item, "/class"))
      number = integer_option("--labels", item, 1, 1 << 30) * classes;
    else
      number = integer_option("--labels", item, 0, 1 << 30);
    numbers.insert(number == 0 ? rows : std::min(number, rows));
    begin = end + 1;
  }
  return {numbers.begin(), numbers.end()};
}

std::uint64_t EvalLabelled::seed() const {
  return static_cast<std::uint64_t>(integer_option("--seed", seed_, 0, 1 << 30));
}

std::int64_t EvalLabelled::seeds() const { return integer_option("--seeds", seeds_, 1, 1000); }

void EvalLabelled::print_data() const {
  const Source& test = *sets_[0].source;
  fmt::print("{}, {} samples, to learn from; {}, {} samples, to judge by; {} classes\n",
             train_->name(), grouped(train_->size()), test.name(), grouped(test.size()),
             train_->classes().size());
  for (std::size_t k = 1; k < sets_.size(); k++)
    fmt::print("shift {}: {}\n", k, sets_[k].source->name());
}

nlohmann::ordered_json EvalLabelled::data_json() const {
  nlohmann::ordered_json json = {{"data", sets_[0].source->name()},
                                 {"train", train_->name()},
                                 {"specs", specs_},
                                 {"train_rows", train_->size()},
                                 {"test_rows", sets_[0].source->size()},
                                 {"seed", seed()},
                                 {"seeds", seeds()}};
  for (const Set& set : sets_) json["sets"].push_back(set.name);
  return json;
}

}  // namespace lacuna::tools
