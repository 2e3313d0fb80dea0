#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "eval_probe.h"
#include "format.h"
#include "html.h"
#include "report_page.h"
#include "scores.h"
#include "view_options.h"

namespace lacuna::tools {
namespace {

// How the trials were made, and what else is the same in a table.
constexpr const char* kSettings[][2] = {{"lr", "lr {}"},
                                        {"scratch_lr", "from scratch {}"},
                                        {"batch_size", "{} rows a step"},
                                        {"epochs", "{} epochs"},
                                        {"min_steps", "at least {} steps"},
                                        {"length", "rows of {} tokens"},
                                        {"lm_weight", "lm weight {}"}};

std::string settings_of(const Record& r) {
  std::string out;
  for (const auto& [key, words] : kSettings)
    if (const double value = r.number(key); std::isfinite(value))
      out += (out.empty() ? "" : ", ") + fmt::format(fmt::runtime(words), figure(value));
  const std::string views = views_in_words(r);
  return out + (views.empty() ? "" : ", views of " + views);
}

// The test data, then the shifted sets: where their scores are under an arm's key, and what a column is called.
std::vector<std::pair<std::string, std::string>> sets_of(const Record& r) {
  std::vector<std::pair<std::string, std::string>> sets = {{"", ""}};
  for (const std::string& name : texts_of(r, "sets"))
    if (name != "test") sets.push_back({".shift." + name, ", " + name});
  return sets;
}

std::string finetune_table(const Record& r) {
  std::string out = fmt::format(
      "<p>{} rows of <code>{}</code>, judged by labels of <code>{}</code>, at step {}: {}. In %, "
      "mean"
      " ± standard deviation of {} seeds; F1 of {}.</p>\n"
      "<div class=\"card wide\"><table><tr><th class=\"n\">labels</th><th class=\"n\">steps</th>"
      "<th></th>",
      grouped(std::llround(r.number("test_rows"))), escaped(r.text("data")),
      escaped(r.text("train")), grouped(std::llround(r.number("step"))), settings_of(r),
      std::llround(r.number("seeds")), r.text("f1") == "spans" ? "whole spans" : "classes, mean");
  const auto sets = sets_of(r);
  const auto cells = [&](const std::string& key) {
    std::string all;
    for (const auto& [under, title] : sets)
      for (const char* figure : {"accuracy", "f1"}) all += score_cell(r, key + under, figure);
    return all + "</tr>\n";
  };
  for (const auto& [under, title] : sets)
    for (const char* figure : {"accuracy", "F1"})
      out += fmt::format("<th class=\"n\">{}{}</th>", figure, escaped(title));
  out += "</tr>\n";
  for (std::int64_t labels : numbers_of_labels(r))
    for (const char* arm : {"pretrained", "scratch", "random_frozen", "raw"}) {
      const std::string key = fmt::format("labels.{}.{}", labels, arm);
      if (!r.numbers.count(key + ".accuracy")) continue;
      out += fmt::format("<tr{}><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>",
                         std::string(arm) == "pretrained" ? " class=\"best\"" : "", grouped(labels),
                         grouped(std::llround(r.number(fmt::format("labels.{}.steps", labels)))),
                         escaped(title_of_subject(arm)));
      out += cells(key);
    }
  return out + "<tr><td></td><td></td><td>commonest class</td>" + cells("majority") +
         "</table></div>\n";
}

// Takes the figures of a later line for its numbers of labels.
void update(Record& table, const Record& later) {
  for (std::int64_t labels : numbers_of_labels(later)) {
    const std::string first = fmt::format("labels.{}.", labels);
    std::erase_if(table.numbers, [&](const auto& n) { return n.first.rfind(first, 0) == 0; });
  }
  for (const auto& [key, value] : later.numbers) table.numbers[key] = value;
}

}  // namespace

// A table for each data and setting, the latest first, with a line for each number of labels.
std::string finetune_section(const std::vector<Record>& evaluations) {
  std::vector<std::pair<std::string, Record>> tables;
  for (const Record& r : evaluations) {
    if (r.text("protocol") != "finetune") continue;
    std::string same = fmt::format("{}\n{}\n{} {} {}", r.text("train"), r.text("data"),
                                   r.number("step"), r.number("seeds"), settings_of(r));
    for (const std::string& set : texts_of(r, "sets")) same += "\n" + set;
    const auto it = std::find_if(tables.begin(), tables.end(),
                                 [&](const auto& table) { return table.first == same; });
    Record table = r;
    if (it != tables.end()) {
      table = it->second;
      update(table, r);
      tables.erase(it);
    }
    tables.insert(tables.begin(), {same, table});
  }
  std::string out;
  for (const auto& [same, table] : tables) out += finetune_table(table);
  return out.empty() ? "" : "<h2>Fine-tuning</h2>\n" + out;
}

}  // namespace lacuna::tools
