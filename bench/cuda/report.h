#pragma once
// Results as JSON, and the table that is made of it.
#include <nlohmann/json.hpp>
#include <string>

#include "cases.h"

namespace lacuna::bench {

using Json = nlohmann::ordered_json;

/// What a case is: bench/torch_kernels.py reads nothing else.
Json describe(const Case&);
/// `entry` is describe()'s, to which the result is added.
void add(Json& entry, const Result&);

/// Adds the timings in `torch` (a list of {name, timings}) to the results of the same name. Throws where there is no such case
/// in `known`, whose shapes would be out of step.
void merge(Json& results, const Json& torch, const Json& known);

/// A line a baseline, or one where there is none.
std::string rows(const Json& entry);
std::string table(const Json& results);

}  // namespace lacuna::bench
