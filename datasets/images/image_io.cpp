#include "../image_io.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "../../core/files.h"
#include "codecs.h"

namespace lacuna {
namespace {

constexpr const char* kImageIoOp = "image";

bool begins_with(ByteSpan bytes, std::initializer_list<int> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

std::string what_it_looks_like(ByteSpan bytes) {
  const auto head = bytes.first(std::min<std::size_t>(bytes.size(), 64));
  const bool text = std::all_of(head.begin(), head.end(), [](std::uint8_t b) {
    return b == '\n' || b == '\r' || b == '\t' || (b >= 32 && b < 127);
  });
  if (text) return "text";
  if (begins_with(bytes, {'G', 'I', 'F', '8'})) return "a GIF";
  if (begins_with(bytes, {'B', 'M'})) return "a BMP";
  if (begins_with(bytes, {'R', 'I', 'F', 'F'})) return "a WebP";
  return "neither";
}

Image decode(ByteSpan bytes, const std::string& name, bool header_only) {
  LACUNA_CHECK(!bytes.empty(), kImageIoOp, "must be a PNG or JPEG: got an empty file, ", name);
  const bool png = begins_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'});
  const bool jpeg = begins_with(bytes, {0xff, 0xd8, 0xff});
  LACUNA_CHECK(png || jpeg, kImageIoOp, "must be a PNG or JPEG: got ", what_it_looks_like(bytes),
               " in ", name);
  Image image;
  const std::string complaint =
      png ? decode_png(bytes, header_only, image) : decode_jpeg(bytes, header_only, image);
  LACUNA_CHECK(complaint.empty(), kImageIoOp, png ? "a PNG" : "a JPEG",
               " must be whole and valid: ", complaint, " in ", name);
  return image;
}

// Where one output sample comes from: inputs first, first + 1, ... with these weights, whose sum is 1.
struct Tap {
  std::int64_t first;
  std::vector<float> weights;
};

// Output samples `begin` to `begin + count` of `to` samples that stand for `from` ones.
std::vector<Tap> taps(std::int64_t from, std::int64_t to, std::int64_t begin, std::int64_t count) {
  std::vector<Tap> all;
  const double step = static_cast<double>(from) / static_cast<double>(to);
  for (std::int64_t i = begin; i < begin + count; i++) {
    Tap tap;
    if (step >= 1) {  // the average over [low, high)
      const double low = i * step, high = std::min((i + 1) * step, static_cast<double>(from));
      tap.first = static_cast<std::int64_t>(low);
      for (std::int64_t j = tap.first; j < from && j < high; j++)
        tap.weights.push_back(static_cast<float>(
            (std::min(high, j + 1.0) - std::max(low, static_cast<double>(j))) / (high - low)));
    } else {  // between the centres of two neighbours
      const double centre = std::clamp((i + 0.5) * step - 0.5, 0.0, static_cast<double>(from - 1));
      tap.first = static_cast<std::int64_t>(centre);
      const auto t = static_cast<float>(centre - static_cast<double>(tap.first));
      tap.weights = {1 - t};
      if (tap.first + 1 < from) tap.weights.push_back(t);
    }
    all.push_back(std::move(tap));
  }
  return all;
}

std::uint8_t rounded(float v) {
  return static_cast<std::uint8_t>(std::clamp(v, 0.0f, 255.0f) + 0.5f);
}

}  // namespace

std::string size_complaint(std::uint64_t height, std::uint64_t width) {
  constexpr auto kMost = static_cast<std::uint64_t>(kMaxImagePixels);
  if (height > 0 && width > 0 && height <= kMost / width) return "";
  return "it may have 1 to " + std::to_string(kMost) + " pixels and has " + std::to_string(height) +
         " x " + std::to_string(width);
}

Image decode_image(ByteSpan bytes, const std::string& name) { return decode(bytes, name, false); }

ImageHeader decode_image_header(ByteSpan bytes, const std::string& name) {
  const Image image = decode(bytes, name, true);
  return {image.height, image.width, image.channels};
}

Image read_image(const std::string& path) { return decode_image(bytes_of(read_file(path)), path); }

ImageHeader read_image_header(const std::string& path) {
  constexpr std::uint64_t kEnough = 1
                                    << 16;  // but for large profiles or previews before the header
  File file(kImageIoOp, path);
  std::vector<std::uint8_t> bytes(std::min(file.size(), kEnough));
  file.read(bytes.data(), bytes.size());
  try {
    return decode_image_header(bytes, path);
  } catch (const Error&) {
    if (file.size() <= kEnough) throw;
  }
  return decode_image_header(bytes_of(read_file(path)), path);
}

Image with_channels(const Image& image, std::int64_t channels) {
  LACUNA_CHECK(channels == 1 || channels == 3, kImageIoOp, "channels must be 1 or 3: got ",
               channels);
  if (image.channels == channels) return image;
  Image out{image.height, image.width, channels, {}};
  const std::int64_t count = image.height * image.width, from = image.channels;
  const bool alpha = from == 2 || from == 4, colour = from >= 3;
  out.pixels.resize(count * channels);
  for (std::int64_t i = 0; i < count; i++) {
    const std::uint8_t* p = image.pixels.data() + i * from;
    int rgb[3] = {p[0], p[colour ? 1 : 0], p[colour ? 2 : 0]};
    if (alpha)
      for (int& v : rgb) v = (v * p[from - 1] + 255 * (255 - p[from - 1]) + 127) / 255;
    std::uint8_t* o = out.pixels.data() + i * channels;
    if (channels == 1)
      o[0] = static_cast<std::uint8_t>(
          colour ? (299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] + 500) / 1000 : rgb[0]);
    else
      for (int c = 0; c < 3; c++) o[c] = static_cast<std::uint8_t>(rgb[c]);
  }
  return out;
}

Image resize_and_crop(const Image& image, std::int64_t size) {
  LACUNA_CHECK(size >= 1 && size <= kMaxImagePixels / size, kImageIoOp,
               "size must be 1 to 8192: got ", size);
  const std::int64_t h = image.height, w = image.width, c = image.channels,
                     shorter = std::min(h, w);
  const std::int64_t tall = (h * size + shorter / 2) / shorter;
  const std::int64_t wide = (w * size + shorter / 2) / shorter;
  const auto rows = taps(h, tall, (tall - size) / 2, size);
  const auto columns = taps(w, wide, (wide - size) / 2, size);
  Image out{size, size, c, std::vector<std::uint8_t>(size * size * c)};
  std::vector<float> line(w * c);  // one output row before its columns are summed
  for (std::int64_t y = 0; y < size; y++) {
    std::fill(line.begin(), line.end(), 0.0f);
    for (std::size_t k = 0; k < rows[y].weights.size(); k++) {
      const std::uint8_t* from = image.pixels.data() + (rows[y].first + k) * w * c;
      for (std::int64_t i = 0; i < w * c; i++) line[i] += rows[y].weights[k] * from[i];
    }
    for (std::int64_t x = 0; x < size; x++)
      for (std::int64_t channel = 0; channel < c; channel++) {
        float sum = 0;
        for (std::size_t k = 0; k < columns[x].weights.size(); k++)
          sum += columns[x].weights[k] * line[(columns[x].first + k) * c + channel];
        out.pixels[(y * size + x) * c + channel] = rounded(sum);
      }
  }
  return out;
}

void write_png(const std::string& path, std::span<const std::uint8_t> pixels, std::int64_t height,
               std::int64_t width, std::int64_t channels) {
  const auto bytes = encode_png(pixels, height, width, channels);
  write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace lacuna
