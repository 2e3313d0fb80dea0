#include "report_page.h"

#include <fmt/format.h>

#include <cmath>
#include <set>

#include "../core/files.h"
#include "format.h"
#include "html.h"

namespace lacuna::tools {
namespace {

const char* const kStyle = R"css(
:root { color-scheme: light dark; --page: #fbfbf9; --card: #ffffff; --ink: #1c1e21; --soft: #5d6470; --rule: #e3e4e0;
  --one: #1f6fb2; --two: #c2570c; --level: #6f7782; }
@media (prefers-color-scheme: dark) { :root { --page: #14161a; --card: #1c1f25; --ink: #e9eaec; --soft: #a0a7b2;
  --rule: #30343c; --one: #6cb4f0; --two: #f29b55; --level: #98a0ab; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 40px 20px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 44px 0 12px; }
p { margin: 8px 0; max-width: 68ch; }
.soft, figcaption { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(145px, 1fr)); gap: 12px; margin-top: 24px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 21px; font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tile span { color: var(--soft); font-size: 14px; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 16px; }
.chart { display: block; width: 100%; height: auto; }
.chart text { fill: var(--soft); font: 13px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.chart text.level { fill: var(--level); }
.chart .grid { stroke: var(--rule); } .chart line.level { stroke: var(--level); stroke-dasharray: 5 4; }
.chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.chart .line.one { stroke: var(--one); } .chart .line.two { stroke: var(--two); }
.chart .frame { fill: none; stroke: var(--rule); }
.chart .dot.one { fill: var(--one); } .chart .dot.two { fill: var(--two); }
.confusion td, .confusion th { text-align: center; padding: 4px; border: 0; } .confusion th { font-size: 13px; }
.confusion th:first-child { text-align: right; }
.points circle { fill-opacity: 0.75; } .maps { display: grid; grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); gap: 16px; }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin: 0 5px 0 12px; }
.sheet img { max-width: 640px; image-rendering: auto; }
.legend { margin: 8px 0 0; font-size: 14px; color: var(--soft); }
.key { display: inline-block; width: 18px; height: 3px; border-radius: 2px; vertical-align: middle; margin: 0 6px 0 12px; }
.key.one { background: var(--one); } .key.two { background: var(--two); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 15px; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--soft); font-weight: 500; } td.n, th.n { text-align: right; padding-right: 0; padding-left: 14px; white-space: nowrap; }
td.n + td { padding-left: 14px; } tr.best td { font-weight: 600; } tr.group td { padding-top: 18px; color: var(--soft); font-size: 14px; }
td.value { overflow-wrap: anywhere; } td.soft { color: var(--soft); font-weight: 400 !important; }
code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 14px; }
figure { margin: 0; } figcaption { font-size: 14px; margin-top: 8px; }
.grid-picture { display: grid; grid-template-columns: max-content 1fr; gap: 0 14px; align-items: stretch; }
.rows { display: grid; font-size: 14px; color: var(--soft); } .rows span { align-self: center; }
figure img { width: 100%; height: auto; image-rendering: pixelated; border-radius: 4px; display: block; }
.moments { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 20px; margin-top: 20px; }
.parts { display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 16px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 14px/1.5 ui-monospace, Menlo, Consolas, monospace; margin: 4px 0 16px; }
@media (max-width: 560px) {
  .parts { grid-template-columns: 1fr; }
  main { padding: 24px 14px 48px; } h1 { font-size: 25px; } .card { padding: 12px; }
  .chart text { font-size: 22px; } .chart .line { stroke-width: 4; } .chart .tick:nth-of-type(even) { opacity: 0; }
  .grid-picture { grid-template-columns: 1fr; } .rows { display: none; }
}
)css";

std::string tile(const std::string& figure, const std::string& what) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>\n", escaped(figure),
                     escaped(what));
}

Series series(const std::vector<Record>& records, const char* y, const char* name,
              const char* style) {
  Series s{name, style, {}, {}};
  for (const Record& r : records) {
    s.x.push_back(r.number("step"));
    s.y.push_back(r.number(y));
  }
  return s;
}

std::vector<Record> validations(const ReportData& d) {
  std::vector<Record> found;
  for (const Record& r : d.evaluations)
    if (r.text("protocol").empty()) found.push_back(r);
  return found;
}

