#include <csignal>

#include "command.h"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ,
              SIG_IGN);  // a limit on file sizes is a full disk: an error of write(), not a signal
  return lacuna::tools::run_command_line({argv + 1, argv + argc});
}
