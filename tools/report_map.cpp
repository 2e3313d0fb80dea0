// map_section() of report_page.h: what lacuna eval map wrote, as pictures of points.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../kernels/error.h"
#include "eval_probe.h"
#include "format.h"
#include "html.h"
#include "report_page.h"

namespace lacuna::tools {
namespace {

constexpr double kSide = 260, kEdge = 8;
// Ten colours that differ in light and dark mode, then again.
constexpr const char* kColours[] = {"#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f",
                                    "#b6992d", "#b07aa1", "#ff9da7", "#9c755f", "#8c8c8c"};
constexpr const char* kUncoloured = "#8c8c8c";  // where there are no labels

using Json = nlohmann::json;

std::string colour(std::size_t label) { return kColours[label % std::size(kColours)]; }

std::string scatter(const Json& points, const Json& labels, const std::string& title) {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (const Json& p : points)
    for (int c = 0; c < 2; c++) {
      low[c] = std::min(low[c], p.at(c).get<double>());
      high[c] = std::max(high[c], p.at(c).get<double>());
    }
  // One scale for both directions: distances on the map mean something.
  const double span = std::max({high[0] - low[0], high[1] - low[1], 1e-12});
  std::string svg = fmt::format(
      "<figure><svg class=\"chart points\" viewBox=\"0 0 {0} {0}\" role=\"img\" aria-label=\"{1}\">"
      "<rect class=\"frame\" x=\"0.5\" y=\"0.5\" width=\"{2}\" height=\"{2}\"/>\n",
      kSide, escaped(title), kSide - 1);
  const bool coloured = !labels.empty();
  for (std::size_t i = 0; i < points.size(); i++) {
    double at[2];
    for (int c = 0; c < 2; c++)
      at[c] = kSide / 2 +
              (points[i].at(c).get<double>() - (low[c] + high[c]) / 2) / span * (kSide - 2 * kEdge);
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2\" fill=\"{}\"/>", at[0],
                       kSide - at[1],
                       coloured ? colour(labels.at(i).get<std::size_t>()) : kUncoloured);
  }
  return svg + "</svg><figcaption>" + escaped(title) + "</figcaption></figure>\n";
}

std::string section_of(const Json& map) {
  std::string out = fmt::format(
      "<h2>Maps</h2>\n<p>{} samples of <code>{}</code>, at step {}: the first two principal "
      "components, and t-SNE with a perplexity of {}.</p>\n<div class=\"card\"><div "
      "class=\"maps\">\n",
      grouped(map.at("points").get<std::int64_t>()), escaped(map.at("data").get<std::string>()),
      grouped(map.at("step").get<std::int64_t>()), figure(map.at("perplexity").get<double>()));
  for (const char* kind : {"pca", "tsne"})
    for (const char* subject : {"pretrained", "random_frozen", "raw"})
      out +=
          scatter(map.at("subjects").at(subject).at(kind), map.at("labels"),
                  title_of_subject(subject) + (std::string(kind) == "pca" ? ", PCA" : ", t-SNE"));
  out += "</div><p class=\"legend\">";
  if (map.at("labels").empty()) out += "The data has no labels.";
  const Json& classes = map.at("classes");
  for (std::size_t i = 0; i < std::min<std::size_t>(classes.size(), 20); i++)
    out += fmt::format("<span class=\"swatch\" style=\"background:{}\"></span>{}", colour(i),
                       escaped(classes[i].get<std::string>()));
  return out + "</p></div>\n";
}

}  // namespace

std::string map_section(const std::string& json, const std::string& path) {
  if (json.empty()) return "";
  const Json map = Json::parse(json, nullptr, false);
  LACUNA_CHECK(map.is_object(), "report", path, " is damaged: not a JSON object");
  try {
    return section_of(map);
  } catch (const Json::exception& e) {
    fail("report", path, " is damaged: ", e.what());
  }
}

}  // namespace lacuna::tools
