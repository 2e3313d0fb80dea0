#include "idx.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "../../core/files.h"
#include "sources.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kIdxOp = "idx";

class IdxImages : public Source {
 public:
  IdxImages(Idx images, Idx labels, std::string name)
      : images_(std::move(images)), labels_(std::move(labels)), name_(std::move(name)) {
    if (!labels_.values.empty())
      classes_ = 1 + *std::max_element(labels_.values.begin(), labels_.values.end());
  }
  std::int64_t size() const override { return images_.shape[0]; }
  std::vector<Field> fields() const override {
    return {{"image", Dtype::u8, {images_.shape[1], images_.shape[2], 1}},
            {"label", Dtype::i64, {}}};
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), kIdxOp, "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", name_);
    const std::int64_t bytes = images_.shape[1] * images_.shape[2];
    std::memcpy(out[0], images_.values.data() + index * bytes, bytes);
    const std::int64_t label = labels_.values[index];
    std::memcpy(out[1], &label, sizeof label);
  }
  std::vector<std::string> classes() const override {
    std::vector<std::string> names;
    for (int i = 0; i < classes_; i++) names.push_back(std::to_string(i));
    return names;
  }
  std::string name() const override { return name_; }

 private:
  Idx images_, labels_;
  int classes_ = 0;
  std::string name_;
};

// The plain file, or else the .gz.
std::string find(const std::string& place, const std::string& file) {
  for (const char* ending : {"", ".gz"}) {
    const fs::path path = fs::path(place) / (file + ending);
    std::error_code error;
    if (fs::exists(path, error)) return path.string();
  }
  fail(kIdxOp, "needs ", file, " or ", file, ".gz: found neither in ", place);
}

}  // namespace

Idx parse_idx(ByteSpan file, int ndim, const std::string& name) {
  constexpr std::uint64_t kMost = std::uint64_t{2} << 30;
  std::vector<std::uint8_t> unpacked;
  if (is_gzip(file)) file = unpacked = gunzip(kIdxOp, name, file, kMost);
  const std::size_t header = 4 + 4 * static_cast<std::size_t>(ndim);
  LACUNA_CHECK(file.size() >= 4, kIdxOp,
               "a file begins with four bytes 00 00 08 and its dimensions: got ", file.size(),
               " bytes in ", name);
  LACUNA_CHECK(file[0] == 0 && file[1] == 0 && file[2] == 8, kIdxOp,
               "a file begins with 00 00 08 (unsigned bytes): got ", static_cast<int>(file[0]), ' ',
               static_cast<int>(file[1]), ' ', static_cast<int>(file[2]), " in ", name);
  LACUNA_CHECK(file[3] == ndim, kIdxOp, "must have ", ndim,
               ndim == 1 ? " dimension" : " dimensions", ": got ", static_cast<int>(file[3]),
               " in ", name);
  LACUNA_CHECK(file.size() >= header, kIdxOp, "the header has ", header, " bytes: got ",
               file.size(), " bytes in ", name);
  Idx idx;
  std::uint64_t count = 1;
  for (std::size_t at = 4; at < header; at += 4) {
    const std::uint32_t size = std::uint32_t{file[at]} << 24 | std::uint32_t{file[at + 1]} << 16 |
                               std::uint32_t{file[at + 2]} << 8 | std::uint32_t{file[at + 3]};
    idx.shape.push_back(size);
    LACUNA_CHECK(size > 0, kIdxOp, "sizes must be at least 1: got 0 for dimension ",
                 idx.shape.size() - 1, " in ", name);
    count =
        count > kMost ? count : count * size;  // two factors below 2^32 and 2^33 do not overflow
  }
  LACUNA_CHECK(file.size() - header == count, kIdxOp, "the header promises ", count,
               " values: got ", file.size() - header, " in ", name);
  idx.values.assign(file.begin() + static_cast<std::ptrdiff_t>(header), file.end());
  return idx;
}

std::unique_ptr<Source> open_idx(const std::string& place, bool train) {
  std::error_code error;
  LACUNA_CHECK(fs::is_directory(place, error), kIdxOp, "must be a folder: got ", place);
  const std::string stem = train ? "train" : "t10k";
  const std::string images_file = find(place, stem + "-images-idx3-ubyte");
  const std::string labels_file = find(place, stem + "-labels-idx1-ubyte");
  Idx images = parse_idx(bytes_of(read_file(images_file)), 3, images_file);
  Idx labels = parse_idx(bytes_of(read_file(labels_file)), 1, labels_file);
  LACUNA_CHECK(images.shape[0] == labels.shape[0], kIdxOp, "each image has one label: got ",
               images.shape[0], " in ", images_file, " and ", labels.shape[0], " in ", labels_file);
  return std::make_unique<IdxImages>(std::move(images), std::move(labels),
                                     "idx:" + place + (train ? " (train)" : " (test)"));
}

}  // namespace lacuna
