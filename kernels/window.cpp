#include "window.h"

#include "error.h"

namespace lacuna {

void check_window(const char* op, const Window2d& w) {
  LACUNA_CHECK(w.stride[0] >= 1 && w.stride[1] >= 1, op, "stride must be at least 1: got stride (",
               w.stride[0], ", ", w.stride[1], ")");
  LACUNA_CHECK(w.padding[0] >= 0 && w.padding[1] >= 0, op,
               "padding must be at least 0: got padding (", w.padding[0], ", ", w.padding[1], ")");
  LACUNA_CHECK(w.dilation[0] >= 1 && w.dilation[1] >= 1, op,
               "dilation must be at least 1: got dilation (", w.dilation[0], ", ", w.dilation[1],
               ")");
}

}  // namespace lacuna
