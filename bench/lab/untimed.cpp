// Stands in for timed.cpp in a build without CUDA or without cuBLASLt, whose rate is the roof.
#include "../../kernels/error.h"
#include "timed.h"

namespace lacuna::lab {

bool time_ladders(const Choice&, const std::string&, const std::string&) {
  fail("lab", "nothing is timed in a build without benchmarks, CUDA and cuBLASLt: ask for --check");
}

}  // namespace lacuna::lab
