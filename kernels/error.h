#pragma once
// The one error type. Its text is "[op] rule broken: what was got".
#include <sstream>
#include <stdexcept>
#include <string>

namespace lacuna {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A failure while running that is nobody's wrong input: a full disk, a loss that is not finite. The command exits with 1
/// for it, and with 2 for any other Error.
class RunError : public Error {
 public:
  using Error::Error;
};

/// Throws Error("[op] part part ..."): parts are anything an ostream can print.
template <class... Parts>
[[noreturn]] void fail(const char* op, const Parts&... parts) {
  std::ostringstream text;
  text << '[' << op << "] ";
  (text << ... << parts);
  throw Error(text.str());
}

}  // namespace lacuna

/// LACUNA_CHECK(rule holds, "op", "rule in words: got ", x, ...). The parts are evaluated only on
/// failure.
#define LACUNA_CHECK(condition, op, ...)               \
  do {                                                 \
    if (!(condition)) ::lacuna::fail(op, __VA_ARGS__); \
  } while (0)
