#include "../../datasets/image_io.h"

#include <cstdio>
// jpeglib.h needs it
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "support.h"

namespace lacuna::test {
namespace {

Bytes noise(std::int64_t n) {
  Bytes bytes(n);
  std::uint32_t state = 1;
  for (auto& b : bytes) b = static_cast<std::uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

/// A PNG of any type by libpng's plain interface; `rows` are packed as the type says.
Bytes png_of(int type, int depth, int width, int height, const Bytes& packed,
             const std::vector<png_color>& palette = {}, const Bytes& palette_alpha = {},
             bool interlaced = false) {
  Bytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep d, png_size_t n) {
        auto* o = static_cast<Bytes*>(png_get_io_ptr(p));
        o->insert(o->end(), d, d + n);
      },
      nullptr);
  png_set_IHDR(png, info, width, height, depth, type, interlaced, 0, 0);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  if (!palette_alpha.empty())
    png_set_tRNS(png, info, palette_alpha.data(), static_cast<int>(palette_alpha.size()), nullptr);
  Bytes copy = packed;
  std::vector<png_bytep> rows;
  for (int y = 0; y < height; y++) rows.push_back(copy.data() + y * (copy.size() / height));
  png_set_rows(png, info, rows.data());
  png_write_png(png, info, 0, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

Bytes jpeg_of(const Bytes& pixels, int width, int height, int channels, bool progressive = false) {
  jpeg_compress_struct c{};
  jpeg_error_mgr errors;
  c.err = jpeg_std_error(&errors);
  jpeg_create_compress(&c);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&c, &memory, &size);
  c.image_width = width;
  c.image_height = height;
  c.input_components = channels;
  c.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&c);
  jpeg_set_quality(&c, 98, TRUE);
  if (progressive) jpeg_simple_progression(&c);
  jpeg_start_compress(&c, TRUE);
  while (c.next_scanline < c.image_height) {
    auto* row = const_cast<JSAMPROW>(pixels.data()) + c.next_scanline * width * channels;
    jpeg_write_scanlines(&c, &row, 1);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  Bytes out(memory, memory + size);
  std::free(memory);
  return out;
}

Bytes smooth(int width, int height, int channels) {
  Bytes p;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < channels; c++)
        p.push_back(static_cast<std::uint8_t>(40 + 5 * x + 3 * y + 20 * c));
  return p;
}

}  // namespace

TEST(image_io, what_is_written_is_read) {
  Folder folder;
  for (int channels : {1, 3, 4}) {
    const Bytes pixels = noise(5 * 7 * channels);
    write_png(folder / "a.png", pixels, 5, 7, channels);
    const Image image = read_image(folder / "a.png");
    EXPECT_EQ(image.height, 5);
    EXPECT_EQ(image.width, 7);
    EXPECT_EQ(image.channels, channels);
    EXPECT_EQ(image.pixels, pixels);
    EXPECT_EQ(decode_image(encode_png(pixels, 5, 7, channels), "memory").pixels, pixels);
    const ImageHeader header = read_image_header(folder / "a.png");
    EXPECT_EQ(header.height * 100 + header.width * 10 + header.channels, 570 + channels);
  }
  int files = 0;  // no temporary file stays
  for (const auto& e : std::filesystem::directory_iterator(folder.path())) files += e.exists();
  EXPECT_EQ(files, 1);
}

