#include "config.h"

#include <toml++/toml.h>
#include <algorithm>
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

std::string place(const std::string& file, std::size_t line) {
  return file + ":" + std::to_string(line) + ": ";
}

// What TOML has nowhere (control characters) or only in strings and comments (letters beyond ASCII; not in strings of many lines, which no key needs), and toml++ 3.3 trips
// over elsewhere.
void check_characters(const std::string& text, const std::string& file) {
  char quote = 0;  // of the string that we are in
  bool triple = false, comment = false;
  char before = '\n';  // the last thing outside of strings and comments but blanks
  for (std::size_t i = 0, line = 1; i < text.size(); i++) {
    const auto u = static_cast<unsigned char>(text[i]);
    if ((u < 0x20 && u != '\t' && u != '\n' && u != '\r') || u == 0x7f)
      fail("config", place(file, line), "a control character (byte ", static_cast<int>(u),
           "): this is no text");
    LACUNA_CHECK(u < 0x80 || (quote && !triple) || comment, "config", place(file, line),
                 "letters beyond ASCII are for strings of one line and for comments");
    const bool three = text.compare(i, 3, std::string(3, text[i])) == 0;
    if (u == '\n') {
      line++;
      comment = false;
      if (!triple) quote = 0;
      if (!quote) before = '\n';
    } else if (comment) {
      continue;
    } else if (!quote && u == '#') {
      comment = true;
    } else if (!quote && (u == '"' || u == '\'')) {
      // A string begins where a key or a value does (no key takes a list); elsewhere a quote is a mistake.
      if (std::string_view("=\n").find(before) != std::string_view::npos) {
        quote = text[i];
        triple = three;
        i += three ? 2 : 0;
      }
      before = text[i];
    } else if (quote == '"' && u == '\\' && i + 1 < text.size()) {
      const char kind = text[i + 1];
      const std::size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
      const std::size_t end = text.find_first_not_of("0123456789abcdefABCDEF", i + 2);
      LACUNA_CHECK(
          static_cast<unsigned char>(kind) < 0x80 && std::min(end, text.size()) >= i + 2 + digits,
          "config", place(file, line),
          "\\u is followed by 4 hexadecimal digits, \\U by 8, other escapes are ASCII");
      i += kind == '"' || kind == '\\';
    } else if (quote && text[i] == quote && (three || !triple)) {
      while (triple && i + 1 < text.size() && text[i + 1] == quote)
        i++;  // """" is a quote and an end
      quote = 0;
      triple = false;
    } else if (!quote && u != ' ' && u != '\t' && u != '\r') {
      before = text[i];
    }
  }
}

toml::table parsed(const std::string& text, const std::string& file) {
  check_characters(text, file);
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    fail("config", place(file, e.source().begin.line), e.description());
  }
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

  const auto where = [&](const toml::source_region& at) { return place(file, at.begin.line); };
  const toml::table table = parsed(text, file);
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

std::string task_of_config(const std::string& text, const std::string& file) {
  const toml::table table = parsed(text, file);
  const auto name = table["task"]["name"].value<std::string>();
  LACUNA_CHECK(name, "run", file, " does not say which task it is of: [task] has no name");
  return *name;
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
