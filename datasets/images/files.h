#pragma once
// Pictures in files, for open_image_folder() and open_bags().
#include <string>
#include <vector>

#include "sources.h"

namespace lacuna {

struct ImageFiles {
  std::vector<std::string> files;
  std::vector<std::int64_t> labels;  // of each file; empty: none
  std::vector<std::string> classes;
  std::string name;  // of the Source
};

/// "image", and "label" where there are labels. Sizes and colours are read from the headers at once, so that what does not fit is
/// known before training; pixels when a sample is asked for.
std::unique_ptr<Source> open_image_files(ImageFiles files, const ImageFolderOptions& options);

/// Paths of what lies in a folder, in order of names: PNG and JPEG files, or folders. Hidden ones are left out.
std::vector<std::string> images_in(const std::string& folder);
std::vector<std::string> folders_in(const std::string& folder);

}  // namespace lacuna
