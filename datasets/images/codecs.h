#pragma once
// The two decoders behind image_io.h. Each sets header, and pixels where `header_only` is false; both return what is
// wrong, or an empty text. libpng and libjpeg report errors by longjmp, so nothing in their frames has a destructor.
#include "../image_io.h"
#include "bytes.h"

namespace lacuna {

std::string decode_png(ByteSpan bytes, bool header_only, Image& image);
std::string decode_jpeg(ByteSpan bytes, bool header_only, Image& image);

/// What is wrong with an image of this size, or an empty text.
std::string size_complaint(std::uint64_t height, std::uint64_t width);

}  // namespace lacuna
