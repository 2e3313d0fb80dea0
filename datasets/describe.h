#pragma once
// What is in a data set, and what is wrong with it: `lacuna data describe SPEC`. One pass over all of it, on all
// threads.
#include <string>
#include <utility>
#include <vector>

#include "../core/batch.h"

namespace lacuna {

/// Of one channel over all samples; of an image (H, W, C) that is one index of C.
struct ChannelSummary {
  double min = 0, max = 0, mean = 0, std = 0;  // std divides by the number of values
};

struct FieldSummary {
  std::string name;
  Dtype dtype = Dtype::u8;
  Shape shape;
  std::vector<ChannelSummary> channels;  // one in all where there are more than 16
};

struct SourceSummary {
  std::string name;
  std::int64_t samples = 0;
  std::vector<FieldSummary> fields;
  std::vector<std::pair<std::string, std::int64_t>>
      labels;  // class and its samples, in order of the label's value
  std::vector<std::pair<std::int64_t, std::int64_t>>
      duplicates;                      // sample, and the first one with the same image
  std::vector<std::int64_t> constant;  // samples whose image is one colour
  std::vector<std::string> problems;   // a sentence each
};

SourceSummary summarize(const Source& source);

std::string to_text(const SourceSummary& summary);
/// One object: name, samples, fields, labels, duplicates, constant, problems.
std::string to_json(const SourceSummary& summary);

}  // namespace lacuna
