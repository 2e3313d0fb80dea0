#pragma once
// What each head of a text model looks at in a sentence, as a part of the report.
#include <string>

#include "run_folder.h"

namespace lacuna::tools {

/// One map a head: a row for each token that looks, a column for each that is looked at; the darker, the larger the share.
/// Error where the run's task is not one of text, or the sentence is longer than its model takes.
std::string attention_section(const RunFolder& folder, const RunConfig& config,
                              const std::string& sentence);

}  // namespace lacuna::tools
