#include "files.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <filesystem>

#include "../image_io.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kFilesOp = "images";

bool is_image_name(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return path.filename().string()[0] != '.' &&
         (ending == ".png" || ending == ".jpg" || ending == ".jpeg");
}

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
  LACUNA_CHECK(!error, kFilesOp, "the folder must be readable: ", folder.string(), ": ",
               error.message());
  std::sort(names.begin(), names.end());
  return names;
}

class ImageFileSource : public Source {
 public:
  ImageFileSource(ImageFiles files, const ImageFolderOptions& options)
      : all_(std::move(files)), options_(options) {
    read_headers();
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(all_.files.size()); }
  std::vector<Field> fields() const override {
    std::vector<Field> f = {{"image", Dtype::u8, {height_, width_, options_.channels}}};
    if (!all_.labels.empty()) f.push_back({"label", Dtype::i64, {}});
    return f;
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), kFilesOp, "sample ids are 0 to ", size() - 1,
                 ": got ", index, " of ", name());
    Image image = with_channels(read_image(all_.files[index]), options_.channels);
    if (options_.size > 0) image = resize_and_crop(image, options_.size);
    LACUNA_CHECK(image.height == height_ && image.width == width_, kFilesOp,
                 "a file changed while it was in use: ", all_.files[index]);
    std::memcpy(out[0], image.pixels.data(), image.pixels.size());
    if (!all_.labels.empty()) std::memcpy(out[1], &all_.labels[index], sizeof(std::int64_t));
  }
  std::vector<std::string> classes() const override { return all_.classes; }
  std::string name() const override { return all_.name; }

 private:
  void read_headers() {
    bool all_grey = true;
    std::string first;
    for (const auto& file : all_.files) {
      const ImageHeader header = read_image_header(file);
      all_grey = all_grey && header.channels <= 2;
      if (first.empty()) {
        first = file;
        height_ = header.height;
        width_ = header.width;
      }
      LACUNA_CHECK(options_.size > 0 || (header.height == height_ && header.width == width_),
                   kFilesOp,
                   "all images must have one size (?size=N at the end of the spec resizes them to "
                   "N x N): got ",
                   header.height, " x ", header.width, " in ", file, " and ", height_, " x ",
                   width_, " in ", first);
    }
    if (options_.size > 0) height_ = width_ = options_.size;
    if (options_.channels == 0) options_.channels = all_grey ? 1 : 3;
  }

  ImageFiles all_;
  ImageFolderOptions options_;
  std::int64_t height_ = 0, width_ = 0;
};

}  // namespace

std::unique_ptr<Source> open_image_files(ImageFiles files, const ImageFolderOptions& options) {
  LACUNA_CHECK(options.size >= 0 && options.size <= 8192, kFilesOp, "size must be 1 to 8192: got ",
               options.size);
  LACUNA_CHECK(options.channels == 0 || options.channels == 1 || options.channels == 3, kFilesOp,
               "channels must be 1 or 3: got ", options.channels);
  return std::make_unique<ImageFileSource>(std::move(files), options);
}

std::vector<std::string> images_in(const std::string& folder) { return entries(folder, false); }
std::vector<std::string> folders_in(const std::string& folder) { return entries(folder, true); }

}  // namespace lacuna