std::string tiles(const ReportData& d) {
  std::string out = "<div class=\"tiles\">\n";
  if (!d.metrics.empty()) {
    const Record& last = d.metrics.back();
    out += tile(figure(last.number("loss")), "training loss at the end");
    const auto checked = validations(d);
    if (!checked.empty())
      out += tile(figure(checked.back().number("loss")), "validation loss at the end");
    if (std::isfinite(d.facts.loss_floor))
      out += tile(figure(d.facts.loss_floor), "lowest possible training loss");
    double seconds = 0, samples = 0;
    for (const Record& r : d.metrics) seconds = std::max(seconds, r.number("seconds"));
    samples = static_cast<double>(d.facts.step) *
              static_cast<double>(d.settings.integer("train.batch_size"));
    out += tile(duration(seconds), "training time");
    // The median of the logged rates: one that was logged beside a validation or a checkpoint does not move it.
    std::vector<double> rates;
    for (const Record& r : d.metrics)
      if (std::isfinite(r.number("samples_per_second")))
        rates.push_back(r.number("samples_per_second"));
    if (!rates.empty()) {
      std::nth_element(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2),
                       rates.end());
      out += tile(grouped(std::llround(rates[rates.size() / 2])), "samples a second");
    }
    if (samples > 0) out += tile(grouped(std::llround(samples)), "samples seen");
  }
  if (d.facts.parameters) out += tile(grouped(d.facts.parameters), "parameters");
  if (d.facts.peak_tensor_bytes)
    out += tile(bytes(static_cast<double>(d.facts.peak_tensor_bytes)), "of tensors at the peak");
  if (d.facts.peak_resident_bytes)
    out += tile(bytes(static_cast<double>(d.facts.peak_resident_bytes)), "resident at the peak");
  return out + "</div>\n";
}

std::string loss_section(const ReportData& d) {
  std::vector<Level> levels;
  if (std::isfinite(d.facts.loss_start)) levels.push_back({"expected start", d.facts.loss_start});
  if (std::isfinite(d.facts.loss_plateau))
    levels.push_back({"frequencies alone", d.facts.loss_plateau});
  if (std::isfinite(d.facts.loss_floor))
    levels.push_back({"floor of training", d.facts.loss_floor});
  const std::string chart = line_chart({series(d.metrics, "loss", "training", "one"),
                                        series(validations(d), "loss", "validation", "two")},
                                       levels, "step", "loss");
  if (chart.empty()) return "<h2>Loss</h2>\n<p class=\"soft\">No step has been logged yet.</p>\n";
  return "<h2>Loss</h2>\n<div class=\"card\">" + chart + "</div>\n";
}

std::string picture(const GridFile& grid, bool labelled) {
  std::string rows, names;
  for (const std::string& r : grid.rows) {
    rows += "<span>" + escaped(r) + "</span>";
    names += (names.empty() ? "" : ", ") + r;
  }
  const std::string image =
      fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">",
                  escaped("pictures at step " + grouped(grid.step) + ": " + names),
                  base64(read_file(grid.path)));
  const std::string caption =
      fmt::format("<figcaption>step {}{}</figcaption>", grouped(grid.step),
                  labelled ? "; from top to bottom: " + escaped(names) : "");
  if (!labelled) return "<figure>" + image + caption + "</figure>\n";
  return "<figure><div class=\"grid-picture\"><div class=\"rows\">" + rows + "</div>" + image +
         "</div>" + caption + "</figure>\n";
}

std::string picture_section(const ReportData& d) {
  if (d.grids.empty()) return "";
  std::string out = "<h2>Pictures</h2>\n<div class=\"card\">" + picture(d.grids.back(), true);
  // At most four moments on the way, spread evenly.
  const std::size_t earlier = d.grids.size() - 1, count = std::min<std::size_t>(earlier, 4);
  if (count) {
    out += "<div class=\"moments\">\n";
    for (std::size_t k = 0; k < count; k++) out += picture(d.grids[k * earlier / count], false);
    out += "</div>";
  }
  return out + "</div>\n";
}

