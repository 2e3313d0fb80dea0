#include "trainer.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "../core/files.h"
#include "../core/ops/shape.h"
#include "../core/safetensors.h"
#include "../core/tape.h"
#include "../nn/optim/adam.h"
#include "../nn/optim/clip.h"
#include "../nn/optim/schedule.h"
#include "../nn/optim/sgd.h"

namespace lacuna {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool exists(const std::string& path) {
  struct stat s;
  return ::stat(path.c_str(), &s) == 0;
}

std::unique_ptr<Optimizer> make_optimizer(const Settings& s, std::vector<NamedTensor> parameters) {
  const std::string& kind = s.text("optim.optimizer");
  if (kind == "sgd")
    return std::make_unique<Sgd>(std::move(parameters),
                                 Sgd::Options{.lr = s.number("optim.lr"),
                                              .momentum = s.number("optim.momentum"),
                                              .nesterov = s.flag("optim.nesterov"),
                                              .weight_decay = s.number("optim.weight_decay")});
  const Adam::Options options{.lr = s.number("optim.lr"),
                              .beta1 = s.number("optim.beta1"),
                              .beta2 = s.number("optim.beta2"),
                              .eps = s.number("optim.eps"),
                              .weight_decay = s.number("optim.weight_decay"),
                              .bias_correction = s.flag("optim.bias_correction")};
  if (kind == "adam") return std::make_unique<Adam>(std::move(parameters), options);
  return std::make_unique<AdamW>(std::move(parameters), options);
}

Schedule make_schedule(const Settings& s, std::int64_t steps) {
  const double lr = s.number("optim.lr");
  return {.shape = schedule_shape(s.text("optim.schedule")),
          .base = lr,
          .warmup = s.integer("optim.warmup"),
          .total = steps,
          .last = lr > 0 ? s.number("optim.final_lr") / lr : 0,
          .every = s.integer("optim.step_every"),
          .factor = s.number("optim.step_gamma")};
}

// A log of one JSON object a line. A line is in the file, whole, before anything else happens.
class LineFile {
 public:
  explicit LineFile(std::string path)
      : path_(std::move(path)), file_(std::fopen(path_.c_str(), "ab")) {
    if (!file_) fail_io("train", "open", path_, errno);
  }
  ~LineFile() { std::fclose(file_); }
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;
  void write(const std::string& line) {
    if (std::fwrite((line + "\n").data(), 1, line.size() + 1, file_) != line.size() + 1 ||
        std::fflush(file_) != 0)
      fail_io("train", "write", path_, errno);
  }

 private:
  std::string path_;
  std::FILE* file_;
};

// Keeps the lines up to `step`; a last line that a kill cut short goes, too. Returns the "seconds" of the last one kept.
double cut_lines(const std::string& path, std::int64_t step) {
  double seconds = 0;
  if (!exists(path)) return seconds;
  const std::string text = read_file(path);
  std::string kept;
  for (std::size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto line = nlohmann::json::parse(text.begin() + at, text.begin() + end, nullptr, false);
    if (!line.is_object() || !line.contains("step") || !line["step"].is_number() ||
        line["step"].get<double>() > static_cast<double>(step))
      break;
    kept.append(text, at, end + 1 - at);
    if (line.contains("seconds") && line["seconds"].is_number())
      seconds = line["seconds"].get<double>();
  }
  write_file(path, kept);
  return seconds;
}

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

Device device_of(const Settings& s) {
  const std::string& text = s.text("train.device");
  if (text == "cpu") return {};
  if (text == "emu") return {DeviceType::emu, 0};
  if (text == "cuda") return {DeviceType::cuda, 0};
  if (text.rfind("cuda:", 0) == 0 && text.size() > 5 && text.size() < 8 &&
      text.find_first_not_of("0123456789", 5) == std::string::npos)
    return {DeviceType::cuda, static_cast<std::int8_t>(std::stoi(text.substr(5)))};
  fail("config", "train.device must be cpu, cuda, cuda:N or emu: got \"", text, "\"");
}

}  // namespace

