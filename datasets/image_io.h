#pragma once
// PNG and JPEG, from bytes and to bytes. 8 bits a channel, (H, W, C) row-major.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lacuna {

struct Image {
  std::int64_t height = 0, width = 0;
  std::int64_t channels = 0;  // 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha
  std::vector<std::uint8_t> pixels;
};

/// Height, width and channels without the pixels, which are not decoded.
struct ImageHeader {
  std::int64_t height = 0, width = 0, channels = 0;
};

/// Larger images are refused before their pixels are unpacked.
inline constexpr std::int64_t kMaxImagePixels = std::int64_t{1} << 26;

/// A PNG (any bit depth, palette, interlaced; 16 bits are scaled to 8) or a baseline or progressive JPEG (grey or
/// colour), known by its first bytes. Fails on anything else, and on damaged or truncated data; `name` is what errors
/// call it. Gamma, colour profiles and EXIF orientation are not applied.
Image decode_image(std::span<const std::uint8_t> bytes, const std::string& name);
ImageHeader decode_image_header(std::span<const std::uint8_t> bytes, const std::string& name);
Image read_image(const std::string& path);
ImageHeader read_image_header(const std::string& path);

/// The image with 1 or 3 channels: alpha is laid over white, grey is repeated, colour becomes luma
/// (0.299 R + 0.587 G + 0.114 B, ITU-R BT.601).
Image with_channels(const Image& image, std::int64_t channels);

/// Scaled so that the shorter side is `size`, then the middle `size` x `size` of it: area averages where it shrinks,
/// bilinear where it grows. No alpha.
Image resize_and_crop(const Image& image, std::int64_t size);

/// PNG bytes of 1, 3 or 4 channels; `pixels` are height * width * channels.
std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t> pixels, std::int64_t height,
                                     std::int64_t width, std::int64_t channels);

/// Writes the PNG to a temporary file beside `path` and renames it: `path` is either what it was or whole.
void write_png(const std::string& path, std::span<const std::uint8_t> pixels, std::int64_t height,
               std::int64_t width, std::int64_t channels);

}  // namespace lacuna
