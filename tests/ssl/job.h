#pragma once
// Runs of the trainer on the inpainting task, in folders that go away again.
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/files.h"
#include "../../datasets/loader.h"
#include "../../datasets/shapes.h"
#include "../../ssl/trainer.h"

namespace lacuna {

namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  explicit Folder(const std::string& name)
      : path(fs::temp_directory_path() / ("lacuna_trainer_" + name + std::to_string(::getpid()))) {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
};

// metrics.jsonl without what depends on the clock.
inline std::string timeless(const std::string& path) {
  std::istringstream lines(read_file(path));
  std::string line, out;
  while (std::getline(lines, line)) {
    auto json = nlohmann::ordered_json::parse(line);
    json.erase("seconds");
    json.erase("samples_per_second");
    out += json.dump() + "\n";
  }
  return out;
}

struct StopAfter : Observer {
  explicit StopAfter(std::int64_t step) : stop(step) {}
  void stepped(std::int64_t step, double loss) override {
    last = loss;
    now = step;
  }
  bool interrupted() override { return now == stop; }
  std::int64_t stop, now = 0;
  double last = 0;
};

struct Job {
  Settings settings;
  std::shared_ptr<const Source> data, validation;

  explicit Job(std::int64_t samples = 40) {
    declare_run(settings, find_task("inpainting"));
    data = make_shapes({.size = samples});
    validation = make_shapes({.size = 10, .train = false});
    set("train.epochs", "2");
    set("train.log_every", "3");
    set("train.eval_every", "7");
    set("train.save_every", "5");
    set("data.workers", "0");
  }
  void set(const std::string& key, const std::string& value) { settings.set(key, value); }

  // One sitting of a run; `stop` is the step after which it is interrupted, or -1.
  double run(const std::string& folder, bool resume = false, std::int64_t stop = -1) {
    const auto task = find_task("inpainting").make(settings, DataInfo::of(*data));
    task->prepare(*data);
    const LoaderOptions options{.batch_size = settings.integer("train.batch_size"), .threads = 0};
    Loader train(data, options), val(validation, {.batch_size = 4, .shuffle = false, .threads = 0});
    Trainer trainer(*task, settings, train, &val, folder);
    if (resume) trainer.resume();
    StopAfter observer(stop);
    trainer.run(observer);
    return observer.last;
  }
};

inline std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace lacuna
