#include "pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "../datasets/image_io.h"

namespace lacuna::tools {
namespace {

constexpr std::int64_t kGap = 2;        // pixels between two pictures, before enlarging
constexpr std::uint8_t kGapGrey = 128;  // neither light nor dark mode makes it shout

struct Row {
  std::string name;
  std::vector<Tensor> pictures;
};

std::vector<Row> rows_of(const std::vector<Picture>& pictures) {
  std::vector<Row> rows;
  for (const Picture& p : pictures) {
    auto row =
        std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == p.name; });
    if (row == rows.end()) row = rows.insert(rows.end(), {p.name, {}});
    row->pictures.push_back(p.pixels);
  }
  return rows;
}

}  // namespace

void write_sheet(const std::string& path, const std::vector<std::vector<Tensor>>& rows) {
  std::int64_t height = 0, width = 0, columns = 0;
  for (const auto& row : rows) {
    columns = std::max<std::int64_t>(columns, static_cast<std::int64_t>(row.size()));
    for (const Tensor& p : row) {
      height = std::max(height, p.dim(0));
      width = std::max(width, p.dim(1));
    }
  }
  const std::int64_t zoom = std::max<std::int64_t>(1, 64 / std::max(height, width));
  const std::int64_t cell_h = (height + kGap) * zoom, cell_w = (width + kGap) * zoom;
  const std::int64_t grid_h = cell_h * static_cast<std::int64_t>(rows.size()) - kGap * zoom,
                     grid_w = cell_w * columns - kGap * zoom;
  std::vector<std::uint8_t> grid(grid_h * grid_w * 3, kGapGrey);
  for (std::size_t r = 0; r < rows.size(); r++)
    for (std::size_t c = 0; c < rows[r].size(); c++) {
      const Tensor& p = rows[r][c];
      const std::int64_t h = p.dim(0), w = p.dim(1), channels = p.dim(2);
      const auto pixels = p.to_vector<std::uint8_t>();
      const std::int64_t top = static_cast<std::int64_t>(r) * cell_h,
                         left = static_cast<std::int64_t>(c) * cell_w;
      for (std::int64_t y = 0; y < h * zoom; y++)
        for (std::int64_t x = 0; x < w * zoom; x++)
          for (std::int64_t k = 0; k < 3; k++)
            grid[((top + y) * grid_w + left + x) * 3 + k] =
                pixels[((y / zoom) * w + x / zoom) * channels + std::min(k, channels - 1)];
    }
  write_png(path, grid, grid_h, grid_w, 3);
}

void write_picture_grid(const std::string& folder, std::int64_t step,
                        const std::vector<Picture>& pictures) {
  const std::vector<Row> rows = rows_of(pictures);
  if (rows.empty()) return;
  std::string name = fmt::format("{:08}", step);
  std::vector<std::vector<Tensor>> sheet;
  for (const Row& row : rows) {
    name += "_" + row.name;
    sheet.push_back(row.pictures);
  }
  std::filesystem::create_directories(folder);
  write_sheet(folder + "/" + name + ".png", sheet);
}

std::vector<GridFile> find_picture_grids(const std::string& folder) {
  std::vector<GridFile> grids;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().extension() != ".png") continue;
    const std::string name = entry.path().stem().string();
    GridFile grid{entry.path().string(), 0, {}};
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), grid.step);
    if (error != std::errc()) continue;
    std::size_t at = end - name.data();
    while (at < name.size() && name[at] == '_') {
      const std::size_t next = std::min(name.find('_', at + 1), name.size());
      grid.rows.push_back(name.substr(at + 1, next - at - 1));
      at = next;
    }
    grids.push_back(std::move(grid));
  }
  std::sort(grids.begin(), grids.end(),
            [](const GridFile& a, const GridFile& b) { return a.step < b.step; });
  return grids;
}

}  // namespace lacuna::tools