std::string to_json_line(const Metrics& metrics) {
  nlohmann::ordered_json line;
  for (const auto& [name, value] : metrics) {
    if (!std::isfinite(value))
      line[name] = nullptr;
    else if (value == std::floor(value) && std::fabs(value) < 1e15)
      line[name] = static_cast<std::int64_t>(value);
    else
      line[name] = value;
  }
  return line.dump();
}

Trainer::Trainer(Task& task, Settings settings, Batches& train, Batches* validation,
                 std::string folder)
    : task_(task),
      settings_(std::move(settings)),
      train_(train),
      validation_(validation),
      folder_(std::move(folder)) {
  const Device device = device_of(settings_);
  LACUNA_CHECK(settings_.text("train.precision") == "f32" || device.type == DeviceType::cuda,
               "config", "train.precision=", settings_.text("train.precision"),
               " is for cuda: ", device, " computes in f32");
  context_.seed = static_cast<std::uint64_t>(settings_.integer("train.seed"));
  stopping_.patience = settings_.integer("train.patience");
  if (!task_.model().initialized()) task_.model().initialize(context_.seed);
  task_.model().to(device);
  device_ = device;
  for (int phase = 0; phase < task_.phases(); phase++) {
    std::vector<NamedTensor> mine;
    for (const NamedTensor& p : task_.model().parameters())
      if (task_.trains(phase, p.name)) mine.push_back(p);
    optimizers_.push_back(make_optimizer(settings_, std::move(mine)));
  }
  steps_ = settings_.integer("train.steps");
  if (steps_ == 0) steps_ = settings_.integer("train.epochs") * train_.per_epoch();
}

Trainer::~Trainer() = default;

StateDict Trainer::state() {
  StateDict all;
  insert_with_prefix(all, "model.", task_.model().state_dict());
  for (std::size_t i = 0; i < optimizers_.size(); i++)
    insert_with_prefix(all, optimizers_.size() == 1 ? "optim." : "optim." + std::to_string(i) + ".",
                       optimizers_[i]->state_dict());
  insert_with_prefix(all, "state.task.", task_.state());
  all["state.trainer.sums"] = bits_of({log_sum_, epoch_sum_, stopping_.best});
  all["state.trainer.counts"] =
      Tensor::from(std::vector<std::int64_t>{log_count_, epoch_count_, stopping_.bad}, {3});
  return all;
}

void Trainer::save(const std::string& name) {
  for (const NamedTensor& p : task_.model().parameters())
    for (float v : p.tensor.to_vector<float>())
      if (!std::isfinite(v))
        throw RunError("[train] " + p.name + " is not finite after step " + std::to_string(step_) +
                       ": nothing was saved, the last checkpoint is kept; a lower optim.lr or "
                       "optim.clip=1 may help");
  write_safetensors(folder_ + "/" + name, state(),
                    {{"lacuna", "1"},
                     {"task", settings_task()},
                     {"step", std::to_string(step_)},
                     {"config", settings_.to_json()},
                     {"encoder", task_.encoder().architecture()}});
}

const std::string& Trainer::settings_task() const { return settings_.text("task.name"); }

