#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two above
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>

#include "codecs.h"

namespace lacuna {
namespace {

// A progressive file may ask for any number of scans, each a pass over all pixels.
constexpr int kMaxScans = 200;

struct ErrorManager {
  jpeg_error_mgr base;
  jmp_buf jump;
  jpeg_progress_mgr progress;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void stop(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  if (!errors->message[0]) info->err->format_message(info, errors->message);
  longjmp(errors->jump, 1);
}

// libjpeg only warns where data is missing or damaged, and fills in grey; an image of a data set must be whole.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  const int code = info->err->msg_code;
  if (code == JWRN_EXTRANEOUS_DATA || code == JWRN_ADOBE_XFORM || code == JWRN_JFIF_MAJOR) return;
  if (code == JWRN_JPEG_EOF)
    std::snprintf(reinterpret_cast<ErrorManager*>(info->err)->message, JMSG_LENGTH_MAX,
                  "it ends too early");
  stop(info);
}

void on_progress(j_common_ptr info) {
  if (info->is_decompressor &&
      reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > kMaxScans) {
    std::snprintf(reinterpret_cast<ErrorManager*>(info->err)->message, JMSG_LENGTH_MAX,
                  "it has more than %d scans", kMaxScans);
    stop(info);
  }
}

// Between the setjmp and here only plain values live.
bool decode(jpeg_decompress_struct& info, ErrorManager& errors, ByteSpan bytes, bool header_only,
            Image& image, std::string& complaint) {
  if (setjmp(errors.jump)) return false;
  jpeg_create_decompress(&info);
  errors.progress.progress_monitor = on_progress;
  info.progress = &errors.progress;
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  image.height = info.image_height;
  image.width = info.image_width;
  const bool grey = info.jpeg_color_space == JCS_GRAYSCALE;
  image.channels = grey ? 1 : 3;
  if (info.num_components != 1 && info.num_components != 3)
    complaint = "only grey and RGB JPEGs are read, it has " + std::to_string(info.num_components) +
                " components";
  else
    complaint = size_complaint(info.image_height, info.image_width);
  if (header_only || !complaint.empty()) return true;
  info.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(&info);
  const std::size_t stride = static_cast<std::size_t>(image.width * image.channels);
  image.pixels.resize(stride * image.height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = image.pixels.data() + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

}  // namespace

std::string decode_jpeg(ByteSpan bytes, bool header_only, Image& image) {
  ErrorManager errors{};
  struct Decoder {
    jpeg_decompress_struct info{};
    ~Decoder() { jpeg_destroy_decompress(&info); }
  } d;
  d.info.err = jpeg_std_error(&errors.base);
  errors.base.error_exit = stop;
  errors.base.emit_message = on_message;
  std::string complaint;
  if (!decode(d.info, errors, bytes, header_only, image, complaint)) complaint = errors.message;
  return complaint;
}

}  // namespace lacuna