// A chart for each of a task's own figures: accuracies and the parts of the loss.
std::string parts_section(const ReportData& d) {
  static const std::set<std::string> common = {"step", "epoch",   "loss",
                                               "lr",   "seconds", "samples_per_second"};
  std::set<std::string> names;
  for (const Record& r : d.metrics)
    for (const auto& [name, value] : r.numbers)
      if (!common.count(name) && std::isfinite(value)) names.insert(name);
  const auto figures = find_task(d.settings.text("task.name")).figures;
  const auto meanings = figures ? figures() : std::map<std::string, std::string>();
  std::string out;
  for (const std::string& name : names) {
    const auto meaning = meanings.find(name);
    std::string title = name;
    std::replace(title.begin(), title.end(), '_', ' ');
    const std::string chart =
        line_chart({series(d.metrics, name.c_str(), "training", "one"),
                    series(validations(d), name.c_str(), "validation", "two")},
                   {}, "step", title.c_str());
    if (!chart.empty())
      out += "<figure class=\"card\"><figcaption>" + escaped(title) +
             (meaning == meanings.end() ? "" : ": " + escaped(meaning->second)) + "</figcaption>" +
             chart + "</figure>\n";
  }
  return out.empty() ? "" : "<h2>Its parts</h2>\n<div class=\"parts\">\n" + out + "</div>\n";
}

std::string text_section(const ReportData& d) {
  if (d.texts.empty()) return "";
  const auto block = [](const TextFile& text) {
    return fmt::format("<p class=\"soft\">step {}</p><pre>{}</pre>\n", grouped(text.step),
                       escaped(read_file(text.path)));
  };
  std::string out = "<h2>Samples</h2>\n<div class=\"card\">" + block(d.texts.back());
  // At most four moments on the way, spread evenly.
  const std::size_t earlier = d.texts.size() - 1, count = std::min<std::size_t>(earlier, 4);
  for (std::size_t k = 0; k < count; k++)
    out += (k ? "" : "<details><summary>earlier</summary>") + block(d.texts[k * earlier / count]);
  return out + (count ? "</details>" : "") + "</div>\n";
}

// Evaluations of text: a row a protocol and data set, the last of each.
std::string evaluation_section(const ReportData& d) {
  std::string out;
  std::set<std::string> seen;
  for (auto r = d.evaluations.rbegin(); r != d.evaluations.rend(); ++r) {
    const std::string protocol = r->text("protocol");
    static const std::set<std::string> own = {"",    "reconstruct", "finetune",
                                              "knn", "linear",      "map"};
    if (own.count(protocol)) continue;  // which have sections of their own
    if (!seen.insert(protocol + " " + r->text("data")).second) continue;
    std::string figures;
    for (const auto& [name, value] : r->numbers)
      if (name != "step") {
        std::string title = name;
        std::replace(title.begin(), title.end(), '_', ' ');
        figures +=
            (figures.empty() ? "" : "; ") + title + " " +
            (value == std::floor(value) && std::fabs(value) >= 1000 ? grouped(std::llround(value))
                                                                    : figure(value));
      }
    out += fmt::format(
        "<tr><td>{}</td><td><code>{}</code></td><td class=\"n\">{}</td><td>{}</td></tr>\n",
        escaped(protocol), escaped(r->text("data")), grouped(std::llround(r->number("step"))),
        escaped(figures));
  }
  return out.empty() ? ""
                     : "<h2>Evaluations</h2>\n<div class=\"card wide\"><table><tr><th>protocol</th>"
                       "<th>data</th><th class=\"n\">step</th><th></th></tr>\n" +
                           out + "</table></div>\n";
}

