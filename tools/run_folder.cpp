#include "run_folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include <filesystem>

#include "../core/files.h"
#include "../core/safetensors.h"
#include "../kernels/backend.h"
#include "../kernels/cpu/parallel.h"
#include "../nn/backbones/registry.h"
#include "../ssl/trainer.h"
#include "command.h"
#include "config.h"
#include "text.h"

namespace lacuna::tools {

namespace fs = std::filesystem;

bool RunFolder::used() const {
  std::error_code ignored;  // what cannot be looked at, create() will complain about
  for (const std::string& file : {config(), metrics(), checkpoint()})
    if (fs::exists(file, ignored)) return true;
  return false;
}

void RunFolder::create() const {
  std::error_code error;
  fs::create_directories(path, error);
  LACUNA_CHECK(!error && fs::is_directory(path), "run", "cannot make the folder ", path, ": ",
               error ? error.message() : "there is a file of that name");
}

void RunFolder::lock() const {
  const int descriptor =
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);  // kept open: the lock goes with it
  LACUNA_CHECK(descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) == 0, "run", path,
               " is in use by another process: wait for it, or give another --out");
}

RunConfig read_run(const RunFolder& folder) {
  LACUNA_CHECK(fs::exists(folder.config()), "run", folder.path,
               " is not a run: it has no config.toml");
  const std::string text = read_file(folder.config());
  RunConfig run;
  run.info = &find_task(task_of_config(text, folder.config()));
  run.settings = settings_of(*run.info);
  read_config(run.settings, text, folder.config());
  return run;
}

Settings settings_of(const TaskInfo& info) {
  Settings settings;
  declare_run(settings, info);
  return settings;
}

void set_keys(Settings& settings, const std::vector<std::string>& pairs) {
  for (const std::string& pair : pairs) {
    const auto equals = pair.find('=');
    LACUNA_CHECK(equals != std::string::npos && equals > 0, "usage",
                 "--set takes key=value: got \"", pair, "\"");
    settings.set(pair.substr(0, equals), pair.substr(equals + 1));
  }
}

Device use_machine(const Settings& settings) {
  const Device device = parse_device(settings.text("train.device"));
  const Backend* backend = find_backend(device.type);
  const bool cuda = device.type == DeviceType::cuda;
  LACUNA_CHECK(backend, "device", "this build has no ", cuda ? "CUDA" : "emu",
               ": make one that has (cmake --preset ", cuda ? "cuda" : "emu",
               "), or use --device cpu");
  const int count = backend->device_count();
  LACUNA_CHECK(count > 0, "device", device, " is not in this machine: ", backend->why_absent(),
               ", or use --device cpu");
  LACUNA_CHECK(device.index < count, "device", device, " is not in this machine: it has ", count,
               count == 1 ? " such device" : " such devices", ", counted from 0");
  if (const auto threads = settings.integer("train.threads"))
    cpu::set_threads(static_cast<int>(threads));
  return device;
}

void write_settings(const RunFolder& folder, const Settings& settings) {
  write_file(folder.config(), write_config(settings));
}

// Networks may have equal shapes and yet be different ones.
static void check_architecture(const std::string& file, const std::string& theirs,
                               const std::string& ours) {
  if (theirs.empty()) return;
  const Architecture a = Architecture::from_json(theirs), b = Architecture::from_json(ours);
  for (const auto& [name, value] : b.options)
    if (const auto it = a.options.find(name);
        it != a.options.end() && it->second != value && name != "dropout")
      fail("init", file, " holds an encoder with ", name, " = ", it->second, ", this one has ",
           value);
}

static bool is_in(const char* part, const std::string& name) { return name.rfind(part, 0) == 0; }

// A probe belongs to the classes that it watched: where there are others it stays as it was drawn.
static void keep_own_probe(StateDict& weights, const StateDict& drawn) {
  for (auto it = weights.begin(); it != weights.end();) {
    const auto mine = drawn.find(it->first);
    const bool fits = mine != drawn.end() && mine->second.shape() == it->second.shape();
    it = is_in("probe.", it->first) && !fits ? weights.erase(it) : std::next(it);
  }
  for (const auto& [name, tensor] : drawn)
    if (is_in("probe.", name)) weights.emplace(name, tensor.clone());
}

void load_weights(Task& task, const TaskInfo& info, const std::string& tokenizer,
                  const std::string& run_or_file) {
  const bool folder = fs::is_directory(run_or_file);
  const std::string file = folder ? RunFolder{run_or_file}.checkpoint() : run_or_file;
  const Safetensors saved = read_safetensors(file, "model.");
  const auto said = [&](const char* key) {
    const auto it = saved.metadata.find(key);
    return it == saved.metadata.end() ? std::string() : it->second;
  };
  StateDict weights = with_prefix(saved.tensors, "model.");
  LACUNA_CHECK(!weights.empty(), "init", file,
               " holds no weights: no tensor's name begins with \"model.\" (lacuna import makes "
               "such a file)");
  LACUNA_CHECK(said("task").empty() || said("task") == info.name, "init", file, " is of the task ",
               said("task"), ", not of ", info.name);
  LACUNA_CHECK(said("tokenizer").empty() || tokenizer.empty() || said("tokenizer") == tokenizer,
               "init", file,
               " was trained with another tokenizer: its tokens would mean other words "
               "here (--tokenizer hf:RUN/tokenizer.json is a run's own)");
  bool encoder_alone = true;
  for (const auto& [name, tensor] : weights) encoder_alone &= is_in("encoder.", name);
  const StateDict drawn = task.model().state_dict();
  keep_own_probe(weights, drawn);
  for (const auto& [name, tensor] : drawn)
    if (encoder_alone && !is_in("encoder.", name)) weights.emplace(name, tensor.clone());
  task.model().load_state_dict(weights);
  check_architecture(file, said("encoder"), task.encoder().architecture());
}

Trained load_trained(const RunFolder& folder, const RunConfig& config, const DataInfo& data,
                     Device device) {
  LACUNA_CHECK(fs::exists(folder.checkpoint()), "run", folder.path, " has no checkpoint yet");
  const Safetensors checkpoint = read_checkpoint(folder.checkpoint(), config.settings,
                                                 fingerprint(read_tokenizer(folder).get()));
  Trained trained;
  trained.task = config.info->make(config.settings, data);
  Module& model = trained.task->model();
  model.initialize(0);
  StateDict weights = with_prefix(checkpoint.tensors, "model.");
  keep_own_probe(weights, model.state_dict());
  model.load_state_dict(weights);
  const std::string damaged = first_not_finite(model);
  LACUNA_CHECK(damaged.empty(), "run", folder.checkpoint(), " is damaged: ", damaged,
               " holds a number that is not finite");
  model.to(device);
  trained.task->load_state(with_prefix(checkpoint.tensors, "state.task."));
  trained.step = std::atoll(checkpoint.metadata.at("step").c_str());
  return trained;
}

}  // namespace lacuna::tools
