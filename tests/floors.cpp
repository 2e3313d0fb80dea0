// The house's rules that no compiler checks, read from the sources:
//   floors         a file includes only its own floor and those below: kernels < core < nn < ssl, core < datasets, and
//                  tools above all; ssl and nn do not know datasets, nor datasets them; nobody includes tests or bench
//   circles        no file includes itself by way of others
//   conditionals   above kernels nothing is compiled conditionally: what is absent is decided by what CMake links
//   launches       .cu files launch through launch(...), never <<<>>>, so that they compile for the host as well
//   core/ops.h     has every core/ops/*.h
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace lacuna::test {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;  // path from the top of the repository -> text
using Complaints = std::vector<std::string>;

const std::map<std::string, std::set<std::string>>& below() {
  static const std::map<std::string, std::set<std::string>> floors = {
      {"kernels", {}},
      {"core", {"kernels"}},
      {"nn", {"core", "kernels"}},
      {"ssl", {"nn", "core", "kernels"}},
      {"datasets", {"core", "kernels"}},
      {"tools", {"datasets", "ssl", "nn", "core", "kernels"}},
  };
  return floors;
}

std::string floor_of(const std::string& path) { return path.substr(0, path.find('/')); }

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// The text with comments, strings and character literals blanked out, line by line as it was.
std::string code_of(const std::string& text) {
  std::string code = text;
  const auto blank_until = [&](std::size_t begin, std::size_t end) {
    end = std::min(end, text.size());
    for (std::size_t i = begin; i < end; i++)
      if (text[i] != '\n') code[i] = ' ';
    return end;
  };
  const auto after = [&](const std::string& end, std::size_t from) {
    const std::size_t at = text.find(end, from);
    return at == std::string::npos ? text.size() : at + end.size();
  };
  const auto after_quote = [&](std::size_t i) {
    const char quote = text[i++];
    while (i < text.size() && text[i] != quote && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
    return i + 1;
  };
  for (std::size_t i = 0; i < text.size();) {
    const bool inside_word = i > 0 && std::isalnum(static_cast<unsigned char>(text[i - 1]));
    if (text.compare(i, 2, "//") == 0)
      i = blank_until(i, text.find('\n', i));
    else if (text.compare(i, 2, "/*") == 0)
      i = blank_until(i, after("*/", i + 2));
    else if (text.compare(i, 2, "R\"") == 0 && !inside_word)
      i = blank_until(i, after(")" + text.substr(i + 2, text.find('(', i) - i - 2) + "\"", i));
    else if (text[i] == '"' || (text[i] == '\'' && !inside_word))  // 1'000 is a number
      i = blank_until(i, after_quote(i));
    else
      i++;
  }
  return code;
}

struct Line {
  int number;
  std::string text;
};

std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back({static_cast<int>(lines.size()) + 1, line});
  return lines;
}

struct Include {
  int line;
  std::string target;  // path from the top of the repository
};

// Includes of our own files: quoted ones, and <lacuna/...>. A file in a folder of device headers is found by path.
std::vector<Include> includes_of(const std::string& path, const std::string& text) {
  static const std::regex quoted(R"re(^\s*#\s*include\s*"([^"]+)")re"),
      angle(R"(^\s*#\s*include\s*<lacuna/([^>]+)>)");
  std::vector<Include> includes;
  for (const Line& line : lines_of(text)) {
    std::smatch m;
    if (std::regex_search(line.text, m, quoted))
      includes.push_back(
          {line.number, (fs::path(path).parent_path() / m[1].str()).lexically_normal().string()});
    else if (std::regex_search(line.text, m, angle))
      includes.push_back({line.number, fs::path(m[1].str()).lexically_normal().string()});
  }
  return includes;
}

std::string where(const std::string& path, int line) { return path + ":" + std::to_string(line); }

void check_floors(const Files& files, Complaints& out) {
  for (const auto& [path, text] : files) {
    const auto mine = below().find(floor_of(path));
    if (mine == below().end()) continue;  // tests and bench see every floor
    for (const Include& include : includes_of(path, text)) {
      const std::string target = floor_of(include.target);
      if (target != mine->first && !mine->second.count(target))
        out.push_back(where(path, include.line) + " includes " + include.target + ": " +
                      mine->first + " is not above " + target);
    }
  }
}

// A depth-first walk; a file met again while it is still open closes a circle.
void find_circle(const Files& files, const std::string& path, std::vector<std::string>& open,
                 std::set<std::string>& done, Complaints& out) {
  if (done.count(path)) return;
  const auto again = std::find(open.begin(), open.end(), path);
  if (again != open.end()) {
    std::string circle;
    for (auto it = again; it != open.end(); ++it) circle += *it + " -> ";
    out.push_back("includes run in a circle: " + circle + path);
    return;
  }
  const auto file = files.find(path);
  if (file == files.end()) return;
  open.push_back(path);
  for (const Include& include : includes_of(path, file->second))
    if (include.target != path)  // foreach_target.h has a file include itself, by a macro
      find_circle(files, include.target, open, done, out);
  open.pop_back();
  done.insert(path);
}

void check_conditionals(const Files& files, Complaints& out) {
  static const std::regex conditional(R"(^\s*#\s*(if|ifdef|ifndef|elif)\b)"),
      backend(R"(\b(__CUDACC__|__CUDA_ARCH__|LACUNA_(CUDA|EMU|HAVE_CUDA))\b)");
  for (const auto& [path, text] : files) {
    const std::string floor = floor_of(path);
    if (floor == "kernels" || !below().count(floor)) continue;
    for (const Line& line : lines_of(code_of(text)))
      if (std::regex_search(line.text, conditional) || std::regex_search(line.text, backend))
        out.push_back(where(path, line.number) + " is compiled conditionally:" + line.text);
  }
}

void check_launches(const Files& files, Complaints& out) {
  for (const auto& [path, text] : files) {
    if (!ends_with(path, ".cu") && !ends_with(path, ".cuh")) continue;
    for (const Line& line : lines_of(code_of(text)))
      if (line.text.find("<<<") != std::string::npos)
        out.push_back(where(path, line.number) + " launches with <<<: use launch(...)");
  }
}

void check_umbrella(const Files& files, Complaints& out) {
  std::set<std::string> included;
  if (const auto umbrella = files.find("core/ops.h"); umbrella != files.end())
    for (const Include& include : includes_of("core/ops.h", umbrella->second))
      included.insert(include.target);
  for (const auto& file : files)
    if (file.first.rfind("core/ops/", 0) == 0 && ends_with(file.first, ".h") &&
        !included.count(file.first))
      out.push_back("core/ops.h does not include " + file.first);
}

Complaints check(const Files& files) {
  Complaints out;
  check_floors(files, out);
  std::vector<std::string> open;
  std::set<std::string> done;
  for (const auto& file : files) find_circle(files, file.first, open, done, out);
  check_conditionals(files, out);
  check_launches(files, out);
  check_umbrella(files, out);
  return out;
}

Files sources() {
  static const std::set<std::string> kinds = {".h", ".cpp", ".cu", ".cuh", ".def"};
  const fs::path top = LACUNA_SOURCE_DIR;
  Files files;
  for (const std::string floor :
       {"kernels", "core", "nn", "ssl", "datasets", "tools", "tests", "bench"}) {
    for (const auto& entry : fs::recursive_directory_iterator(top / floor)) {
      if (!entry.is_regular_file() || !kinds.count(entry.path().extension().string())) continue;
      std::ifstream in(entry.path());
      std::stringstream text;
      text << in.rdbuf();
      files[fs::relative(entry.path(), top).generic_string()] = text.str();
    }
  }
  return files;
}

TEST(Floors, TheHouseKeepsItsRules) {
  const Files files = sources();
  EXPECT_GT(files.size(), 100u) << "these are not the sources: " << LACUNA_SOURCE_DIR;
  for (const std::string& complaint : check(files)) ADD_FAILURE() << complaint;
}

// One broken rule a file, and the complaint that it must give; a rule without its file here would be untested.
TEST(Floors, EveryRuleIsSeenBroken) {
  const auto only = [](const Files& files) {
    const Complaints all = check(files);
    return all.size() == 1 ? all[0] : std::to_string(all.size()) + " complaints";
  };
  EXPECT_EQ(only({{"core/a.cpp", "\n#include \"../nn/module.h\"\n"}}),
            "core/a.cpp:2 includes nn/module.h: core is not above nn");
  EXPECT_EQ(only({{"kernels/cpu/a.cpp", "#include \"../../core/tensor.h\"\n"}}),
            "kernels/cpu/a.cpp:1 includes core/tensor.h: kernels is not above core");
  EXPECT_EQ(only({{"ssl/a.h", "#  include \"../datasets/cifar.h\"\n"}}),
            "ssl/a.h:1 includes datasets/cifar.h: ssl is not above datasets");
  EXPECT_EQ(only({{"datasets/a.h", "#include <lacuna/ssl/task.h>\n"}}),
            "datasets/a.h:1 includes ssl/task.h: datasets is not above ssl");
  EXPECT_EQ(only({{"nn/a.h", "#include \"../datasets/a.h\"\n"}}),
            "nn/a.h:1 includes datasets/a.h: nn is not above datasets");
  EXPECT_EQ(only({{"datasets/a.h", "#include \"../nn/a.h\"\n"}}),
            "datasets/a.h:1 includes nn/a.h: datasets is not above nn");
  EXPECT_EQ(only({{"tools/a.cpp", "#include \"../tests/ops/case.h\"\n"}}),
            "tools/a.cpp:1 includes tests/ops/case.h: tools is not above tests");
  EXPECT_EQ(only({{"nn/a.h", "#include \"b.h\"\n"}, {"nn/b.h", "#include \"../nn/a.h\"\n"}}),
            "includes run in a circle: nn/a.h -> nn/b.h -> nn/a.h");
  EXPECT_EQ(only({{"core/a.h", "#ifdef __linux__\n"}}),
            "core/a.h:1 is compiled conditionally:#ifdef __linux__");
  EXPECT_EQ(only({{"nn/a.cpp", "int x;\nconst bool gpu = LACUNA_CUDA;\n"}}),
            "nn/a.cpp:2 is compiled conditionally:const bool gpu = LACUNA_CUDA;");
  EXPECT_EQ(only({{"tools/a.cpp", " # if defined(__CUDACC__)\n"}}),
            "tools/a.cpp:1 is compiled conditionally: # if defined(__CUDACC__)");
  EXPECT_EQ(only({{"kernels/cuda/a.cu", "f<<<1, 2>>>();\n"}}),
            "kernels/cuda/a.cu:1 launches with <<<: use launch(...)");
  EXPECT_EQ(
      only({{"core/ops.h", "#include \"ops/b.h\"\n"}, {"core/ops/a.h", ""}, {"core/ops/b.h", ""}}),
      "core/ops.h does not include core/ops/a.h");
}

TEST(Floors, WhatIsAllowedPasses) {
  EXPECT_EQ(
      check({{"core/a.h", "#pragma once\n#include \"../kernels/array.h\"\n#include <vector>\n"},
             {"nn/b.cpp", "// #ifdef LACUNA_CUDA\nconst char* s = \"\\\"LACUNA_EMU\";\n"},
             {"nn/c.cpp", "int n = 1'000;\n/*\n#if 1\n*/ auto s = R\"x(\n#if \")x\";\n"},
             {"kernels/a.h", "#if defined(__CUDACC__)\n#endif\n"},
             {"kernels/cuda/a.cu", "launch(f, 1, 2);  // not f<<<1, 2>>>()\n"},
             {"tools/a.cpp", "#include \"../datasets/a.h\"\n#include \"../ssl/b.h\"\n"},
             {"tests/a.cpp", "#include \"../ssl/b.h\"\n#ifdef NDEBUG\n#endif\n"}}),
      Complaints{});
}

}  // namespace
}  // namespace lacuna::test
