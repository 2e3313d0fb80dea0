#pragma once
// Not a twin: what a launch may ask for is the same everywhere.
#if !defined(LACUNA_NS)
#define LACUNA_NS emu  // emu's own .cpp files, and tests that include them
#endif
#include "../../cuda/device/config.cuh"
