#pragma once
// What a command takes from the command line. A thin face over CLI11, whose header takes eight seconds to compile and is
// therefore included once; its complaints become one line that says what to do.
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace lacuna::tools {

class Options {
 public:
  Options(const std::string& program, const std::string& line);
  ~Options();

  /// Given in order and without a name. Absent, it is an error unless optional.
  void positional(const std::string& name, std::string& into, const std::string& help,
                  bool optional = false);
  /// "--name VALUE"; given twice, the last one counts.
  void value(const std::string& name, std::string& into, const std::string& help,
             const std::string& placeholder);
  /// The same where an empty VALUE is another thing than none.
  void value(const std::string& name, std::optional<std::string>& into, const std::string& help,
             const std::string& placeholder);
  /// "--name VALUE", any number of times.
  void values(const std::string& name, std::vector<std::string>& into, const std::string& help,
              const std::string& placeholder);
  /// "--name".
  void flag(const std::string& name, bool& into, const std::string& help);

  /// Errors: an unknown option, with the nearest one; a value, or a positional, that is missing; one too many.
  /// With --help among the arguments nothing is required.
  void parse(const std::vector<std::string>& arguments);
  bool wants_help() const { return wants_help_; }
  std::string help() const;

 private:
  struct Required {
    std::string name, help;
    const std::string* value;
  };
  std::unique_ptr<CLI::App> app_;
  std::vector<Required> required_;
  std::vector<std::string> names_;
  bool wants_help_ = false;
};

}  // namespace lacuna::tools
