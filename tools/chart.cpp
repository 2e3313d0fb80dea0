// line_chart() of html.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format.h"
#include "html.h"

namespace lacuna::tools {
namespace {

constexpr double kWidth = 760, kHeight = 320;
constexpr double kLeft = 64, kRight = 16, kTop = 16, kBottom = 44;
constexpr std::size_t kMostPoints = 300;

// The mean of each of at most kMostPoints stretches, so that a long noisy run stays a line.
Series thinned(const Series& s) {
  Series out{s.name, s.style, {}, {}};
  std::vector<std::size_t> finite;
  for (std::size_t i = 0; i < std::min(s.x.size(), s.y.size()); i++)
    if (std::isfinite(s.x[i]) && std::isfinite(s.y[i])) finite.push_back(i);
  const std::size_t stretch = (finite.size() + kMostPoints - 1) / kMostPoints;
  for (std::size_t begin = 0; begin < finite.size(); begin += stretch) {
    const std::size_t end = std::min(begin + stretch, finite.size());
    double x = 0, y = 0;
    for (std::size_t k = begin; k < end; k++) {
      x += s.x[finite[k]];
      y += s.y[finite[k]];
    }
    out.x.push_back(x / static_cast<double>(end - begin));
    out.y.push_back(y / static_cast<double>(end - begin));
  }
  return out;
}

struct Axis {
  double low, high, tick;
  double share(double v) const { return (v - low) / (high - low); }
};

// Ends on whole ticks of 1, 2 or 5 times a power of ten, about five of them.
Axis axis_of(double low, double high) {
  if (!(high > low)) {
    const double pad = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= pad;
    high += pad;
  }
  const double rough = (high - low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  double tick = power;
  for (const double m : {1.0, 2.0, 5.0, 10.0}) {
    tick = m * power;
    if (tick >= rough * 0.999) break;
  }
  return {std::floor(low / tick + 1e-9) * tick, std::ceil(high / tick - 1e-9) * tick, tick};
}

std::string tick_label(double v, const Axis& axis) {
  if (std::abs(v) < axis.tick * 1e-6) return "0";
  if (axis.tick >= 1 && std::abs(v) < 1e15) return grouped(std::llround(v));
  return fmt::format("{:.3g}", v);
}

}  // namespace

std::string line_chart(const std::vector<Series>& series, const std::vector<Level>& levels,
                       const std::string& x_name, const std::string& y_name) {
  std::vector<Series> lines;
  double x_low = INFINITY, x_high = -INFINITY, y_low = INFINITY, y_high = -INFINITY;
  for (const Series& s : series) {
    lines.push_back(thinned(s));
    if (lines.back().x.empty()) {
      lines.pop_back();
      continue;
    }
    const auto [xl, xh] = std::minmax_element(lines.back().x.begin(), lines.back().x.end());
    const auto [yl, yh] = std::minmax_element(lines.back().y.begin(), lines.back().y.end());
    x_low = std::min(x_low, *xl);
    x_high = std::max(x_high, *xh);
    y_low = std::min(y_low, *yl);
    y_high = std::max(y_high, *yh);
  }
  if (lines.empty()) return "";
  // A level that would squash the curves is left out of the picture; its figure stands in the page's text.
  const double room = std::max(y_high - y_low, std::abs(y_high) * 0.05) * 1.5;
  std::vector<Level> shown;
  for (const Level& l : levels)
    if (std::isfinite(l.y) && l.y > y_low - room && l.y < y_high + room) shown.push_back(l);
  for (const Level& l : shown) {
    y_low = std::min(y_low, l.y);
    y_high = std::max(y_high, l.y);
  }
  const Axis xs = [&] {
    Axis a = axis_of(std::min(0.0, x_low), x_high);
    a.high = std::max(x_high, a.low + a.tick * 1e-3);  // no empty stretch after the last step
    return a;
  }();
  const Axis ys = axis_of(y_low, y_high);
  const auto px = [&](double x) { return kLeft + xs.share(x) * (kWidth - kLeft - kRight); };
  const auto py = [&](double y) {
    return kHeight - kBottom - ys.share(y) * (kHeight - kTop - kBottom);
  };

  std::string svg = fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{} over {}\">\n",
      kWidth, kHeight, escaped(y_name), escaped(x_name));
  for (int k = 0; ys.low + k * ys.tick <= ys.high + ys.tick * 0.01; k++) {
    const double y = ys.low + k * ys.tick;
    svg += fmt::format(
        "<line class=\"grid\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"tick\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        kLeft, kWidth - kRight, py(y), kLeft - 8, py(y) + 4, tick_label(y, ys));
  }
  for (int k = 0; xs.low + k * xs.tick <= xs.high + xs.tick * 0.01; k++) {
    const double x = xs.low + k * xs.tick;
    const bool last = px(x) > kWidth - 60;
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
                       px(x), kHeight - kBottom + 18,
                       k == 0 ? "start"
                       : last ? "end"
                              : "middle",
                       tick_label(x, xs));
  }
  svg += fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n",
                     kWidth - kRight, kHeight - 6, escaped(x_name));
  for (const Level& l : shown) {
    // A falling curve leaves room above a high level on the right, and above a low one on the left.
    const bool high = l.y > (y_low + y_high) / 2;
    svg += fmt::format(
        "<line class=\"level\" x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
        "<text class=\"level\" x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"{5}\">{6} {7}</text>\n",
        kLeft, kWidth - kRight, py(l.y), high ? kWidth - kRight : kLeft + 6, py(l.y) - 5,
        high ? "end" : "start", escaped(l.name), figure(l.y));
  }
  for (const Series& s : lines) {
    std::string path;
    for (std::size_t i = 0; i < s.x.size(); i++)
      path += fmt::format("{}{:.1f},{:.1f}", i ? "L" : "M", px(s.x[i]), py(s.y[i]));
    svg += fmt::format("<path class=\"line {}\" d=\"{}\"><title>{}</title></path>\n", s.style, path,
                       escaped(s.name));
    // A few points are a curve with dots; the last one is always one.
    for (std::size_t i = s.x.size() > 20 ? s.x.size() - 1 : 0; i < s.x.size(); i++)
      svg += fmt::format(
          "<circle class=\"dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"><title>{} {} at {} "
          "{}</title></circle>\n",
          s.style, px(s.x[i]), py(s.y[i]), escaped(s.name), figure(s.y[i]), escaped(x_name),
          figure(s.x[i]));
  }
  svg += "</svg>\n<p class=\"legend\">";
  for (const Series& s : lines)
    svg += fmt::format("<span class=\"key {}\"></span>{} ", s.style, escaped(s.name));
  return svg + "</p>\n";
}

}  // namespace lacuna::tools
