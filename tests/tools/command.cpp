#include "command.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace lacuna::test {
namespace {

// In the child, between fork and exec.
[[noreturn]] void execute(const std::vector<std::string>& arguments, int out, int err,
                          const Limits& limits) {
  const int in = open(limits.stdin_from.c_str(), O_RDONLY);
  dup2(in, 0);
  dup2(out, 1);
  dup2(err, 2);
  if (limits.file_bytes > 0) {
    const rlimit limit{static_cast<rlim_t>(limits.file_bytes),
                       static_cast<rlim_t>(limits.file_bytes)};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> argv{const_cast<char*>(LACUNA_BINARY)};
  for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  execv(LACUNA_BINARY, argv.data());
  _exit(126);
}

std::string drain(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = read(descriptor, buffer, sizeof buffer)) > 0;) text.append(buffer, n);
  close(descriptor);
  return text;
}

}  // namespace

Outcome lacuna(const std::vector<std::string>& arguments, const Limits& limits) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) throw std::runtime_error("pipe");
  const pid_t child = fork();
  if (child == 0) {
    const int to = limits.stdout_to.empty()
                       ? out[1]
                       : open(limits.stdout_to.c_str(), O_WRONLY | O_CREAT, 0644);
    execute(arguments, to, err[1], limits);
  }
  close(out[1]);
  close(err[1]);
  Outcome outcome;
  if (limits.stdout_closed) close(out[0]);
  std::thread reader([&] {
    if (!limits.stdout_closed) outcome.out = drain(out[0]);
  });
  outcome.err = drain(err[0]);
  reader.join();
  outcome.status = wait_for(child);
  return outcome;
}

pid_t start_lacuna(const std::vector<std::string>& arguments) {
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = open("/dev/null", O_WRONLY);
    execute(arguments, nowhere, nowhere, {});
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lacuna-XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const std::string& contents) const {
  const std::string path = path_ + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << contents;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
  return path;
}

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string without_times(const std::string& metrics) {
  static const std::regex times("\"(seconds|samples_per_second)\": ?[^,}]*,? ?");
  return std::regex_replace(metrics, times, "");
}

}  // namespace lacuna::test
