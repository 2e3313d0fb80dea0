#pragma once
// A picture of what a representation takes for alike.
#include <string>

#include "../core/batch.h"
#include "../ssl/knn.h"

namespace lacuna::tools {

/// Writes a PNG with a row for the first test picture of each of up to ten classes, and to the right of it the eight training
/// pictures that are nearest to it, nearest first, framed in green where they are of its class and in orange where not. Nothing
/// where the data has no pictures.
void write_neighbour_sheet(const std::string& path, const Source& train, const Source& test,
                           const Neighbours& neighbours);

}  // namespace lacuna::tools
