#include "options.h"

#include <CLI/CLI.hpp>

#include "../core/suggest.h"
#include "../kernels/error.h"

namespace lacuna::tools {

Options::Options(const std::string& program, const std::string& line)
    : app_(std::make_unique<CLI::App>(line, program)) {
  app_->set_help_flag();  // --help is ours, so that it can be asked for beside a TASK
  app_->allow_extras();   // they are errors, and parse() words them
  app_->get_formatter()->column_width(34);
  flag("--help", wants_help_, "this text");
}

Options::~Options() = default;

void Options::positional(const std::string& name, std::string& into, const std::string& help,
                         bool optional) {
  app_->add_option(name, into, help)->type_name("");
  if (!optional) required_.push_back({name, help, &into});
}

void Options::value(const std::string& name, std::string& into, const std::string& help,
                    const std::string& placeholder) {
  app_->add_option(name, into, help)
      ->type_name(placeholder)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  names_.push_back(name);
}

void Options::value(const std::string& name, std::optional<std::string>& into,
                    const std::string& help, const std::string& placeholder) {
  const auto take = [&into](const std::string& text) { into = text; };
  app_->add_option_function<std::string>(name, take, help)
      ->type_name(placeholder)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  names_.push_back(name);
}

void Options::values(const std::string& name, std::vector<std::string>& into,
                     const std::string& help, const std::string& placeholder) {
  app_->add_option(name, into, help)->type_name(placeholder)->allow_extra_args(false);
  names_.push_back(name);
}

void Options::flag(const std::string& name, bool& into, const std::string& help) {
  app_->add_flag(name, into, help);
  names_.push_back(name);
}

void Options::parse(const std::vector<std::string>& arguments) {
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // CLI11 takes them so
  const std::string hint = "; see " + app_->get_name() + " --help";
  try {
    app_->parse(reversed);
  } catch (const CLI::ArgumentMismatch& e) {
    // "--lr: 1 required FLOAT missing"
    const std::string text = e.what(), name = text.substr(0, text.find(':'));
    fail("usage", name, " needs a value", hint);
  } catch (const CLI::ParseError& e) {
    fail("usage", e.what(), hint);
  }
  const auto extras = app_->remaining();
  for (const auto& word : extras) {
    if (word.size() < 2 || word[0] != '-') continue;
    const std::string name = word.substr(0, word.find('='));
    fail("usage", "unknown option ", name, suggestion(name, names_), hint);
  }
  LACUNA_CHECK(extras.empty(), "usage", "unexpected argument \"", extras.front(), "\"", hint);
  if (wants_help_) return;
  for (const auto& r : required_)
    LACUNA_CHECK(!r.value->empty(), "usage", r.name, " is missing: ", r.help, hint);
}

std::string Options::help() const { return app_->help(); }

}  // namespace lacuna::tools
