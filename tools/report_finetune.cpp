#include <fmt/format.h>

#include <cmath>
#include <set>

#include "eval_probe.h"
#include "format.h"
#include "html.h"
#include "report_page.h"

namespace lacuna::tools {
namespace {

// The numbers of labels in a line of eval.jsonl: keys labels.N.steps.
std::set<std::int64_t> numbers_of_labels(const Record& r) {
  const std::string first = "labels.", last = ".steps";
  std::set<std::int64_t> numbers;
  for (const auto& [key, value] : r.numbers)
    if (key.rfind(first, 0) == 0 && key.size() > first.size() + last.size() &&
        key.substr(key.size() - last.size()) == last)
      numbers.insert(std::atoll(key.c_str() + first.size()));
  return numbers;
}

std::string cell(double mean, double deviation) {
  std::string text = std::isfinite(mean) ? fmt::format("{:.1f}", 100 * mean) : "-";
  if (std::isfinite(deviation)) text += fmt::format(" ± {:.1f}", 100 * deviation);
  return "<td class=\"n\">" + text + "</td>";
}

std::string finetune_table(const Record& r) {
  std::string out = fmt::format(
      "<p>{} rows of <code>{}</code>, judged by labels of <code>{}</code>, at step {}. In %, mean"
      " ± standard deviation of {} seeds; F1 of {}.</p>\n"
      "<div class=\"card wide\"><table><tr><th class=\"n\">labels</th><th class=\"n\">steps</th>"
      "<th></th><th class=\"n\">accuracy</th><th class=\"n\">F1</th></tr>\n",
      grouped(std::llround(r.number("test_rows"))), escaped(r.text("data")),
      escaped(r.text("train")), grouped(std::llround(r.number("step"))),
      std::llround(r.number("seeds")), r.text("f1") == "spans" ? "whole spans" : "classes, mean");
  for (std::int64_t labels : numbers_of_labels(r))
    for (const char* arm : {"pretrained", "scratch", "random_frozen", "raw"}) {
      const std::string key = fmt::format("labels.{}.{}.", labels, arm);
      if (!r.numbers.count(key + "accuracy")) continue;
      out += fmt::format("<tr{}><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td>",
                         std::string(arm) == "pretrained" ? " class=\"best\"" : "", grouped(labels),
                         grouped(std::llround(r.number(fmt::format("labels.{}.steps", labels)))),
                         escaped(title_of_subject(arm)));
      for (const char* figure : {"accuracy", "f1"})
        out += cell(r.number(key + figure), r.number(key + figure + "_std"));
      out += "</tr>\n";
    }
  out += "<tr><td></td><td></td><td>commonest class</td>";
  for (const char* figure : {"accuracy", "f1"})
    out += cell(r.number(std::string("majority.") + figure), std::nan(""));
  return out + "</tr>\n</table></div>\n";
}

}  // namespace

std::string finetune_section(const std::vector<Record>& evaluations) {
  std::string out;
  std::set<std::string> seen;
  for (auto r = evaluations.rbegin(); r != evaluations.rend(); ++r)
    if (r->text("protocol") == "finetune" && seen.insert(r->text("data")).second)
      out += finetune_table(*r);
  return out.empty() ? "" : "<h2>Fine-tuning</h2>\n" + out;
}

}  // namespace lacuna::tools