TEST(image_io, every_kind_of_png) {
  const auto decoded = [](const Bytes& png) { return decode_image(png, "test.png"); };
  // 16 bits are scaled: 0x1234 is 4660, times 255 / 65535 is 18.13
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_GRAY, 16, 2, 1, {0x12, 0x34, 0xff, 0xff})).pixels,
            (Bytes{18, 255}));
  // 1, 2 and 4 bits of grey fill the range
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_GRAY, 1, 3, 1, {0b10100000})).pixels,
            (Bytes{255, 0, 255}));
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_GRAY, 2, 4, 1, {0b00011011})).pixels,
            (Bytes{0, 85, 170, 255}));
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_GRAY, 4, 2, 1, {0x1f})).pixels, (Bytes{17, 255}));
  // palettes become RGB, with alpha where they have it
  const std::vector<png_color> palette = {{1, 2, 3}, {200, 100, 50}};
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_PALETTE, 8, 2, 1, {1, 0}, palette)).pixels,
            (Bytes{200, 100, 50, 1, 2, 3}));
  const Image clear = decoded(png_of(PNG_COLOR_TYPE_PALETTE, 8, 2, 1, {1, 0}, palette, {0}));
  EXPECT_EQ(clear.channels, 4);
  EXPECT_EQ(clear.pixels, (Bytes{200, 100, 50, 255, 1, 2, 3, 0}));
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_GRAY_ALPHA, 8, 1, 1, {9, 8})).channels, 2);
  // interlaced and not are the same
  const Bytes pixels = noise(33 * 17 * 3);
  EXPECT_EQ(decoded(png_of(PNG_COLOR_TYPE_RGB, 8, 33, 17, pixels, {}, {}, true)).pixels, pixels);
}

TEST(image_io, jpeg_grey_colour_and_progressive) {
  for (int channels : {1, 3})
    for (bool progressive : {false, true}) {
      const Bytes pixels = smooth(20, 13, channels);
      const Image image = decode_image(jpeg_of(pixels, 20, 13, channels, progressive), "test.jpg");
      EXPECT_EQ(image.width, 20);
      EXPECT_EQ(image.height, 13);
      ASSERT_EQ(image.channels, channels);
      for (std::size_t i = 0; i < pixels.size(); i++) EXPECT_NEAR(image.pixels[i], pixels[i], 6);
    }
}

TEST(image_io, channels_are_converted) {
  const Image ga{1, 2, 2, {100, 255, 100, 0}}, rgba{1, 2, 4, {10, 20, 30, 255, 10, 20, 30, 51}};
  EXPECT_EQ(with_channels(ga, 1).pixels, (Bytes{100, 255}));
  EXPECT_EQ(with_channels(ga, 3).pixels, (Bytes{100, 100, 100, 255, 255, 255}));
  EXPECT_EQ(with_channels(rgba, 3).pixels, (Bytes{10, 20, 30, 206, 208, 210}));
  EXPECT_EQ(with_channels({1, 1, 3, {255, 0, 0}}, 1).pixels, (Bytes{76}));
  EXPECT_EQ(error_of([&] { with_channels(ga, 2); }), "[image] channels must be 1 or 3: got 2");
}

TEST(image_io, resizing_averages_areas_or_interpolates) {
  // 4 x 4 to 2 x 2: means of 2 x 2 blocks
  Image x{4, 4, 1, {0, 4, 10, 10, 8, 0, 10, 10, 1, 1, 100, 0, 1, 1, 0, 100}};
  EXPECT_EQ(resize_and_crop(x, 2).pixels, (Bytes{3, 10, 1, 50}));
  EXPECT_EQ(resize_and_crop(x, 4).pixels, x.pixels);
  // 3 to 2: the first is (a + b / 2) / 1.5
  EXPECT_EQ(resize_and_crop({3, 3, 1, {0, 90, 30, 0, 90, 30, 0, 90, 30}}, 2).pixels,
            (Bytes{30, 50, 30, 50}));
  // 2 to 4: quarter points between the centres
  EXPECT_EQ(resize_and_crop({2, 2, 1, {0, 100, 0, 100}}, 4).pixels,
            (Bytes{0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100}));
  // the middle of a wide image stays
  EXPECT_EQ(resize_and_crop({1, 5, 1, {1, 2, 3, 4, 5}}, 1).pixels, (Bytes{3}));
  EXPECT_EQ(resize_and_crop({1, 2, 3, {1, 2, 3, 4, 5, 6}}, 1).pixels, (Bytes{1, 2, 3}));
  EXPECT_EQ(error_of([&] { resize_and_crop(x, 0); }), "[image] size must be 1 to 8192: got 0");
  for (int size : {1, 7, 31, 50})
    EXPECT_EQ(resize_and_crop({37, 53, 3, noise(37 * 53 * 3)}, size).width, size);
}

