#pragma once
// The one error type. Its text is "[op] rule broken: what was got".
#include <initializer_list>
#include <ostream>
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

namespace detail {

/// Something to print, without its type.
struct Part {
  const void* value;
  void (*print)(std::ostream&, const void*);
};
template <class T>
void print(std::ostream& out, const void* value) {
  out << *static_cast<const T*>(value);
}
template <class T>
Part part(const T& value) {
  return {&value, &print<T>};
}
template <std::size_t N>
Part part(const char (&text)[N]) {
  return {text, [](std::ostream& out, const void* p) { out << static_cast<const char*>(p); }};
}
[[noreturn, gnu::cold]] void fail(const char* op, std::initializer_list<Part> parts);

}  // namespace detail

/// Throws Error("[op] part part ..."): parts are anything an ostream can print.
template <class... Parts>
[[noreturn, gnu::cold]] void fail(const char* op, const Parts&... parts) {
  detail::fail(op, {detail::part(parts)...});
}

}  // namespace lacuna

/// LACUNA_CHECK(rule holds, "op", "rule in words: got ", x, ...). The parts are evaluated only on
/// failure.
#define LACUNA_CHECK(condition, op, ...)               \
  do {                                                 \
    if (!(condition)) ::lacuna::fail(op, __VA_ARGS__); \
  } while (0)
