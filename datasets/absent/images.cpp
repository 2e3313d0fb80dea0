// Stands in for lacuna::images in a build without it.
#include "../image_io.h"
#include "../images/sources.h"

namespace lacuna {

[[noreturn]] static void absent(const char* what) {
  fail("data", what, " is not in this build, which was configured with LACUNA_IMAGES=OFF");
}
std::unique_ptr<Source> open_cifar10(const std::string&, bool) { absent("cifar10:"); }
std::unique_ptr<Source> open_idx(const std::string&, bool) { absent("idx:"); }
std::unique_ptr<Source> open_image_folder(const std::string&, const ImageFolderOptions&) {
  absent("images:");
}
BagFiles open_bag_files(const std::string&, const ImageFolderOptions&, bool, double) {
  absent("bags:");
}

Image decode_image(std::span<const std::uint8_t>, const std::string&) { absent("reading images"); }
ImageHeader decode_image_header(std::span<const std::uint8_t>, const std::string&) {
  absent("reading images");
}
Image read_image(const std::string&) { absent("reading images"); }
ImageHeader read_image_header(const std::string&) { absent("reading images"); }
Image with_channels(const Image&, std::int64_t) { absent("reading images"); }
Image resize_and_crop(const Image&, std::int64_t) { absent("reading images"); }
std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t>, std::int64_t, std::int64_t,
                                     std::int64_t) {
  absent("writing PNG");
}
void write_png(const std::string&, std::span<const std::uint8_t>, std::int64_t, std::int64_t,
               std::int64_t) {
  absent("writing PNG");
}

}  // namespace lacuna
