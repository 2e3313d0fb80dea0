#include "view_options.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "format.h"

namespace lacuna::tools {
namespace {

constexpr const char* kSection = "views";

template <class Number>
std::string words_of(Number&& number) {
  std::string words;
  for (const char* key : {"crop", "flip", "colour", "rotate", "grey", "blur", "solarise", "cutout"})
    if (const double value = number(key); value > 0)
      words += fmt::format("{}{} {}", words.empty() ? "" : ", ", key, figure(value));
  return words;
}

}  // namespace

void ViewOptions::declare(Options& options) {
  declare_views(settings_, kSection);
  for (const Key& key : settings_.keys())
    options.value("--" + key.name, values_[key.name],
                  "views: " + key.meaning + "; " + to_string(key.preset),
                  key.choices.empty() ? "X" : "KIND");
}

std::string ViewOptions::given() const {
  for (const auto& [name, value] : values_)
    if (!value.empty()) return "--" + name;
  return "";
}

Augmentation ViewOptions::augmentation(std::int64_t side) {
  for (const auto& [name, value] : values_)
    if (!value.empty()) settings_.set(name, value);
  return augmentation_of(settings_, kSection, side);
}

nlohmann::ordered_json ViewOptions::to_json() const {
  return nlohmann::ordered_json::parse(settings_.to_json())[kSection];
}

std::string ViewOptions::in_words() const {
  return words_of(
      [&](const char* key) { return settings_.number(std::string(kSection) + "." + key); });
}

std::string views_in_words(const Record& r) {
  return words_of([&](const char* key) { return r.number(std::string("views.") + key); });
}

}  // namespace lacuna::tools
