#pragma once
// Settings as TOML: [task] [data] [model] [optim] [train], one key a line.
#include <string>

#include "../ssl/settings.h"

namespace lacuna::tools {

/// Takes every key from TOML text. Errors name `file` and the line: what is not TOML, a key outside a section, an unknown
/// key or section (with the nearest), a value of the wrong type or outside its limits.
void read_config(Settings& settings, const std::string& text, const std::string& file);

/// The same from a file. Error where it cannot be read.
void read_config_file(Settings& settings, const std::string& path);

/// What such text says that [task] name is. Error where it says nothing.
std::string task_of_config(const std::string& text, const std::string& file);

/// Every key with its value, as read_config() takes it.
std::string write_config(const Settings& settings);

}  // namespace lacuna::tools
