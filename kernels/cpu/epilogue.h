#pragma once
// The epilogue of plain loops.
#include <cmath>

#include "../epilogue.h"

namespace lacuna::cpu {

template <class T>
T apply(Epilogue epilogue, T v) {
  switch (epilogue) {
    case Epilogue::none:
      return v;
    case Epilogue::relu:
      return v < 0 ? T{0} : v;  // NaN stays NaN
    case Epilogue::sigmoid:
      return 1 / (1 + std::exp(-v));
    case Epilogue::tanh:
      return std::tanh(v);
  }
  return v;
}

}  // namespace lacuna::cpu
