#pragma once
#include <functional>
#include <string>

#include "../kernels/error.h"

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

/// The same without the arguments, which errors that come out of a kernel have at their end.
inline std::string rule_of(const std::function<void()>& call) {
  const std::string text = error_of(call);
  return text.substr(0, text.find("; in "));
}

}  // namespace lacuna::test
