// probe_section() of report_page.h.
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

std::string how(const Record& r) {
  if (r.text("protocol") == "knn")
    return fmt::format(
        "Nearest neighbours by cosine; weighted: {} votes of exp(cosine / {}), plain: {} votes.",
        votes(std::llround(r.number("k")), numbers_of_labels(r)), figure(r.number("temperature")),
        votes(std::llround(r.number("plain_k")), numbers_of_labels(r)));
  const bool sgd = r.text("optimizer") == "sgd";
  return fmt::format(
      "A linear layer on {}: {}, rate {} by a cosine to 0, {} epochs of batches of {}, decay {}; "
      "the last epoch counts.",
      sgd ? "vectors of views (" + views_in_words(r) + ")" : "cached vectors", sgd ? "SGD" : "Adam",
      figure(r.number("lr")), grouped(std::llround(r.number("epochs"))),
      grouped(std::llround(r.number("batch_size"))), figure(r.number("weight_decay")));
}

std::string table(const Record& r) {
  const auto rules = texts_of(r, "rules"), sets = texts_of(r, "sets");
  std::string out = fmt::format(
      "<p>{} {} samples of <code>{}</code>, judged by labels of <code>{}</code>, at step {}. "
      "Accuracy and mean F1 of classes, in %{}.</p>\n<div class=\"card wide\"><table><tr><th "
      "class=\"n\">labels</th><th>"
      "</th><th class=\"n\">width</th>",
      how(r), grouped(std::llround(r.number("test_rows"))), escaped(r.text("data")),
      escaped(r.text("train")), grouped(std::llround(r.number("step"))),
      r.number("seeds") > 1
          ? fmt::format(", mean ± standard deviation of {} seeds", r.number("seeds"))
          : "");
  for (const std::string& rule : rules)
    for (const std::string& set : sets)
      out += "<th class=\"n\">" + escaped(set == "test" ? rule : rule + ", " + set) +
             "</th><th class=\"n\">F1</th>";
  out += "</tr>\n";
  for (std::int64_t labels : numbers_of_labels(r))
    for (const char* subject : {"pretrained", "random_frozen", "raw", "supervised"}) {
      const std::string key = fmt::format("labels.{}.{}.", labels, subject);
      if (!r.numbers.count(key + "width")) continue;
      out += fmt::format("<tr{}><td class=\"n\">{}</td><td>{}</td><td class=\"n\">{}</td>",
                         std::string(subject) == "pretrained" ? " class=\"best\"" : "",
                         grouped(labels), escaped(title_of_subject(subject)),
                         grouped(std::llround(r.number(key + "width"))));
      for (const std::string& rule : rules)
        for (const std::string& set : sets)
          out += score_cell(r, key + rule + "." + set, "accuracy") +
                 score_cell(r, key + rule + "." + set, "f1");
      out += "</tr>\n";
    }
  if (r.numbers.count("majority.accuracy"))
    out += "<tr><td></td><td>commonest class</td><td></td>" +
           score_cell(r, "majority", "accuracy") + score_cell(r, "majority", "f1") + "</tr>\n";
  return out + "</table></div>\n";
}

// Shares of each class's samples, the darker the more.
std::string confusion_table(const Record& r) {
  const auto classes = texts_of(r, "classes");
  if (classes.empty() || classes.size() > 20) return "";
  std::string out = fmt::format(
      "<p>What of each class (a row) the pretrained network's vectors are taken for (a column) by "
      "{}, {}, in %.</p>\n<div class=\"card wide\"><table class=\"confusion\"><tr><th></th>",
      r.text("protocol") == "knn" ? "the weighted vote" : "the linear layer",
      escaped(r.text("data")));
  for (const std::string& name : classes) out += "<th>" + escaped(name) + "</th>";
  out += "</tr>\n";
  for (std::size_t i = 0; i < classes.size(); i++) {
    double total = 0;
    const auto count = [&](std::size_t j) {
      return r.number(fmt::format("confusion.{}.{}", i, j));
    };
    for (std::size_t j = 0; j < classes.size(); j++) total += count(j);
    out += "<tr><th>" + escaped(classes[i]) + "</th>";
    for (std::size_t j = 0; j < classes.size(); j++) {
      const double share = total > 0 ? count(j) / total : 0;
      out += fmt::format(
          "<td style=\"background: color-mix(in srgb, var(--{}) {:.0f}%, "
          "transparent)\">{:.0f}</td>",
          i == j ? "one" : "two", 75 * share, 100 * share);
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace

std::string probe_section(const std::vector<Record>& evaluations, const std::string& neighbours) {
  std::string out, confusion;
  std::set<std::string> seen;
  for (auto r = evaluations.rbegin(); r != evaluations.rend(); ++r) {
    const std::string protocol = r->text("protocol");
    if ((protocol != "knn" && protocol != "linear") || numbers_of_labels(*r).empty()) continue;
    if (!seen.insert(protocol + r->text("optimizer") + " " + r->text("data")).second) continue;
    out += table(*r);
    if (confusion.empty()) confusion = confusion_table(*r);
  }
  if (out.empty()) return "";
  out = "<h2>What the vectors know</h2>\n" + out + confusion;
  if (!neighbours.empty())
    out +=
        "<h2>Nearest neighbours</h2>\n<figure class=\"card sheet\"><img alt=\"test pictures and "
        "their nearest training pictures\" src=\"data:image/png;base64," +
        base64(neighbours) +
        "\"><figcaption>On the left a test picture of each class, beside it the training pictures "
        "whose vectors are nearest, nearest first; framed in green where they are of its class, "
        "in orange where not.</figcaption></figure>\n";
  return out;
}

}  // namespace lacuna::tools
