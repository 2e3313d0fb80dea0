#pragma once
// Runs the built `lacuna` and says what came of it.
#include <gtest/gtest.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace lacuna::test {

struct Outcome {
  int status = -1;  // exit status; 128 + n where signal n ended it
  std::string out, err;
};

struct Limits {
  long file_bytes = 0;         // largest file it may write; 0: any
  bool stdout_closed = false;  // nobody reads standard output
  std::string stdout_to;       // a file to open for standard output instead
  std::string stdin_from = "/dev/null";
};

Outcome lacuna(const std::vector<std::string>& arguments, const Limits& limits = {});

/// The same, without waiting; its output goes nowhere.
pid_t start_lacuna(const std::vector<std::string>& arguments);
/// Waits; the exit status as in Outcome.
int wait_for(pid_t child);

using Words = std::vector<std::string>;
inline Words operator+(Words a, const Words& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
/// Done, and without a word of warning.
inline void expect_ok(const Outcome& o) {
  EXPECT_EQ(o.status, 0) << o.err;
  EXPECT_EQ(o.err, "");
}

/// A folder of its own under the temporary one, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  /// The path of a name in it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file in it, making folders on the way, and gives its path.
  std::string write(const std::string& name, const std::string& contents) const;

 private:
  std::string path_;
};

std::string read_all(const std::string& path);
/// Lines of metrics.jsonl without what a clock wrote.
std::string without_times(const std::string& metrics);

}  // namespace lacuna::test
