// The trainer's other half: what a checkpoint holds, and how a run continues from one.
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <sstream>

#include "trainer.h"

namespace lacuna {
namespace {

// A double's bits: checkpoints hold f32 and integers, and a resumed sum must continue exactly.
Tensor bits_of(const std::vector<double>& values) {
  std::vector<std::int64_t> bits(values.size());
  std::memcpy(bits.data(), values.data(), values.size() * 8);
  return Tensor::from(bits, {static_cast<std::int64_t>(bits.size())});
}
std::vector<double> doubles_of(const Tensor& bits) {
  std::vector<double> values(bits.numel());
  std::memcpy(values.data(), bits.data<std::int64_t>(), values.size() * 8);
  return values;
}

const std::string& metadata(const Safetensors& file, const std::string& path, const char* key) {
  const auto it = file.metadata.find(key);
  LACUNA_CHECK(it != file.metadata.end(), "checkpoint", path,
               " is not a checkpoint of a run: its metadata has no \"", key, "\"");
  return it->second;
}

}  // namespace

std::string first_not_finite(const Module& model) {
  for (const NamedTensor& p : model.parameters())
    for (float v : p.tensor.to_vector<float>())
      if (!std::isfinite(v)) return p.name;
  return "";
}

std::string description_of(const Source& source) {
  std::ostringstream text;
  text << source.size() << " samples of";
  const char* separator = " ";
  for (const Field& field : source.fields()) {
    text << separator << field.name << " " << field.shape << " " << name_of(field.dtype);
    separator = ", ";
  }
  std::uint64_t hash = 0xcbf29ce484222325u;
  const std::int64_t some = std::min<std::int64_t>(source.size(), 256);
  for (std::int64_t i = 0; i < some; i++)
    for (const auto& [name, tensor] : read_batch(source, {i * source.size() / some}).fields) {
      const auto* const bytes = static_cast<const unsigned char*>(tensor.storage()->data());
      const std::size_t count = static_cast<std::size_t>(tensor.numel()) * size_of(tensor.dtype());
      for (std::size_t k = 0; k < count; k++) hash = (hash ^ bytes[k]) * 0x100000001b3u;
    }
  text << ", contents " << std::hex << hash;
  return text.str();
}

Safetensors read_checkpoint(const std::string& path, const Settings& settings,
                            const std::string& tokenizer) {
  Safetensors file = read_safetensors(path);
  const std::string &task = metadata(file, path, "task"), &ours = settings.text("task.name");
  LACUNA_CHECK(task == ours, "checkpoint", path, " is of task ", task, ", not ", ours);
  if (const auto it = file.metadata.find("tokenizer"); it != file.metadata.end())
    LACUNA_CHECK(it->second.empty() || tokenizer.empty() || it->second == tokenizer, "checkpoint",
                 path,
                 " was trained with another tokenizer: is tokenizer.json beside it the run's own?");
  Settings before = settings;
  before.from_json(metadata(file, path, "config"));
  check_resumable(settings, before);
  metadata(file, path, "step");
  return file;
}

StateDict Trainer::state() {
  StateDict all;
  insert_with_prefix(all, "model.", task_.model().state_dict());
  for (std::size_t i = 0; i < optimizers_.size(); i++)
    insert_with_prefix(all, optimizers_.size() == 1 ? "optim." : "optim." + std::to_string(i) + ".",
                       optimizers_[i]->state_dict());
  insert_with_prefix(all, "state.task.", task_.state());
  all["state.trainer.sums"] = bits_of({log_sum_, epoch_sum_, stopping_.best});
  for (const auto& [name, sum] : part_sums_) all["state.trainer.part." + name] = bits_of({sum});
  all["state.trainer.counts"] =
      Tensor::from(std::vector<std::int64_t>{log_count_, epoch_count_, stopping_.bad}, {3});
  return all;
}

void Trainer::save(const std::string& name) {
  if (const std::string bad = first_not_finite(task_.model()); !bad.empty())
    throw RunError("[train] " + bad + " is not finite after step " + std::to_string(step_) +
                   ": nothing was saved, the last checkpoint is kept; a lower optim.lr or "
                   "optim.clip=1 may help");
  write_safetensors(folder_ + "/" + name, state(),
                    {{"lacuna", "1"},
                     {"task", settings_.text("task.name")},
                     {"step", std::to_string(step_)},
                     {"config", settings_.to_json()},
                     {"data", data_},
                     {"tokenizer", tokenizer_},
                     {"encoder", task_.encoder().architecture()}});
}

void Trainer::resume() {
  const std::string path = folder_ + "/checkpoint.safetensors";
  struct stat about;
  if (::stat(path.c_str(), &about) != 0) {
    // Killed before the first checkpoint: the whole run is made again.
    for (const char* name : {"/metrics.jsonl", "/eval.jsonl"})
      cut_metrics(folder_ + name, [](std::int64_t) { return false; });
    return;
  }
  const Safetensors saved = read_checkpoint(path, settings_, tokenizer_);
  const std::string& before = metadata(saved, path, "data");
  LACUNA_CHECK(before == data_, "resume", "the run was made on ", before, "; the data now has ",
               data_, " (start a new run for that, with --init)");
  const auto tensor = [&](const char* name, std::int64_t count) {
    const auto it = saved.tensors.find(name);
    LACUNA_CHECK(it != saved.tensors.end() && it->second.numel() == count &&
                     it->second.dtype() == Dtype::i64,
                 "resume", path, " has no ", name, " of ", count, " i64");
    return it->second;
  };
  const auto sums = doubles_of(tensor("state.trainer.sums", 3));
  const auto counts = tensor("state.trainer.counts", 3).to_vector<std::int64_t>();
  task_.model().load_state_dict(with_prefix(saved.tensors, "model."));
  for (std::size_t i = 0; i < optimizers_.size(); i++)
    optimizers_[i]->load_state_dict(with_prefix(
        saved.tensors, optimizers_.size() == 1 ? "optim." : "optim." + std::to_string(i) + "."));
  task_.load_state(with_prefix(saved.tensors, "state.task."));
  for (const auto& [name, bits] : with_prefix(saved.tensors, "state.trainer.part."))
    part_sums_[name] = doubles_of(tensor(("state.trainer.part." + name).c_str(), 1))[0];
  log_sum_ = sums[0], epoch_sum_ = sums[1], stopping_.best = sums[2];
  log_count_ = counts[0], epoch_count_ = counts[1], stopping_.bad = counts[2];
  const std::string& step = metadata(saved, path, "step");
  LACUNA_CHECK(!step.empty() && step.size() < 18 &&
                   step.find_first_not_of("0123456789") == std::string::npos,
               "resume", path, " has no step: got \"", step, "\"");
  step_ = std::stoll(step);
  LACUNA_CHECK(step_ <= steps_, "resume", "the run has made ", step_,
               " steps already: it cannot end after ", steps_);
  // A run that is made longer also loses the lines that it wrote only because it ended.
  const auto keep = [&](const char* key) {
    return [this, every = every(key)](std::int64_t step) {
      return step < step_ || (step == step_ && (step_ == steps_ || step % every == 0));
    };
  };
  seconds_before_ = cut_metrics(folder_ + "/metrics.jsonl", keep("train.log_every"));
  cut_metrics(folder_ + "/eval.jsonl", keep("train.eval_every"));
}

}  // namespace lacuna
