#pragma once
// A run on disk: config.toml (fully resolved), run.json (what the machine did), metrics.jsonl, eval.jsonl,
// checkpoint.safetensors, tokenizer.json (of text), samples/, report.html; of evaluations neighbours.png and
// map.json.
#include <memory>
#include <string>

#include "../ssl/task.h"

namespace lacuna::tools {

struct RunFolder {
  std::string path;
  bool best = false;  // checkpoint() is that of the best validation

  std::string config() const { return path + "/config.toml"; }
  std::string facts() const { return path + "/run.json"; }
  std::string metrics() const { return path + "/metrics.jsonl"; }
  std::string evaluations() const { return path + "/eval.jsonl"; }
  std::string checkpoint() const {
    return path + (best ? "/best.safetensors" : "/checkpoint.safetensors");
  }
  std::string tokenizer() const { return path + "/tokenizer.json"; }
  std::string samples() const { return path + "/samples"; }
  std::string neighbours() const { return path + "/neighbours.png"; }
  std::string map() const { return path + "/map.json"; }
  std::string report() const { return path + "/report.html"; }

  /// Whether a run has been here.
  bool used() const;
  /// Makes the folder. Failure where that cannot be.
  void create() const;
  /// Holds the folder against other processes for as long as this process lives. Error where another has it.
  void lock() const;
};

/// The settings of a run and its task, from config.toml. Error where `folder` is not a run.
struct RunConfig {
  const TaskInfo* info = nullptr;
  Settings settings;
};
RunConfig read_run(const RunFolder& folder);

/// The declared settings of a task.
Settings settings_of(const TaskInfo& info);

/// Takes "key=value" as --set gives them.
void set_keys(Settings& settings, const std::vector<std::string>& pairs);

/// Checks that the device is there, and sets the number of threads.
Device use_machine(const Settings& settings);

/// Writes config.toml.
void write_settings(const RunFolder& folder, const Settings& settings);

/// Fills a new task's model from a run folder's checkpoint or from a file of `lacuna import`. Where that holds an encoder alone, the
/// rest stays as it was drawn, and so does a probe of other classes, which belongs to the data that it watched. Error where
/// it is of another task, of another `tokenizer` (fingerprint(), where both are known), or of another network: names,
/// shapes, and what these do not show, such as the number of heads.
void load_weights(Task& task, const TaskInfo& info, const std::string& tokenizer,
                  const std::string& run_or_file);

struct Trained {
  std::unique_ptr<Task> task;
  std::int64_t step = 0;
};
/// The task of a run with the weights and state of its checkpoint, on `device`, for such data. A probe of other classes stays as it
/// was drawn.
Trained load_trained(const RunFolder& folder, const RunConfig& config, const DataInfo& data,
                     Device device);

}  // namespace lacuna::tools
