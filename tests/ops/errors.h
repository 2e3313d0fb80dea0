#pragma once
#include <functional>
#include <string>

#include "../../kernels/error.h"

namespace lacuna::test {

/// The text of the Error that `call` throws.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace lacuna::test
