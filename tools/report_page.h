#pragma once
// report.html: one page with everything in it, for a phone as for a desk, light and dark.
#include <string>
#include <vector>

#include "facts.h"
#include "pictures.h"
#include "records.h"
#include "text_samples.h"

namespace lacuna::tools {

struct ReportData {
  std::string name;  // of the run: its folder
  Facts facts;
  Settings settings;
  std::vector<Record> metrics, evaluations;
  std::vector<GridFile> grids;
  std::vector<TextFile> texts;
  std::string attention;  // HTML of attention_section(), or empty
};

std::string report_page(const ReportData& data);

/// Of it: what `lacuna eval finetune` found, the last of each test data.
std::string finetune_section(const std::vector<Record>& evaluations);

}  // namespace lacuna::tools
