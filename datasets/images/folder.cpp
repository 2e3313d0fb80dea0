// A folder of PNG and JPEG files, a folder a class, or flat.
#include <filesystem>

#include "files.h"

namespace lacuna {

namespace fs = std::filesystem;

std::unique_ptr<Source> open_image_folder(const std::string& place,
                                          const ImageFolderOptions& options) {
  constexpr const char* kOp = "images";
  std::error_code error;
  LACUNA_CHECK(fs::is_directory(place, error), kOp, "must be a folder: got ", place);
  ImageFiles all;
  all.name = "images:" + place;
  all.files = images_in(place);
  for (const auto& folder : folders_in(place)) {
    const auto images = images_in(folder);
    if (images.empty()) continue;  // not a class
    all.files.insert(all.files.end(), images.begin(), images.end());
    all.labels.insert(all.labels.end(), images.size(),
                      static_cast<std::int64_t>(all.classes.size()));
    all.classes.push_back(fs::path(folder).filename().string());
  }
  LACUNA_CHECK(
      !all.files.empty(), kOp,
      "needs .png, .jpg or .jpeg files, in the folder or in one folder a class: found none in ",
      place);
  LACUNA_CHECK(all.labels.empty() || all.labels.size() == all.files.size(), kOp,
               "images lie in the folder or in one folder a class, not both: got ",
               all.files.size() - all.labels.size(), " in ", place, " itself and ",
               all.labels.size(), " in folders under it, such as ",
               all.classes.empty() ? "" : all.classes[0]);
  return open_image_files(std::move(all), options);
}

}  // namespace lacuna
