#pragma once
// Backbones by name: what load_encoder() can build again from a checkpoint. A new one is a file beside this, with a
// function that makes it from an Architecture, and a line in registry.cpp.
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../module.h"

namespace lacuna {

/// A backbone's name and options: {"backbone": "conv_encoder", "bottleneck": 0, "channels": 3} as JSON.
struct Architecture {
  std::string backbone;
  std::map<std::string, double> options;

  std::string to_json() const;
  static Architecture from_json(const std::string& json);

  double number(const std::string& name) const;
  /// A whole number from 0 to 2^31 - 1.
  std::int64_t integer(const std::string& name) const;
  /// Fails unless these are the options that are given.
  void check_names(std::initializer_list<const char*> names) const;
};

/// Makes the backbone that Module::architecture() described, not yet initialized. An unknown name is an Error that lists
/// those there are.
std::unique_ptr<Module> make_backbone(const std::string& json);
std::vector<std::string> backbone_names();

}  // namespace lacuna
