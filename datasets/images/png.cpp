// PNG by libpng's low-level interface: its simplified one applies gamma, and data sets want the values that are stored.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "codecs.h"

namespace lacuna {
namespace {

struct Reader {
  ByteSpan rest;
  char message[200] = "";
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* reader = static_cast<Reader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, text, sizeof reader->message - 1);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep to, png_size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) png_error(png, "it ends too early");
  std::memcpy(to, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

// Between the setjmp and here only plain values live; `image` and `rows` belong to the caller.
bool decode(png_structp png, png_infop info, bool header_only, Image& image,
            std::vector<png_bytep>& rows, std::string& complaint) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);  // ours is on the product
  png_set_chunk_malloc_max(png, 8 << 20);
  png_set_chunk_cache_max(png, 128);
  png_read_info(png, info);
  image.height = png_get_image_height(png, info);
  image.width = png_get_image_width(png, info);
  const int type = png_get_color_type(png, info);
  const bool alpha = (type & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, info, PNG_INFO_tRNS);
  image.channels = (type & PNG_COLOR_MASK_COLOR ? 3 : 1) + alpha;
  complaint = size_complaint(image.height, image.width);
  if (header_only || !complaint.empty()) return true;
  png_set_expand(png);    // palette to RGB, fewer than 8 bits to 8, transparency to alpha
  png_set_scale_16(png);  // rounds, where png_set_strip_16 would cut
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const std::size_t stride = png_get_rowbytes(png, info);
  if (stride != static_cast<std::size_t>(image.width * image.channels))
    png_error(png, "unexpected row size");
  image.pixels.resize(stride * image.height);
  rows.resize(image.height);
  for (std::int64_t y = 0; y < image.height; y++) rows[y] = image.pixels.data() + y * stride;
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  return true;
}

struct Writer {
  std::vector<std::uint8_t>& bytes;
  bool out_of_memory = false;
};

void on_write(png_structp png, png_bytep from, png_size_t count) {
  auto* writer = static_cast<Writer*>(png_get_io_ptr(png));
  try {
    writer->bytes.insert(writer->bytes.end(), from, from + count);
  } catch (...) {  // must not pass through libpng's frames
    writer->out_of_memory = true;
  }
  if (writer->out_of_memory) png_error(png, "out of memory");
}
void on_flush(png_structp) {}

bool encode(png_structp png, png_infop info, const std::uint8_t* pixels, std::int64_t height,
            std::int64_t width, std::int64_t channels) {
  if (setjmp(png_jmpbuf(png))) return false;
  const int type = channels == 1   ? PNG_COLOR_TYPE_GRAY
                   : channels == 3 ? PNG_COLOR_TYPE_RGB
                                   : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(png, info, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
               type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (std::int64_t y = 0; y < height; y++) png_write_row(png, pixels + y * width * channels);
  png_write_end(png, nullptr);
  return true;
}

}  // namespace

std::string decode_png(ByteSpan bytes, bool header_only, Image& image) {
  Reader reader{bytes};
  struct Decoder {
    png_structp png;
    png_infop info;
    ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }
  } d{png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning), nullptr};
  d.info = d.png ? png_create_info_struct(d.png) : nullptr;
  if (!d.info) return "libpng did not start";
  png_set_read_fn(d.png, &reader, on_read);
  std::vector<png_bytep> rows;
  std::string complaint;
  if (!decode(d.png, d.info, header_only, image, rows, complaint)) complaint = reader.message;
  return complaint;
}

std::vector<std::uint8_t> encode_png(std::span<const std::uint8_t> pixels, std::int64_t height,
                                     std::int64_t width, std::int64_t channels) {
  LACUNA_CHECK(channels == 1 || channels == 3 || channels == 4, "write_png",
               "channels must be 1, 3 or 4: got ", channels);
  LACUNA_CHECK(height >= 1 && width >= 1 && height <= 1000000 && width <= 1000000, "write_png",
               "sides must be 1 to 1000000: got ", height, " x ", width);
  LACUNA_CHECK(static_cast<std::int64_t>(pixels.size()) == height * width * channels, "write_png",
               "needs height * width * channels values: got ", pixels.size(), " for ", height,
               " x ", width, " x ", channels);
  Reader errors;
  std::vector<std::uint8_t> bytes;
  Writer writer{bytes};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  bool done = false;
  if (info) {
    png_set_write_fn(png, &writer, on_write, on_flush);
    done = encode(png, info, pixels.data(), height, width, channels);
  }
  png_destroy_write_struct(&png, &info);
  LACUNA_CHECK(done, "write_png", "libpng: ", errors.message);
  return bytes;
}

}  // namespace lacuna
