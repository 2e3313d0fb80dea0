// A folder of PNG and JPEG files. Sizes and colours are read from the headers when it is opened, so that what does
// not fit is known before training; pixels when a sample is asked for.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "../image_io.h"
#include "bytes.h"
#include "sources.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kOp = "images";

bool is_image_name(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return path.filename().string()[0] != '.' &&
         (ending == ".png" || ending == ".jpg" || ending == ".jpeg");
}

// What is in a folder, in order of names: images, or folders.
std::vector<std::string> entries(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const bool fits = folders
                          ? it->is_directory(ignored) && it->path().filename().string()[0] != '.'
                          : is_image_name(it->path()) && !it->is_directory(ignored);
    if (fits) names.push_back(it->path().string());
  }
  LACUNA_CHECK(!error, kOp, "the folder must be readable: ", folder.string(), ": ",
               error.message());
  std::sort(names.begin(), names.end());
  return names;
}

class ImageFolder : public Source {
 public:
  ImageFolder(const std::string& place, const ImageFolderOptions& options)
      : options_(options), name_("images:" + place) {
    files_ = entries(place, false);
    const std::vector<std::string> folders = entries(place, true);
    for (const auto& folder : folders) {
      const auto images = entries(folder, false);
      if (images.empty()) continue;  // not a class
      files_.insert(files_.end(), images.begin(), images.end());
      labels_.insert(labels_.end(), images.size(), static_cast<std::int64_t>(classes_.size()));
      classes_.push_back(fs::path(folder).filename().string());
    }
    LACUNA_CHECK(
        !files_.empty(), kOp,
        "needs .png, .jpg or .jpeg files, in the folder or in one folder a class: found none in ",
        place);
    LACUNA_CHECK(labels_.empty() || labels_.size() == files_.size(), kOp,
                 "images lie in the folder or in one folder a class, not both: got ",
                 files_.size() - labels_.size(), " in ", place, " itself and ", labels_.size(),
                 " in folders under it, such as ", classes_.empty() ? "" : classes_[0]);
    read_headers();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  std::vector<Field> fields() const override {
    std::vector<Field> f = {{"image", Dtype::u8, {height_, width_, options_.channels}}};
    if (!labels_.empty()) f.push_back({"label", Dtype::i64, {}});
    return f;
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), kOp, "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", name_);
    Image image = with_channels(read_image(files_[index]), options_.channels);
    if (options_.size > 0) image = resize_and_crop(image, options_.size);
    LACUNA_CHECK(image.height == height_ && image.width == width_, kOp,
                 "a file changed while it was in use: ", files_[index]);
    std::memcpy(out[0], image.pixels.data(), image.pixels.size());
    if (!labels_.empty()) std::memcpy(out[1], &labels_[index], sizeof labels_[index]);
  }
  std::vector<std::string> classes() const override { return classes_; }
  std::string name() const override { return name_; }

 private:
  void read_headers() {
    bool all_grey = true;
    std::string first;
    for (const auto& file : files_) {
      const ImageHeader header = read_image_header(file);
      all_grey = all_grey && header.channels <= 2;
      if (first.empty()) {
        first = file;
        height_ = header.height;
        width_ = header.width;
      }
      LACUNA_CHECK(options_.size > 0 || (header.height == height_ && header.width == width_), kOp,
                   "all images must have one size (?size=N at the end of the spec resizes them to "
                   "N x N): got ",
                   header.height, " x ", header.width, " in ", file, " and ", height_, " x ",
                   width_, " in ", first);
    }
    if (options_.size > 0) height_ = width_ = options_.size;
    if (options_.channels == 0) options_.channels = all_grey ? 1 : 3;
  }

  ImageFolderOptions options_;
  std::string name_;
  std::vector<std::string> files_, classes_;
  std::vector<std::int64_t> labels_;
  std::int64_t height_ = 0, width_ = 0;
};

}  // namespace

std::unique_ptr<Source> open_image_folder(const std::string& place,
                                          const ImageFolderOptions& options) {
  std::error_code error;
  LACUNA_CHECK(fs::is_directory(place, error), kOp, "must be a folder: got ", place);
  LACUNA_CHECK(options.size >= 0 && options.size <= 8192, kOp, "size must be 1 to 8192: got ",
               options.size);
  LACUNA_CHECK(options.channels == 0 || options.channels == 1 || options.channels == 3, kOp,
               "channels must be 1 or 3: got ", options.channels);
  return std::make_unique<ImageFolder>(place, options);
}

}  // namespace lacuna
