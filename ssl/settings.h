#pragma once
// The settings of a run: typed keys in the sections [task] [data] [model] [optim] [train], each with a default and a
// meaning. Whoever reads a key has declared it, so an unknown one is an error, and --help needs no second list.
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

namespace lacuna {

using Value = std::variant<bool, std::int64_t, double, std::string>;

/// "true", "12", "0.001", "text" without quotes: shortest form that reads back as the same value.
std::string to_string(const Value& value);

struct Key {
  std::string section, name;
  Value value, preset;               // the type of `preset` is the key's type
  std::string meaning;               // one line for --help
  std::vector<std::string> choices;  // for text: empty is anything
  double low = 0, high = 0;          // for numbers: inclusive limits where low < high
  bool resumable = false;            // may differ when a run is resumed: its length
  bool of_machine =
      false;  // where a run happens, not what it computes: likewise, and not in checkpoints
  std::string also = {};  // another name by which it is read
};

class Settings {
 public:
  /// Declares a key; `name` is "section.key". Limits are for numbers, choices for text. Returns it for the rarer marks.
  Key& declare(const std::string& name, Value preset, const std::string& meaning,
               std::vector<std::string> choices = {});
  Key& declare(const std::string& name, Value preset, const std::string& meaning, double low,
               double high);

  /// Sets from text. `name` is "section.key", or "key" where only one section has it. Errors: an unknown key, with the
  /// nearest one; text that is not of the key's type; a value outside its choices or limits.
  void set(const std::string& name, const std::string& text);
  void set(const std::string& name, const Value& value);
  bool has(const std::string& name) const;
  const Key& key(const std::string& name) const;

  bool flag(const std::string& name) const { return std::get<bool>(key(name).value); }
  std::int64_t integer(const std::string& name) const {
    return std::get<std::int64_t>(key(name).value);
  }
  double number(const std::string& name) const { return std::get<double>(key(name).value); }
  const std::string& text(const std::string& name) const {
    return std::get<std::string>(key(name).value);
  }

  const std::vector<Key>& keys() const { return keys_; }

  /// {"task": {"mode": "literal", ...}, ...}; without the keys of the machine unless `all`.
  std::string to_json(bool all = false) const;
  /// Takes every value from such JSON; the same errors as set().
  void from_json(const std::string& json);

 private:
  Key* find(const std::string& name);
  std::vector<Key> keys_;
};

}  // namespace lacuna
