// A PNG or JPEG file.
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "../../datasets/image_io.h"
#include "../../kernels/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lacuna;
  try {
    const ImageHeader header = decode_image_header({data, size}, "input");
    if (header.height * header.width > 1 << 16) return -1;  // valid, but slow
    const Image image = decode_image({data, size}, "input");
    if (image.height != header.height || image.width != header.width ||
        image.channels != header.channels ||
        image.pixels.size() !=
            static_cast<std::size_t>(image.height * image.width * image.channels))
      __builtin_trap();
    resize_and_crop(with_channels(image, 3), 8);
    with_channels(image, 1);
  } catch (const Error&) {
  }
  return 0;
}

#if defined(LACUNA_FUZZ)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

// PNG chunks whose checksums are wrong are refused before they are looked at, so most of the time they are put right.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  size = LLVMFuzzerMutate(data, size, most);
  if (seed % 8 == 0 || size < 8 || std::memcmp(data, "\x89PNG", 4) != 0) return size;
  for (std::size_t at = 8; at + 12 <= size;) {
    std::size_t length = 0;
    for (int i = 0; i < 4; i++) length = length << 8 | data[at + i];
    if (length > size - at - 12) break;
    const auto crc =
        static_cast<std::uint32_t>(crc32(0, data + at + 4, static_cast<unsigned>(length + 4)));
    for (int i = 0; i < 4; i++)
      data[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += length + 12;
  }
  return size;
}
#endif
