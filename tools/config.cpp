#include "config.h"

#include <toml++/toml.h>
#include <set>

#include "../core/files.h"
#include "../core/suggest.h"
#include "../kernels/error.h"

namespace lacuna::tools {
namespace {

/// A basic string of TOML 1.0.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20 || u == 0x7f) {
      const char* digits = "0123456789ABCDEF";
      out += std::string("\\u00") + digits[u >> 4] + digits[u & 15];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string literal(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return quoted(*text);
  std::string out = to_string(value);
  // TOML tells 1 from 1.0, and "1e-05" is a float to it as it is.
  if (std::holds_alternative<double>(value) && out.find_first_of(".eni") == std::string::npos)
    out += ".0";
  return out;
}

void set(Settings& settings, const std::string& name, const toml::node& node) {
  if (const auto* b = node.as_boolean())
    settings.set(name, Value(b->get()));
  else if (const auto* i = node.as_integer())
    settings.set(name, Value(i->get()));
  else if (const auto* d = node.as_floating_point())
    settings.set(name, Value(d->get()));
  else if (const auto* s = node.as_string())
    settings.set(name, Value(s->get()));
  else
    fail("config", name, " must be true, false, a number or text");
}

}  // namespace

void read_config(Settings& settings, const std::string& text, const std::string& file) {
  std::set<std::string> sections;
  for (const Key& k : settings.keys()) sections.insert(k.section);
  const std::vector<std::string> names(sections.begin(), sections.end());

  auto where = [&](const toml::source_region& at) {
    return file + ":" + std::to_string(at.begin.line) + ": ";
  };
  toml::table table;
  try {
    table = toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    fail("config", where(e.source()), e.description());
  }
  for (const auto& [section, node] : table) {
    const std::string name(section.str());
    const toml::table* keys = node.as_table();
    if (!keys) fail("config", where(node.source()), "\"", name, "\" is outside a section");
    LACUNA_CHECK(sections.count(name), "config", where(node.source()), "unknown section [", name,
                 "]", suggestion(name, names));
    for (const auto& [key, value] : *keys) {
      try {
        set(settings, name + "." + std::string(key.str()), value);
      } catch (const Error& e) {
        const std::string what = e.what(), tag = "[config] ";
        fail("config", where(value.source()),
             what.rfind(tag, 0) == 0 ? what.substr(tag.size()) : what);
      }
    }
  }
}

void read_config_file(Settings& settings, const std::string& path) {
  read_config(settings, read_file(path), path);
}

std::string write_config(const Settings& settings) {
  std::vector<std::string> sections;  // in the order in which they were declared
  for (const Key& k : settings.keys())
    if (std::find(sections.begin(), sections.end(), k.section) == sections.end())
      sections.push_back(k.section);
  std::string out;
  for (const auto& section : sections) {
    out += (out.empty() ? "[" : "\n[") + section + "]\n";
    for (const Key& k : settings.keys())
      if (k.section == section) out += k.name + " = " + literal(k.value) + "\n";
  }
  return out;
}

}  // namespace lacuna::tools
