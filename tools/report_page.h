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
  std::string neighbours;  // bytes of neighbours.png, or empty
  std::string map;         // HTML of map_section(), or empty
  std::string attention;   // HTML of attention_section(), or empty
};

std::string report_page(const ReportData& data);

/// Of it: what `lacuna eval finetune` found, the last of each test data.
std::string finetune_section(const std::vector<Record>& evaluations);
/// What eval knn and linear found, the last of each test data, with the confusion of the last; and the sheet of neighbours.
std::string probe_section(const std::vector<Record>& evaluations, const std::string& neighbours);
/// The maps of map.json; empty where `json` is. Error where it is damaged.
std::string map_section(const std::string& json, const std::string& path);

}  // namespace lacuna::tools