void Trainer::resume() {
  const std::string path = folder_ + "/checkpoint.safetensors";
  if (!exists(path)) {
    // Killed before the first checkpoint: the whole run is made again.
    for (const char* name : {"/metrics.jsonl", "/eval.jsonl"})
      if (exists(folder_ + name)) write_file(folder_ + name, "");
    return;
  }
  const Safetensors saved = read_safetensors(path);
  const auto meta = [&](const char* key) -> const std::string& {
    const auto it = saved.metadata.find(key);
    LACUNA_CHECK(it != saved.metadata.end(), "resume", path,
                 " is not a checkpoint of a run: its metadata has no \"", key, "\"");
    return it->second;
  };
  LACUNA_CHECK(meta("task") == settings_task(), "resume", path, " is of task ", meta("task"),
               ", not ", settings_task());
  Settings before = settings_;
  before.from_json(meta("config"));
  for (const Key& key : settings_.keys()) {
    const std::string name = key.section + "." + key.name;
    LACUNA_CHECK(key.resumable || key.of_machine || key.value == before.key(name).value, "resume",
                 name, " was ", to_string(before.key(name).value), " and cannot become ",
                 to_string(key.value),
                 " in the middle of a run (only steps, epochs, threads and device can); start a "
                 "new one with --init");
  }
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
  log_sum_ = sums[0], epoch_sum_ = sums[1], stopping_.best = sums[2];
  log_count_ = counts[0], epoch_count_ = counts[1], stopping_.bad = counts[2];
  const std::string& step = meta("step");
  LACUNA_CHECK(!step.empty() && step.size() < 18 &&
                   step.find_first_not_of("0123456789") == std::string::npos,
               "resume", path, " has no step: got \"", step, "\"");
  step_ = std::stoll(step);
  LACUNA_CHECK(step_ <= steps_, "resume", "the run has made ", step_,
               " steps already: it cannot end after ", steps_);
  seconds_before_ = cut_lines(folder_ + "/metrics.jsonl", step_);
  cut_lines(folder_ + "/eval.jsonl", step_);
}

Losses Trainer::one_step(const Batch& batch) {
  const Schedule schedule = make_schedule(settings_, steps_);
  const double clip = settings_.number("optim.clip");
  Losses sum;
  for (int phase = 0; phase < task_.phases(); phase++) {
    Losses losses = task_.step(context_, batch, phase);
    Optimizer& optimizer = *optimizers_[phase];
    optimizer.zero_grad();
    const double value = losses.total.item();
    if (!std::isfinite(value)) explain_nonfinite(batch, phase, value);
    backward(losses.total);
    optimizer.lr = schedule.at(step_);
    double scale = 1;
    if (clip > 0) {
      const double norm = global_norm(optimizer.parameters());
      if (!std::isfinite(norm))
        throw RunError("[train] the gradient of step " + std::to_string(step_) +
                       " is not finite; the last checkpoint is kept; a lower optim.lr may help");
      scale = clip_scale(norm, clip);
    }
    optimizer.step(scale);
    sum.parts.merge(losses.parts);
    step_loss_ += value;
  }
  return sum;
}

void Trainer::explain_nonfinite(const Batch& batch, int phase, double loss) {
  std::string first = "no op's output was, when the step was made again";
  set_check_finite(true);
  try {
    task_.step(context_, batch, phase);
  } catch (const Error& e) {
    first = e.what();
  }
  set_check_finite(false);
  throw RunError("[train] the loss of step " + std::to_string(step_) + " is not finite (" +
                 std::to_string(loss) + "); the first cause: " + first +
                 "; the last checkpoint is kept; a lower optim.lr or optim.clip=1 may help");
}

Metrics Trainer::evaluate() {
  NoGrad guard;
  Context context = context_;
  context.training = false;
  context.epoch = 0;  // the same masks every time
  std::map<std::string, double> sums;
  double samples = 0;
  validation_->seek(0);
  for (std::int64_t i = 0; i < validation_->per_epoch(); i++) {
    const Batch batch = validation_->next().to(device_);
    context.ids = row_ids(batch.ids, 1, device_);
    for (int phase = 0; phase < task_.phases(); phase++) {
      const Losses losses = task_.step(context, batch, phase);
      const double weight = static_cast<double>(batch.size());
      sums["loss"] += weight * losses.total.item();
      for (const auto& [name, value] : losses.parts) sums[name] += weight * value.item();
    }
    samples += static_cast<double>(batch.size());
  }
  Metrics metrics{
      {"step", static_cast<double>(step_)}, {"epoch", epoch()}, {"loss", sums["loss"] / samples}};
  for (const auto& [name, sum] : sums)
    if (name != "loss") metrics.emplace_back(name, sum / samples);
  return metrics;
}

