#pragma once
// A run of a task of text on data in memory.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/files.h"
#include "../../datasets/loader.h"
#include "../../ssl/trainer.h"

namespace lacuna {

struct RunFolder {
  std::filesystem::path path;
  explicit RunFolder(const std::string& name)
      : path(std::filesystem::temp_directory_path() /
             ("lacuna_job_" + name + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~RunFolder() { std::filesystem::remove_all(path); }
  std::string read(const std::string& name) const { return read_file((path / name).string()); }
  /// A key of each line of a file of metrics.
  std::vector<double> values(const std::string& name, const char* key) const {
    std::istringstream lines(read(name));
    std::vector<double> all;
    for (std::string line; std::getline(lines, line);)
      all.push_back(nlohmann::json::parse(line)[key].get<double>());
    return all;
  }
  /// metrics.jsonl without what depends on the clock.
  std::string timeless() const {
    std::istringstream lines(read("metrics.jsonl"));
    std::string out;
    for (std::string line; std::getline(lines, line);) {
      auto json = nlohmann::ordered_json::parse(line);
      json.erase("seconds");
      json.erase("samples_per_second");
      out += json.dump() + "\n";
    }
    return out;
  }
};

struct RunObserver : Observer {
  std::int64_t stop = -1, now = 0;
  double last = 0;
  std::vector<std::string> warnings;
  void stepped(std::int64_t step, double loss) override {
    now = step;
    last = loss;
  }
  void warned(const std::string& line) override { warnings.push_back(line); }
  bool interrupted() override { return now == stop; }
};

struct TextJob {
  Settings settings;
  std::shared_ptr<const Source> data, validation;
  std::unique_ptr<Task> task;  // of the last run

  TextJob(const std::string& name, std::shared_ptr<const Source> text) : data(std::move(text)) {
    declare_run(settings, find_task(name));
    set("train.log_every", "1");
    set("data.workers", "0");
  }
  void set(const std::string& key, const std::string& value) { settings.set(key, value); }

  RunObserver run(const RunFolder& folder, bool resume = false, std::int64_t stop = -1) {
    task = find_task(settings.text("task.name")).make(settings, DataInfo::of(*data));
    task->prepare(*data);
    Loader train(data, {.batch_size = settings.integer("train.batch_size"), .threads = 0});
    std::unique_ptr<Loader> held;
    if (validation)
      held = std::make_unique<Loader>(
          validation, LoaderOptions{.batch_size = 4, .shuffle = false, .threads = 0});
    Trainer trainer(*task, settings, train, held.get(), folder.path.string());
    if (resume) trainer.resume();
    RunObserver observer;
    observer.stop = stop;
    trainer.run(observer);
    return observer;
  }
};

/// A run that was stopped and resumed leaves the same files as one that was not.
inline void expect_exact_resume(TextJob& job, std::int64_t stop) {
  const RunFolder whole("whole"), part("part");
  job.run(whole);
  job.run(part, false, stop);
  job.run(part, true);
  EXPECT_EQ(part.timeless(), whole.timeless());
  EXPECT_TRUE(part.read("checkpoint.safetensors") == whole.read("checkpoint.safetensors"));
  if (job.validation) {
    EXPECT_EQ(part.read("eval.jsonl"), whole.read("eval.jsonl"));
  }
}

}  // namespace lacuna
