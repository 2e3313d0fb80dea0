#include "neighbour_sheet.h"

#include <algorithm>
#include <set>

#include "../core/ops/shape.h"
#include "../datasets/image_io.h"

namespace lacuna::tools {
namespace {

constexpr std::int64_t kColumns = 8, kRows = 10, kFrame = 2, kSide = 64;
constexpr std::uint8_t kGrey[] = {128, 128, 128}, kSame[] = {46, 160, 67},
                       kOther[] = {219, 109, 40};

struct Sheet {
  std::int64_t height, width;
  std::vector<std::uint8_t> pixels;

  Sheet(std::int64_t h, std::int64_t w) : height(h), width(w), pixels(h * w * 3, kGrey[0]) {}
  void fill(std::int64_t top, std::int64_t left, std::int64_t h, std::int64_t w,
            const std::uint8_t* colour) {
    for (std::int64_t y = top; y < top + h; y++)
      for (std::int64_t x = left; x < left + w; x++)
        std::copy(colour, colour + 3, &pixels[(y * width + x) * 3]);
  }
  // The nearest pixels of a picture of any size.
  void draw(std::int64_t top, std::int64_t left, std::int64_t h, std::int64_t w,
            const Tensor& picture) {
    const std::int64_t rows = picture.dim(0), columns = picture.dim(1), c = picture.dim(2);
    const auto values = picture.to_vector<std::uint8_t>();
    for (std::int64_t y = 0; y < h; y++)
      for (std::int64_t x = 0; x < w; x++)
        for (std::int64_t k = 0; k < 3; k++)
          pixels[((top + y) * width + left + x) * 3 + k] =
              values[(y * rows / h * columns + x * columns / w) * c + std::min(k, c - 1)];
  }
};

bool has_pictures(const Source& source) {
  const auto fields = source.fields();
  return std::any_of(fields.begin(), fields.end(), [](const Field& f) {
    return f.name == "image" && f.dtype == Dtype::u8 && f.shape.size() == 3 &&
           (f.shape.back() == 1 || f.shape.back() == 3);
  });
}

struct Sample {
  Tensor picture;
  std::int64_t label;
};
Sample sample_of(const Source& source, std::int64_t id) {
  const Batch batch = read_batch(source, {id});
  return {select(batch["image"], 0, 0), batch["label"].to_vector<std::int64_t>()[0]};
}

}  // namespace

void write_neighbour_sheet(const std::string& path, const Source& train, const Source& test,
                           const Neighbours& neighbours) {
  if (!has_pictures(train) || !has_pictures(test)) return;
  std::vector<std::int64_t> queries;
  std::set<std::int64_t> seen;
  const auto most = std::min<std::int64_t>(kRows, static_cast<std::int64_t>(test.classes().size()));
  for (std::int64_t i = 0;
       i < neighbours.size() && static_cast<std::int64_t>(queries.size()) < most; i++)
    if (seen.insert(sample_of(test, i).label).second) queries.push_back(i);
  if (queries.empty()) return;
  const Tensor first = sample_of(test, queries[0]).picture;
  const std::int64_t zoom = std::max<std::int64_t>(1, kSide / std::max(first.dim(0), first.dim(1)));
  const std::int64_t side[] = {first.dim(0) * zoom, first.dim(1) * zoom};
  const std::int64_t h = side[0] + 4 * kFrame, w = side[1] + 4 * kFrame;
  const std::int64_t columns = std::min(kColumns, neighbours.k);
  Sheet sheet(h * static_cast<std::int64_t>(queries.size()), w * (columns + 1) + w / 4);
  for (std::size_t r = 0; r < queries.size(); r++) {
    const std::int64_t top = static_cast<std::int64_t>(r) * h;
    const Sample query = sample_of(test, queries[r]);
    sheet.draw(top + 2 * kFrame, 2 * kFrame, side[0], side[1], query.picture);
    for (std::int64_t j = 0; j < columns; j++) {
      const Sample near =
          sample_of(train, neighbours.ids[static_cast<std::size_t>(queries[r] * neighbours.k + j)]);
      const std::int64_t left = w + w / 4 + j * w;
      sheet.fill(top + kFrame, left + kFrame, h - 2 * kFrame, w - 2 * kFrame,
                 near.label == query.label ? kSame : kOther);
      sheet.draw(top + 2 * kFrame, left + 2 * kFrame, side[0], side[1], near.picture);
    }
  }
  write_png(path, sheet.pixels, sheet.height, sheet.width, 3);
}

}  // namespace lacuna::tools