double Trainer::epoch() const {
  return static_cast<double>(step_) / static_cast<double>(train_.per_epoch());
}

void Trainer::show(Observer& observer) {
  const Source& source = validation_ ? validation_->source() : train_.source();
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < std::min(settings_.integer("train.pictures"), source.size()); i++)
    ids.push_back(i);
  if (ids.empty()) return;
  NoGrad guard;
  Context context = context_;
  context.training = false;
  context.epoch = 0;
  context.ids = row_ids(ids, 1, device_);
  const auto pictures = task_.pictures(context, read_batch(source, ids).to(device_));
  if (!pictures.empty()) observer.pictures(step_, pictures);
}

void Trainer::run(Observer& observer) {
  const std::int64_t per_epoch = train_.per_epoch();
  const auto every = [&](const char* key) {
    return settings_.integer(key) > 0 ? settings_.integer(key) : per_epoch;
  };
  const std::int64_t log_every = settings_.integer("train.log_every"),
                     eval_every = every("train.eval_every"), save_every = every("train.save_every");
  LineFile metrics_file(folder_ + "/metrics.jsonl"), eval_file(folder_ + "/eval.jsonl");
  observer.started(step_, steps_);
  const auto start = Clock::now();
  auto last_log = start;
  std::int64_t samples = 0;
  bool saved = true, stop = stopping_.should_stop();
  train_.seek(step_);
  while (step_ < steps_ && !stop) {
    context_.epoch = step_ / per_epoch;
    if (step_ % per_epoch == 0) task_.begin_epoch(context_, train_.source());
    const Batch batch = train_.next().to(device_);
    context_.ids = row_ids(batch.ids, 1, device_);
    step_loss_ = 0;
    const Losses losses = one_step(batch);
    step_++;
    samples += batch.size();
    saved = false;
    log_sum_ += step_loss_, log_count_++;
    epoch_sum_ += step_loss_, epoch_count_++;
    observer.stepped(step_, step_loss_);

    const bool last = step_ == steps_;
    if (step_ % log_every == 0 || last) {
      Metrics metrics{
          {"step", static_cast<double>(step_)},
          {"epoch", epoch()},
          {"loss", log_sum_ / static_cast<double>(log_count_)},
          {"lr", optimizers_[0]->lr},
          {"seconds", seconds_before_ + seconds_since(start)},
          {"samples_per_second", static_cast<double>(samples) / seconds_since(last_log)}};
      for (const auto& [name, value] : losses.parts) metrics.emplace_back(name, value.item());
      metrics_file.write(to_json_line(metrics));
      observer.logged(metrics);
      log_sum_ = 0, log_count_ = 0, samples = 0;
      last_log = Clock::now();
    }
    if (step_ % per_epoch == 0) {
      task_.end_epoch(context_, train_.source());
      observer.epoch_ended(step_ / per_epoch, epoch_sum_ / static_cast<double>(epoch_count_));
      epoch_sum_ = 0, epoch_count_ = 0;
    }
    if (step_ % eval_every == 0 || last) {
      if (validation_) {
        const Metrics metrics = evaluate();
        eval_file.write(to_json_line(metrics));
        observer.evaluated(metrics);
        if (stopping_.observe(metrics[2].second)) save("best.safetensors");
        stop = stopping_.should_stop();
        if (stop)
          observer.warned("stopped early: " + std::to_string(stopping_.bad) +
                          " validations without a better loss");
      }
      show(observer);
    }
    stop = stop || observer.interrupted();
    if (step_ % save_every == 0 || last || stop) {
      save("checkpoint.safetensors");
      saved = true;
    }
  }
  if (!saved) save("checkpoint.safetensors");
}

}  // namespace lacuna
