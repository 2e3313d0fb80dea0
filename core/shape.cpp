#include "shape.h"

#include <algorithm>

namespace lacuna {

Shape broadcast(const char* op, const Shape& a, const Shape& b) {
  const int n = std::max(a.size(), b.size());
  Shape out;
  for (int i = 0; i < n; i++) {
    const int ia = i - (n - a.size()), ib = i - (n - b.size());
    const std::int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    LACUNA_CHECK(da == db || da == 1 || db == 1, op,
                 "shapes must be equal or broadcast (sizes equal, or one of them 1): got ", a,
                 " and ", b);
    out.push_back(da == 1 ? db : da);
  }
  return out;
}

int wrap_dim(const char* op, int d, int n) {
  LACUNA_CHECK(d >= -n && d < n, op, "dimension ", d, " is out of range for a tensor of ", n,
               " dimensions");
  return d < 0 ? d + n : d;
}

}  // namespace lacuna
