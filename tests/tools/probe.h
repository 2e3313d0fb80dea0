#pragma once
// A short run on pictures, for tests of what judges it.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "command.h"

namespace lacuna::test {

class Probe : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = new TemporaryFolder;
    expect_ok(lacuna({"train", "inpainting", "--data", "shapes:60", "--val", "shapes:100", "--out",
                      run(), "--steps", "3", "--batch-size", "8", "--quiet"}));
  }
  static void TearDownTestSuite() { delete folder; }

  static std::string run() { return *folder / "run"; }
  static Words command(const char* protocol, const Words& more = {}) {
    Words words = {"eval", protocol, "--run", run()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static nlohmann::json last() {
    std::istringstream in(read_all(run() + "/eval.jsonl"));
    nlohmann::json json;
    for (std::string line; std::getline(in, line);) json = nlohmann::json::parse(line);
    return json;
  }
  static void expect_parts(const std::string& text, const Words& parts) {
    for (const std::string& part : parts)
      EXPECT_TRUE(holds(text, part)) << part << " is not in\n" << text.substr(0, 4000);
  }
  static void expect_bad(const Words& arguments, const char* says) {
    const Outcome o = lacuna(arguments);
    EXPECT_EQ(o.status, 2) << says;
    EXPECT_EQ(o.out, "") << "no part of a table is printed";
    EXPECT_EQ(o.err.rfind("lacuna: error: ", 0), 0u) << o.err;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
    EXPECT_TRUE(holds(o.err, says)) << o.err;
  }

  static inline TemporaryFolder* folder = nullptr;
};

}  // namespace lacuna::test
