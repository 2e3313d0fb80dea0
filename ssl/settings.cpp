#include "settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "../core/suggest.h"
#include "../kernels/error.h"

namespace lacuna {
namespace {

const char* type_of(const Value& v) {
  static const char* const names[] = {"true or false", "a whole number", "a number", "text"};
  return names[v.index()];
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& w : words) text += (text.empty() ? "" : ", ") + w;
  return text;
}

template <class T>
bool parse(const std::string& text, T& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc() && result.ptr == end && !text.empty();
}

void check(const Key& key, const Value& value) {
  const std::string name = key.section + "." + key.name;
  LACUNA_CHECK(value.index() == key.preset.index(), "config", name, " takes ", type_of(key.preset),
               ": got \"", to_string(value), "\"");
  if (!key.choices.empty()) {
    const auto& text = std::get<std::string>(value);
    if (std::find(key.choices.begin(), key.choices.end(), text) == key.choices.end()) {
      fail("config", name, " must be one of ", joined(key.choices), ": got \"", text, "\"",
           suggestion(text, key.choices));
    }
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    try {
      (void)nlohmann::json(*text).dump();
    } catch (const nlohmann::json::exception&) {
      fail("config", name, " must be UTF-8, as everything in config.toml");
    }
  }
  double number = 0;
  if (const auto* i = std::get_if<std::int64_t>(&value)) number = static_cast<double>(*i);
  if (const auto* d = std::get_if<double>(&value)) {
    number = *d;
    LACUNA_CHECK(std::isfinite(number), "config", name, " must be finite: got ", number);
  }
  const auto limit = [&](double x) {  // whole numbers in full
    return std::holds_alternative<std::int64_t>(value) ? to_string(static_cast<std::int64_t>(x))
                                                       : to_string(x);
  };
  if (key.low < key.high)
    LACUNA_CHECK(number >= key.low && number <= key.high, "config", name, " must be between ",
                 limit(key.low), " and ", limit(key.high), ": got ", to_string(value));
}

}  // namespace

std::string to_string(const Value& value) {
  if (const auto* b = std::get_if<bool>(&value)) return *b ? "true" : "false";
  if (const auto* s = std::get_if<std::string>(&value)) return *s;
  char buffer[64];
  const auto result =
      std::holds_alternative<double>(value)
          ? std::to_chars(buffer, buffer + sizeof buffer, std::get<double>(value))
          : std::to_chars(buffer, buffer + sizeof buffer, std::get<std::int64_t>(value));
  return std::string(buffer, result.ptr);
}

Key& Settings::declare(const std::string& name, Value preset, const std::string& meaning,
                       std::vector<std::string> choices) {
  const auto dot = name.find('.');
  const std::string section = name.substr(0, dot), key = name.substr(dot + 1);
  for (Key& k : keys_) {
    if (k.section != section || k.name != key) continue;
    // A task declares a common key again to give it another default.
    k.value = k.preset = std::move(preset);
    k.meaning = meaning;
    k.choices = std::move(choices);
    return k;
  }
  keys_.push_back({section, key, preset, preset, meaning, std::move(choices)});
  check(keys_.back(), preset);
  return keys_.back();
}

Key& Settings::declare(const std::string& name, Value preset, const std::string& meaning,
                       double low, double high) {
  Key& k = declare(name, std::move(preset), meaning);
  k.low = low;
  k.high = high;
  check(k, k.preset);
  return k;
}

Key* Settings::find(const std::string& name) {
  const auto dot = name.find('.');
  Key* found = nullptr;
  for (Key& k : keys_) {
    const std::string section = dot == std::string::npos ? "" : k.section + ".";
    if (section + k.name != name && (k.also.empty() || section + k.also != name)) continue;
    LACUNA_CHECK(!found, "config", "\"", name, "\" is in several sections, write ", found->section,
                 ".", name, " or ", k.section, ".", name);
    found = &k;
  }
  return found;
}

bool Settings::has(const std::string& name) const {
  return const_cast<Settings*>(this)->find(name) != nullptr;
}

const Key& Settings::key(const std::string& name) const {
  const Key* k = const_cast<Settings*>(this)->find(name);
  if (k) return *k;
  std::vector<std::string> names;
  for (const Key& each : keys_) {
    names.push_back(each.name);
    names.push_back(each.section + "." + each.name);
  }
  fail("config", "unknown key \"", name, "\"", suggestion(name, names));
}

void Settings::set(const std::string& name, const Value& value) {
  const Key& k = key(name);
  Value v = value;
  if (std::holds_alternative<double>(k.preset) && std::holds_alternative<std::int64_t>(v))
    v = static_cast<double>(std::get<std::int64_t>(v));  // 1 for 1.0
  check(k, v);
  const_cast<Key&>(k).value = v;
}

void Settings::set(const std::string& name, const std::string& text) {
  const Key& k = key(name);
  Value v = text;
  bool ok = true;
  if (std::holds_alternative<bool>(k.preset)) {
    ok = text == "true" || text == "false";
    v = text == "true";
  } else if (std::holds_alternative<std::int64_t>(k.preset)) {
    std::int64_t n = 0;
    ok = parse(text, n);
    v = n;
  } else if (std::holds_alternative<double>(k.preset)) {
    double d = 0;
    ok = parse(text, d);
    v = d;
  }
  LACUNA_CHECK(ok, "config", k.section, ".", k.name, " takes ", type_of(k.preset), ": got \"", text,
               "\"");
  set(name, v);
}

std::string Settings::to_json(bool all) const {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Key& k : keys_) {
    if (k.of_machine && !all) continue;
    std::visit([&](const auto& v) { json[k.section][k.name] = v; }, k.value);
  }
  return json.dump();
}

void Settings::from_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  LACUNA_CHECK(json.is_object(), "config", "the settings are not a JSON object");
  for (const auto& [section, keys] : json.items()) {
    LACUNA_CHECK(keys.is_object(), "config", "section ", section, " is not a JSON object");
    for (const auto& [name, value] : keys.items()) {
      const std::string full = section + "." + name;
      if (value.is_boolean())
        set(full, Value(value.get<bool>()));
      else if (value.is_number_integer())
        set(full, Value(value.get<std::int64_t>()));
      else if (value.is_number())
        set(full, Value(value.get<double>()));
      else if (value.is_string())
        set(full, Value(value.get<std::string>()));
      else
        fail("config", full, " must be true, false, a number or text");
    }
  }
}

}  // namespace lacuna
