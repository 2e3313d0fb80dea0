#include "command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>

#include "../core/suggest.h"
#include "../kernels/error.h"

namespace lacuna::tools {

#define COMMAND(name) extern const CommandInfo name##_command;
#include "commands.def"
#undef COMMAND

const std::vector<const CommandInfo*>& commands() {
  static const std::vector<const CommandInfo*> all = {
#define COMMAND(name) &name##_command,
#include "commands.def"
#undef COMMAND
  };
  return all;
}

namespace {

std::string usage() {
  std::string text =
      "Lacuna: self-supervised learning, from kernels to command.\n\nUsage: lacuna COMMAND ...\n\n";
  for (const auto* c : commands()) text += fmt::format("  {:<20}{}\n", c->name, c->line);
  return text + "\n`lacuna COMMAND --help` says what each one takes.\n";
}

// The second words of the commands that begin with `first`.
std::vector<std::string> members_of(const std::string& first) {
  std::vector<std::string> members;
  for (const auto* c : commands())
    if (const std::string name = c->name; name.rfind(first + " ", 0) == 0)
      members.push_back(name.substr(first.size() + 1));
  return members;
}

std::string list_of(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

const CommandInfo& find_command(const std::string& name) {
  std::vector<std::string> names;
  for (const auto* c : commands()) {
    if (c->name == name) return *c;
    names.push_back(c->name);
  }
  fail("usage", "unknown command \"", name, "\"", suggestion(name, names), "; see lacuna --help");
}

int run_command(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    fmt::print("{}", usage());
    return 0;
  }
  if (arguments[0] == "--version") {
    fmt::print("lacuna {}\n", LACUNA_VERSION);
    return 0;
  }
  const auto members = members_of(arguments[0]);
  if (!members.empty() && (arguments.size() < 2 || arguments[1] == "--help")) {
    LACUNA_CHECK(arguments.size() > 1, "usage", "what to ", arguments[0],
                 " is missing: ", list_of(members));
    fmt::print("Usage: lacuna {} {{{}}} ...\n", arguments[0], list_of(members));
    return 0;
  }
  const int words = members.empty() ? 1 : 2;
  if (words == 2 && !std::count(members.begin(), members.end(), arguments[1]))
    fail("usage", "lacuna ", arguments[0], " knows no \"", arguments[1], "\"",
         suggestion(arguments[1], members), "; there are: ", list_of(members));
  const CommandInfo& info =
      find_command(words == 1 ? arguments[0] : arguments[0] + " " + arguments[1]);
  const auto command = info.make();
  Options options(std::string("lacuna ") + info.name, info.line);
  command->declare(options);
  options.parse({arguments.begin() + words, arguments.end()});
  if (options.wants_help()) {
    fmt::print("{}{}", options.help(), command->more_help());
    return 0;
  }
  return command->run();
}

int complain(std::string text, int status) {
  // One line, whatever a file name or a file's contents brought into it.
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == 127) c = ' ';
  fmt::print(stderr, "lacuna: error: {}\n", text);
  return status;
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments) {
  try {
    const int status = run_command(arguments);
    errno = 0;
    if (!std::cout.flush() || std::fflush(stdout) != 0)
      return complain(std::string("[output] cannot write to standard output: ") +
                          (errno ? std::strerror(errno) : "is the disk full?"),
                      1);
    return status;
  } catch (const RunError& e) {
    return complain(e.what(), 1);
  } catch (const Error& e) {
    return complain(e.what(), 2);
  } catch (const std::bad_alloc&) {
    return complain(
        "[memory] out of memory: less data at a time, or a smaller --batch-size, needs less", 1);
  } catch (const std::exception& e) {
    return complain(e.what(), 1);
  }
}

}  // namespace lacuna::tools
