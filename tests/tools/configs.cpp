// Every file of ssl/configs says what it is of, has known keys alone, and makes its task.
#include <gtest/gtest.h>

#include <filesystem>

#include "../../core/files.h"
#include "../../datasets/bags.h"
#include "../../ssl/task.h"
#include "../../tools/config.h"

namespace lacuna::tools {

TEST(Configs, MakeTheirTasks) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(LACUNA_CONFIGS)) {
    if (entry.is_directory()) continue;
    const std::string path = entry.path().string(),
                      name = std::filesystem::relative(path, LACUNA_CONFIGS).string();
    SCOPED_TRACE(path);
    ASSERT_EQ(entry.path().extension(), ".toml");
    const std::string text = read_file(path);
    const TaskInfo& info = find_task(task_of_config(text, path));
    Settings settings;
    declare_run(settings, info);
    ASSERT_NO_THROW(read_config(settings, text, path));
    // A stranger to the file finds the command in it.
    EXPECT_NE(
        text.find("#   lacuna train " + std::string(info.name) + " --config ssl/configs/" + name),
        std::string::npos);
    const auto data = make_cases({.size = 20});
    const auto task = info.make(settings, DataInfo::of(*data));
    EXPECT_GT(task->model().parameter_count(), 10000);
    files++;
  }
  EXPECT_GE(files, 20);
}

}  // namespace lacuna::tools
