#pragma once
// What the two files of InfoNCE on cpu have in common.
#include "../info_nce.h"

namespace lacuna::cpu {

/// Row i's own column, or one that does not exist.
inline std::int64_t own_column(std::int64_t self, std::int64_t i) {
  return self < 0 ? -1 : self + i;
}

/// f64, by plain loops.
void info_nce_forward_plain(const InfoNceForward& a);
void info_nce_backward_plain(const InfoNceBackward& a, InfoNceSide side);

}  // namespace lacuna::cpu
