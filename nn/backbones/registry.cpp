#include "registry.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace lacuna {

using Make = std::unique_ptr<Module> (*)(const Architecture&);

std::unique_ptr<Module> make_conv_encoder(const Architecture&);
std::unique_ptr<Module> make_bert(const Architecture&);
std::unique_ptr<Module> make_gpt(const Architecture&);
std::unique_ptr<Module> make_resnet(const Architecture&);

namespace {

const std::pair<const char*, Make> kBackbones[] = {
    {"conv_encoder", make_conv_encoder},
    {"bert", make_bert},
    {"gpt", make_gpt},
    {"resnet", make_resnet},
};

}  // namespace

std::string Architecture::to_json() const {
  nlohmann::ordered_json json{{"backbone", backbone}};
  for (const auto& [name, value] : options) {
    if (value == std::floor(value) && std::fabs(value) < 0x1p53)
      json[name] = static_cast<std::int64_t>(value);
    else
      json[name] = value;
  }
  return json.dump();
}

Architecture Architecture::from_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  LACUNA_CHECK(json.is_object() && json.contains("backbone") && json["backbone"].is_string(),
               "backbone", "an architecture is a JSON object that names a backbone: got ", text);
  Architecture out{json["backbone"].get<std::string>(), {}};
  for (const auto& [name, value] : json.items()) {
    if (name == "backbone") continue;
    LACUNA_CHECK(value.is_number(), "backbone", "option \"", name, "\" must be a number: got ",
                 text);
    out.options[name] = value.get<double>();
  }
  return out;
}

double Architecture::number(const std::string& name) const {
  const auto it = options.find(name);
  LACUNA_CHECK(it != options.end(), "backbone", backbone, " needs the option \"", name, '"');
  return it->second;
}

std::int64_t Architecture::integer(const std::string& name) const {
  const double value = number(name);
  LACUNA_CHECK(value == std::floor(value) && value >= 0 && value < 0x1p31, "backbone", backbone,
               " needs a whole number for \"", name, "\": got ", value);
  return static_cast<std::int64_t>(value);
}

void Architecture::check_names(std::initializer_list<const char*> names) const {
  for (const char* name : names) number(name);
  for (const auto& [name, value] : options)
    LACUNA_CHECK(std::find(names.begin(), names.end(), name) != names.end(), "backbone", backbone,
                 " has no option \"", name, '"');
}

std::unique_ptr<Module> make_backbone(const std::string& json) {
  const Architecture architecture = Architecture::from_json(json);
  std::string have;
  for (const auto& [name, make] : kBackbones) {
    if (name == architecture.backbone) return make(architecture);
    have += (have.empty() ? "" : ", ") + std::string(name);
  }
  fail("backbone", "there is no backbone \"", architecture.backbone, "\": there are ", have);
}

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : kBackbones) names.push_back(name);
  return names;
}

}  // namespace lacuna
