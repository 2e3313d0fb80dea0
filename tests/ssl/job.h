#pragma once
// Runs of a task on data in memory, in folders that go away again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/files.h"
#include "../../datasets/loader.h"
#include "../../datasets/shapes.h"
#include "../../kernels/backend.h"
#include "../../ssl/trainer.h"
#include "../errors.h"

namespace lacuna {

namespace fs = std::filesystem;
using test::error_of;

struct Folder {
  fs::path path;
  explicit Folder(const std::string& name)
      : path(fs::temp_directory_path() / ("lacuna_job_" + name + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::string read(const std::string& name) const { return read_file(file(name)); }

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

/// Interrupts a run after step `stop`, or never.
struct StopAfter : Observer {
  explicit StopAfter(std::int64_t step = -1) : stop(step) {}
  std::int64_t stop, now = 0;
  double last = 0;  // loss
  std::vector<std::string> warnings;
  void stepped(std::int64_t step, double loss) override {
    now = step;
    last = loss;
  }
  void warned(const std::string& line) override { warnings.push_back(line); }
  bool interrupted() override { return now == stop; }
};

struct Job {
  Settings settings;
  std::shared_ptr<const Source> data, validation;
  std::shared_ptr<Task> task;  // of the last run

  Job(const std::string& name, std::shared_ptr<const Source> source) : data(std::move(source)) {
    declare_run(settings, find_task(name));
    set("train.log_every", "1");
    set("train.precision", "f32");
    set("data.workers", "0");
  }
  void set(const std::string& key, const std::string& value) { settings.set(key, value); }
  void set(std::initializer_list<std::pair<const char*, const char*>> values) {
    for (const auto& [key, value] : values) settings.set(key, std::string(value));
  }

  /// One sitting of a run.
  StopAfter run(const Folder& folder, bool resume = false, std::int64_t stop = -1) {
    task = find_task(settings.text("task.name")).make(settings, DataInfo::of(*data));
    task->prepare(*data);
    Loader train(data, {.batch_size = settings.integer("train.batch_size"), .threads = 0});
    std::unique_ptr<Loader> held;
    if (validation)
      held = std::make_unique<Loader>(
          validation, LoaderOptions{.batch_size = 4, .shuffle = false, .threads = 0});
    Trainer trainer(*task, settings, train, held.get(), folder.path.string());
    if (resume) trainer.resume();
    StopAfter observer(stop);
    trainer.run(observer);
    return observer;
  }
};

struct InpaintingJob : Job {
  explicit InpaintingJob(std::int64_t samples = 40)
      : Job("inpainting", make_shapes({.size = samples})) {
    validation = make_shapes({.size = 10, .train = false});
    set({{"train.epochs", "2"},
         {"train.log_every", "3"},
         {"train.eval_every", "7"},
         {"train.save_every", "5"}});
  }
};

/// A test of each device that runs the CUDA kernels, where it is here: GetParam() is its name.
class OnDevice : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const Backend* backend = find_backend(parse_device(GetParam()).type);
    if (!backend) GTEST_SKIP() << "not in this build";
    if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  }
  /// The losses of the job on cpu and on the device.
  static std::pair<std::vector<double>, std::vector<double>> losses(Job& job) {
    std::vector<double> of[2];
    for (const bool device : {false, true}) {
      job.set("train.device", device ? GetParam() : "cpu");
      const Folder folder("device");
      job.run(folder);
      of[device] = folder.values("metrics.jsonl", "loss");
    }
    return {of[0], of[1]};
  }
};
#define LACUNA_ON_DEVICES(suite)                                    \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::Values("emu", "cuda"), \
                           [](const auto& info) { return std::string(info.param); })

/// A run that was stopped and resumed leaves the same files as one that was not.
inline void expect_exact_resume(Job& job, std::int64_t stop) {
  const Folder whole("whole"), part("part");
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
