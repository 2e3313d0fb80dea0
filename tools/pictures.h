#pragma once
// Pictures for people: a grid with a row for each name and a column a sample, as one PNG whose file name says what the
// rows are: 000782_original_masked_reconstructed.png.
#include <string>
#include <vector>

#include "../ssl/task.h"

namespace lacuna::tools {

/// Writes rows of pictures (h, w, 1 or 3) u8 as one PNG, enlarging small ones by a whole factor. At least one picture.
void write_sheet(const std::string& path, const std::vector<std::vector<Tensor>>& rows);

/// Writes FOLDER/<step>_<row>_<row>.png, enlarging small pictures by a whole factor. Nothing where there are none.
void write_picture_grid(const std::string& folder, std::int64_t step,
                        const std::vector<Picture>& pictures);

struct GridFile {
  std::string path;
  std::int64_t step = 0;
  std::vector<std::string> rows;
};

/// The grids in a folder, by step; empty where there is no such folder.
std::vector<GridFile> find_picture_grids(const std::string& folder);

}  // namespace lacuna::tools
