#pragma once
// The keys of ssl/augmentation.h as options of a command: --crop, --interpolation, --flip, --colour, --rotate, --grey,
// --blur, --solarise and --cutout.
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "../ssl/augmentation.h"
#include "options.h"
#include "records.h"

namespace lacuna::tools {

class ViewOptions {
 public:
  void declare(Options& options);
  /// The first of them that is given; "" where none is.
  std::string given() const;
  /// For views of `side`; 0: as large as the picture. Errors: a value that is none, or outside its limits.
  Augmentation augmentation(std::int64_t side);
  /// {"crop": 0.08, ...}, for eval.jsonl.
  nlohmann::ordered_json to_json() const;
  /// What happens to a view, for people: "crop 0.08, flip 0.5".
  std::string in_words() const;

 private:
  Settings settings_;
  std::map<std::string, std::string> values_;  // as given, or empty
};

/// The same of a line of eval.jsonl, under "views"; "" where it has none.
std::string views_in_words(const Record& record);

}  // namespace lacuna::tools