TEST(image_io, bad_images_are_one_line_that_names_them) {
  const auto read = [](const Bytes& bytes) {
    return error_of([&] { decode_image(bytes, "x.png"); });
  };
  const std::string text = "this is no picture";
  EXPECT_EQ(read({}), "[image] must be a PNG or JPEG: got an empty file, x.png");
  EXPECT_EQ(read(Bytes(text.begin(), text.end())),
            "[image] must be a PNG or JPEG: got text in x.png");
  EXPECT_EQ(read({'G', 'I', 'F', '8', '9', 'a', 0, 0}),
            "[image] must be a PNG or JPEG: got a GIF in x.png");
  EXPECT_EQ(read({1, 2, 3}), "[image] must be a PNG or JPEG: got neither in x.png");

  const Bytes png = encode_png(noise(20 * 20 * 3), 20, 20, 3);
  Bytes cut(png.begin(), png.begin() + 600), flipped = png, bomb = png;
  EXPECT_EQ(read(cut), "[image] a PNG must be whole and valid: it ends too early in x.png");
  EXPECT_EQ(read(Bytes(png.begin(), png.begin() + 8)),
            "[image] a PNG must be whole and valid: it ends too early in x.png");
  flipped[500] ^= 0x10;
  EXPECT_EQ(read(flipped),
            "[image] a PNG must be whole and valid: IDAT: incorrect data check in x.png");
  bomb[16] = bomb[20] = 1;  // sides of 2^24 + 20
  const auto crc = static_cast<std::uint32_t>(crc32(0, bomb.data() + 12, 17));
  for (int i = 0; i < 4; i++) bomb[29 + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
  EXPECT_EQ(read(bomb),
            "[image] a PNG must be whole and valid: it may have 1 to 67108864 pixels and has "
            "16777236 x 16777236 in x.png");

  const Bytes jpeg = jpeg_of(smooth(64, 64, 3), 64, 64, 3);
  EXPECT_EQ(read(Bytes(jpeg.begin(), jpeg.begin() + static_cast<int>(jpeg.size()) - 40)),
            "[image] a JPEG must be whole and valid: it ends too early in x.png");
  EXPECT_EQ(read(Bytes(jpeg.begin(), jpeg.begin() + 10)),
            "[image] a JPEG must be whole and valid: it ends too early in x.png");
  EXPECT_EQ(read(jpeg_of(noise(8 * 8 * 4), 8, 8, 4)),
            "[image] a JPEG must be whole and valid: only grey and RGB JPEGs are read, it has 4 "
            "components in x.png");
  EXPECT_EQ(error_of([] { read_image("/no/such.png"); }),
            "[read] cannot open \"/no/such.png\": No such file or directory");
}

TEST(image_io, writing_fails_without_traces) {
  Folder folder;
  const Bytes pixels(12, 7);
  EXPECT_EQ(
      error_of([&] { write_png(folder / "no/a.png", pixels, 2, 2, 3); }),
      "[write] cannot create \"" + (folder / "no/a.png.tmp") + "\": No such file or directory");
  std::filesystem::create_directories(folder / "dir.png/full");
  EXPECT_EQ(error_of([&] { write_png(folder / "dir.png", pixels, 2, 2, 3); }),
            "[write] cannot write \"" + (folder / "dir.png") + "\": Is a directory");
  EXPECT_EQ(error_of([&] { write_png(folder / "a.png", pixels, 2, 2, 2); }),
            "[write_png] channels must be 1, 3 or 4: got 2");
  EXPECT_EQ(error_of([&] { write_png(folder / "a.png", pixels, 2, 3, 3); }),
            "[write_png] needs height * width * channels values: got 12 for 2 x 3 x 3");
  EXPECT_EQ(error_of([&] { write_png(folder / "a.png", {}, 0, 3, 3); }),
            "[write_png] sides must be 1 to 1000000: got 0 x 3");
  int files = 0;
  for (const auto& e : std::filesystem::directory_iterator(folder.path()))
    files += e.is_regular_file();
  EXPECT_EQ(files, 0);
}

}  // namespace lacuna::test
