#pragma once
// A command is one file, tools/<name>.cpp, and one line in commands.def.
#include <memory>
#include <string>
#include <vector>

#include "../kernels/error.h"
#include "options.h"

namespace lacuna::tools {

class Command {
 public:
  virtual ~Command() = default;
  virtual void declare(Options& options) = 0;
  /// Does it, and returns the exit status. Throws Error for bad input (exit 2) and RunError for what went wrong with good
  /// input (exit 1).
  virtual int run() = 0;
  /// Printed below the options by --help.
  virtual std::string more_help() { return ""; }
};

struct CommandInfo {
  const char* name;  // one word, or two: "eval fill" is one of those that begin with "eval"
  const char* line;  // for `lacuna --help`
  std::unique_ptr<Command> (*make)();
};

template <class C>
std::unique_ptr<Command> make_command() {
  return std::make_unique<C>();
}

/// In the order of commands.def.
const std::vector<const CommandInfo*>& commands();

/// Everything that main() does: finds the command, runs it, and turns what it throws into one line on standard error and
/// an exit status: 0, 1 (failed while running), 2 (bad input or usage), 130 (interrupted, with a checkpoint).
int run_command_line(const std::vector<std::string>& arguments);

}  // namespace lacuna::tools