std::string reconstruction_table(const Record& r) {
  const auto methods = [&] {
    std::vector<std::string> names;
    for (const auto& [key, value] : r.numbers)
      if (key.rfind("all.", 0) == 0 && key.size() > 8 && key.substr(key.size() - 4) == ".mse")
        names.push_back(key.substr(4, key.size() - 8));
    std::stable_partition(names.begin(), names.end(), [](const auto& n) { return n == "model"; });
    return names;
  }();
  const auto error = [&](const std::string& m) {
    const double hidden = r.number("hidden." + m + ".mse");
    return std::isfinite(hidden) ? hidden : r.number("all." + m + ".mse");
  };
  std::string best;
  for (const std::string& m : methods)
    if (best.empty() || error(m) < error(best)) best = m;
  std::string out = fmt::format(
      "<p>{} images of <code>{}</code>, {:.1f} % of the values hidden, at step {}. Errors on the "
      "[-1, 1] scale.</p>\n"
      "<div class=\"card wide\"><table><tr><th></th><th class=\"n\">MSE, hidden</th><th "
      "class=\"n\">PSNR</th>"
      "<th class=\"n\">SSIM</th><th class=\"n\">MSE, all</th><th class=\"n\">PSNR</th><th "
      "class=\"n\">SSIM</th></tr>\n",
      grouped(std::llround(r.number("images"))), escaped(r.text("data")),
      100 * r.number("hidden_share"), grouped(std::llround(r.number("step"))));
  for (const std::string& m : methods) {
    std::string name = m;
    std::replace(name.begin(), name.end(), '_', ' ');
    out += fmt::format("<tr{}><td>{}</td>", m == best ? " class=\"best\"" : "", escaped(name));
    for (const char* part : {"hidden", "all"}) {
      const std::string key = std::string(part) + "." + m + ".";
      const auto cell = [&](const char* what, int digits) {
        const double v = r.number(key + what);
        out += fmt::format("<td class=\"n\">{}</td>",
                           std::isfinite(v) ? fmt::format("{:.{}f}", v, digits) : "-");
      };
      cell("mse", 4);
      cell("psnr", 2);
      cell("ssim", 3);
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string reconstruction_section(const ReportData& d) {
  // The last evaluation on each data set.
  std::string out;
  std::set<std::string> seen;
  for (auto r = d.evaluations.rbegin(); r != d.evaluations.rend(); ++r)
    if (r->text("protocol") == "reconstruct" && seen.insert(r->text("data")).second)
      out += reconstruction_table(*r);
  return out.empty() ? "" : "<h2>Reconstruction</h2>\n" + out;
}

std::string settings_section(const ReportData& d) {
  std::string out = "<h2>Settings</h2>\n<div class=\"card wide\"><table>\n", section;
  for (const Key& k : d.settings.keys()) {
    if (k.section != section)
      out += "<tr class=\"group\"><td colspan=\"3\">[" + escaped(section = k.section) +
             "]</td></tr>\n";
    const bool changed = !(k.value == k.preset);
    const std::string value = to_string(k.value);
    out += fmt::format(
        "<tr{}><td><code>{}</code></td><td class=\"value\"><code>{}</code></td><td "
        "class=\"soft\">{}</td></tr>\n",
        changed ? " class=\"best\"" : "", escaped(k.name), value.empty() ? "none" : escaped(value),
        escaped(k.meaning));
  }
  return out + "</table></div>\n<p class=\"soft\">Bold: not the default.</p>\n";
}

}  // namespace

std::string report_page(const ReportData& d) {
  const Facts& f = d.facts;
  std::string under = f.data;
  if (f.samples) under += ", " + grouped(f.samples) + " samples";
  if (!f.device.empty())
    under += fmt::format("; {} ({}, {} thread{})", f.device, f.processor, f.threads,
                         f.threads == 1 ? "" : "s");
  if (f.steps && f.step < f.steps)
    under += fmt::format("; step {} of {}, not finished", grouped(f.step), grouped(f.steps));
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
         escaped((f.task.empty() ? "run" : f.task) + " " + d.name) + "</title>\n<style>" + kStyle +
         "</style></head><body><main>\n<h1>" +
         escaped(f.task.empty() ? d.name : f.task + " / " + d.name) + "</h1>\n<p class=\"soft\">" +
         escaped(under) + "</p>\n" + tiles(d) + loss_section(d) + parts_section(d) +
         picture_section(d) + text_section(d) + d.attention + evaluation_section(d) +
         probe_section(d.evaluations, d.neighbours) + d.map + finetune_section(d.evaluations) +
         reconstruction_section(d) + settings_section(d) + "<p class=\"soft\">Written by lacuna " +
         escaped(f.version) + ".</p>\n</main></body></html>\n";
}

}  // namespace lacuna::tools
