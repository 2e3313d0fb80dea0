// Enters the rungs of one backend; compiled once for each, beside its .cu files.
#include "course.h"

namespace lacuna {

namespace LACUNA_NS::rungs {
#define RUNG(family, name, Args, tolerance) void family##_##name(const Args&, Stream);
#include "rungs.def"
}  // namespace LACUNA_NS::rungs

namespace lab {
namespace {

constexpr DeviceType kType = DeviceType::LACUNA_NS;

[[maybe_unused]] const bool entered = [] {
#define RUNG(family, name, Args, tolerance) \
  ladder<Args>(kType).push_back({#name, &LACUNA_NS::rungs::family##_##name, tolerance});
#define LIBRARY(family, kernel, Args, tolerance)                                                  \
  ladder<Args>(kType).push_back(                                                                  \
      {"library",                                                                                 \
       [](const Args& a, Stream stream) { run<&KernelTable::kernel>(a, Device{kType}, stream); }, \
       tolerance});
#include "rungs.def"
  return true;
}();

}  // namespace
}  // namespace lab
}  // namespace lacuna
