#pragma once
// Pieces of a page that needs nothing but itself.
#include <string>
#include <vector>

namespace lacuna::tools {

/// Text as text, whatever it holds: < > & " ' become entities, control characters go.
std::string escaped(const std::string& text);

std::string base64(const std::string& bytes);

struct Series {
  std::string name;
  std::string style;  // a class of the page's style sheet: "one", "two"
  std::vector<double> x, y;
};

/// A horizontal line that means something: where the loss starts, what it cannot go below.
struct Level {
  std::string name;
  double y = 0;
};

/// An SVG of curves over a common x axis, with ticks, names at the levels and a legend. Points that are not finite are left
/// out; many points are averaged into a few hundred. Empty where no series has a point.
std::string line_chart(const std::vector<Series>& series, const std::vector<Level>& levels,
                       const std::string& x_name, const std::string& y_name);

}  // namespace lacuna::tools
