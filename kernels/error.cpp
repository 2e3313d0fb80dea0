#include "error.h"

#include <sstream>

namespace lacuna::detail {

void fail(const char* op, std::initializer_list<Part> parts) {
  std::ostringstream text;
  text << '[' << op << "] ";
  for (const Part& part : parts) part.print(text, part.value);
  throw Error(text.str());
}

}  // namespace lacuna::detail
