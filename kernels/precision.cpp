#include "precision.h"

#include <atomic>

namespace lacuna {

namespace {
std::atomic<Precision> chosen{Precision::f32};
}  // namespace

void set_precision(Precision p) { chosen = p; }
Precision precision() { return chosen; }

}  // namespace lacuna
