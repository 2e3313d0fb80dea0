#pragma once
// What a file of results says of the machine that they were measured on.
#include <nlohmann/json.hpp>
#include <string>

#include "cases.h"

namespace lacuna::bench {

/// The device, its driver and libraries, and the ceilings.
nlohmann::ordered_json facts(const Roof& roof);

/// The ceilings out of a file of results, as facts() wrote them.
Roof roof_of(const std::string& json);

/// As printf writes it.
std::string number(double v, const char* format);

}  // namespace lacuna::bench
