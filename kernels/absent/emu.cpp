#include "../backend.h"
namespace lacuna {
const Backend* emu_backend() { return nullptr; }
}  // namespace lacuna
