#pragma once
// Twin of cuda/device/tma.cuh: see ../async.h for when copies happen. A map is the region itself.
#include "../async.h"
#include "mbarrier.cuh"

#define __grid_constant__

namespace lacuna::emu {

using TensorMap = TensorRegion;

inline TensorMap encode(const TensorRegion& region) {
  check_region(region);
  return region;
}

inline void prefetch_map(const TensorMap&) {}

/// A map and the line that used it: behind a list of coordinates there is no place for a default argument.
struct MapHere {
  const TensorMap& map;
  Site site;
  MapHere(const TensorMap& m, Site at = Site::here()) : map(m), site(at) {}
  template <class... At>
  detail::BoxCopy box(At... at) const {
    if (map.im2col) detail::kernel_error("a tiled copy by an im2col map");
    if (map.rank != sizeof...(at))
      detail::kernel_error("a tensor copy with " + std::to_string(sizeof...(at)) +
                           " coordinates in a region of " + std::to_string(map.rank) +
                           " dimensions");
    return {map, {static_cast<int>(at)...}, {}};
  }
};

template <class... At>
void load_box(void* to, MapHere map, Mbarrier& done, At... at) {
  detail::load_box(to, map.box(at...), done.bits, map.site);
}
inline void load_pixels(void* to, const TensorMap& map, Mbarrier& done, int c, int w, int h, int n,
                        int tap_w, int tap_h, Site at = Site::here()) {
  if (!map.im2col) detail::kernel_error("a copy of pixels by a tiled map");
  const int base[] = {w, h};
  for (int axis = 0; axis < 2; axis++) {
    const std::int64_t from_lower = base[axis] - map.lower[axis];
    if (from_lower < 0 || from_lower % map.step[axis] != 0 ||
        base[axis] >= map.shape[1 + axis] + map.upper[axis])
      detail::kernel_error("pixels begin at (w, h) = (" + std::to_string(w) + ", " +
                           std::to_string(h) + "), which is no base of the map");
  }
  detail::load_box(to, {map, {c, w, h, n}, {tap_w, tap_h}}, done.bits, at);
}
template <class... At>
void store_box(MapHere map, const void* from, At... at) {
  detail::store_box(from, map.box(at...), map.site);
}

inline void commit_stores(Site at = Site::here()) { detail::commit_stores(at); }
template <int kPending>
void wait_stores_read(Site at = Site::here()) {
  detail::wait_stores(kPending, true, at);
}
template <int kPending>
void wait_stores(Site at = Site::here()) {
  detail::wait_stores(kPending, false, at);
}

}  // namespace lacuna::emu
