#include "trainer.h"

#include <chrono>
#include <cmath>
#include <set>

#include "../core/graph.h"
#include "../core/ops/concat.h"
#include "../core/ops/elementwise.h"
#include "../core/ops/shape.h"
#include "../core/staging.h"
#include "../core/tape.h"
#include "../kernels/cublaslt.h"
#include "../nn/optim/adam.h"
#include "../nn/optim/clip.h"
#include "../nn/optim/lamb.h"
#include "../nn/optim/lars.h"
#include "../nn/optim/schedule.h"
#include "../nn/optim/sgd.h"
#include "captured_step.h"
#include "pieces.h"

namespace lacuna {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::unique_ptr<Optimizer> make_optimizer(const Settings& s, const Task& task,
                                          std::vector<NamedTensor> parameters) {
  const std::string& kind = s.text("optim.optimizer");
  // Parameters that are treated alike make a group.
  std::map<std::pair<double, bool>, std::set<std::string>> alike;
  for (const NamedTensor& p : parameters) alike[{task.lr_scale(p), task.decays(p)}].insert(p.name);
  std::vector<ParameterGroup> groups;
  for (const auto& [how, names] : alike) {
    const auto& [scale, decays] = how;
    ParameterGroup group{
        .holds = [names = names](const std::string& name) { return names.count(name) != 0; },
        .lr_scale = scale,
        .adapt = decays};
    if (!decays) group.weight_decay = 0;
    groups.push_back(std::move(group));
  }
  const double lr = learning_rate(s);
  if (kind == "sgd")
    return std::make_unique<Sgd>(std::move(parameters),
                                 Sgd::Options{.lr = lr,
                                              .momentum = s.number("optim.momentum"),
                                              .nesterov = s.flag("optim.nesterov"),
                                              .weight_decay = s.number("optim.weight_decay")},
                                 groups);
  if (kind == "lars")
    return std::make_unique<Lars>(std::move(parameters),
                                  Lars::Options{.lr = lr,
                                                .momentum = s.number("optim.momentum"),
                                                .eta = s.number("optim.trust"),
                                                .weight_decay = s.number("optim.weight_decay")},
                                  groups);
  if (kind == "lamb")
    return std::make_unique<Lamb>(std::move(parameters),
                                  Lamb::Options{.lr = lr,
                                                .beta1 = s.number("optim.beta1"),
                                                .beta2 = s.number("optim.beta2"),
                                                .eps = s.number("optim.eps"),
                                                .weight_decay = s.number("optim.weight_decay"),
                                                .bias_correction = s.flag("optim.bias_correction")},
                                  groups);
  const Adam::Options options{.lr = lr,
                              .beta1 = s.number("optim.beta1"),
                              .beta2 = s.number("optim.beta2"),
                              .eps = s.number("optim.eps"),
                              .weight_decay = s.number("optim.weight_decay"),
                              .bias_correction = s.flag("optim.bias_correction")};
  if (kind == "adam") return std::make_unique<Adam>(std::move(parameters), options, groups);
  return std::make_unique<AdamW>(std::move(parameters), options, groups);
}

Schedule make_schedule(const Settings& s, std::int64_t steps, std::int64_t per_epoch) {
  const double lr = learning_rate(s), epochs = s.number("optim.warmup_epochs");
  return {.shape = schedule_shape(s.text("optim.schedule")),
          .base = lr,
          .warmup = epochs > 0 ? std::llround(epochs * static_cast<double>(per_epoch))
                               : s.integer("optim.warmup"),
          .total = steps,
          .last = lr > 0 ? s.number("optim.final_lr") / lr : 0,
          .every = s.integer("optim.step_every"),
          .factor = s.number("optim.step_gamma")};
}

}  // namespace

Trainer::Trainer(Task& task, Settings settings, Batches& train, Batches* validation,
                 std::string folder, std::string tokenizer)
    : task_(task),
      settings_(std::move(settings)),
      train_(train),
      validation_(validation),
      folder_(std::move(folder)),
      tokenizer_(std::move(tokenizer)),
      data_(description_of(train.source())) {
  const Device device = parse_device(settings_.text("train.device"));
  context_.activations = use_precision(settings_);
  const bool lt = settings_.text("train.gemm") == "cublaslt";
  LACUNA_CHECK(!lt || device.type == DeviceType::cuda, "config",
               "train.gemm=cublaslt is for cuda: got ", device);
  cublaslt::use(lt);
  context_.seed = static_cast<std::uint64_t>(settings_.integer("train.seed"));
  stopping_.patience = settings_.integer("train.patience");
  if (!task_.model().initialized()) task_.model().initialize(context_.seed);
  task_.model().to(device);
  device_ = device;
  for (int phase = 0; phase < task_.phases(); phase++) {
    std::vector<NamedTensor> mine, in_norm;
    for (const NamedTensor& p : task_.model().parameters()) {
      if (!task_.trains(phase, p.name)) continue;
      mine.push_back(p);
      if (task_.counts_in_norm(p)) in_norm.push_back(p);
    }
    in_norm_.push_back(std::move(in_norm));
    optimizers_.push_back(make_optimizer(settings_, task_, std::move(mine)));
  }
  part_names_.resize(optimizers_.size());
  if (settings_.flag("train.graph")) {
    LACUNA_CHECK(Graph::possible(device), "config", "train.graph=true is for cuda and emu: got ",
                 device);
    LACUNA_CHECK(settings_.integer("train.accumulate") == 1, "config",
                 "train.graph=true is for whole batches: got train.accumulate ",
                 settings_.integer("train.accumulate"));
    LACUNA_CHECK(task_.repeats(), "config", "train.graph=true: a step of ",
                 settings_.text("task.name"),
                 " is not the same work each time, which a graph needs");
    captured_ = std::make_unique<CapturedStep>(context_, optimizers_);
  }
  steps_ = settings_.integer("train.steps");
  if (steps_ == 0) steps_ = settings_.integer("train.epochs") * train_.per_epoch();
  if (validation_) try_validation();
}

Trainer::~Trainer() = default;

// Forward, backward, clipping and the optimizer's step, all of it on the device: nothing here waits for it or asks what
// came out, so that it can be captured. Gives (2 + parts): the loss, the gradients' scale, the further losses.
Tensor Trainer::update(const Batch& batch, int phase) {
  Optimizer& optimizer = *optimizers_[phase];
  optimizer.zero_grad();
  const Losses losses =
      add_gradients(task_, context_, batch, phase, settings_.integer("train.accumulate"));
  NoGrad guard;
  const Tensor scale =
      step_scale(losses.total.detach(), in_norm_[phase], settings_.number("optim.clip"));
  optimizer.step(scale);
  std::vector<Tensor> results{reshape(losses.total, {1}), scale};
  part_names_[phase].clear();
  for (const auto& [name, value] : losses.parts) {
    part_names_[phase].push_back(name);
    results.push_back(reshape(to(value, scale.dtype()), {1}));
  }
  return concat(results);
}

void Trainer::start_step(const Staged& now) {
  const Schedule schedule = make_schedule(settings_, steps_, train_.per_epoch());
  for (auto& optimizer : optimizers_) optimizer->lr = schedule.at(step_);
  const auto all_phases = [this](const Batch& batch) {
    std::vector<Tensor> results;
    for (int phase = 0; phase < task_.phases(); phase++) results.push_back(update(batch, phase));
    return results;
  };
  context_.ids = now.ids;
  results_ = captured_ ? captured_->run(now, all_phases) : all_phases(now.batch);
}

// Waits for the step. A loss or a gradient that is not finite has changed no parameter: update()'s scale was NaN.
std::map<std::string, double> Trainer::finish_step(const Batch& batch) {
  std::map<std::string, double> parts;
  step_loss_ = 0;
  for (std::size_t phase = 0; phase < results_.size(); phase++) {
    const std::vector<double> values = results_[phase].to_vector<double>();
    const double loss = values[0], scale = values[1];
    if (!std::isfinite(loss)) explain_nonfinite(batch, static_cast<int>(phase), loss);
    if (std::isnan(scale))
      throw RunError("[train] the gradient of step " + std::to_string(step_ + 1) +
                     " is not finite; the last checkpoint is kept; a lower optim.lr may help");
    step_loss_ += loss;
    for (std::size_t i = 0; i < part_names_[phase].size(); i++)
      parts.emplace(part_names_[phase][i], values[2 + i]);
  }
  return parts;
}

void Trainer::explain_nonfinite(const Batch& batch, int phase, double loss) {
  std::string first = "no op's output was, when the step was made again";
  try {
    CheckFinite guard;
    task_.step(context_, batch, phase);
  } catch (const Error& e) {
    first = e.what();
  }
  throw RunError("[train] the loss of step " + std::to_string(step_ + 1) + " is not finite (" +
                 std::to_string(loss) + "); the first cause: " + first +
                 "; the last checkpoint is kept; a lower optim.lr or optim.clip=1 may help");
}

std::int64_t Trainer::every(const char* key) const {
  const std::int64_t steps = settings_.integer(key);
  return steps > 0 ? steps : train_.per_epoch();
}

double Trainer::epoch() const {
  return static_cast<double>(step_) / static_cast<double>(train_.per_epoch());
}

void Trainer::show(Observer& observer) {
  observer.show(step_);
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
  const std::int64_t per_epoch = train_.per_epoch(), log_every = every("train.log_every"),
                     eval_every = every("train.eval_every"), save_every = every("train.save_every");
  MetricsFile metrics_file(folder_ + "/metrics.jsonl"), eval_file(folder_ + "/eval.jsonl");
  observer.started(step_, steps_);
  const auto start = Clock::now();
  auto last_log = start;
  std::int64_t samples = 0, logged = step_;
  // A line that is written only because the run ends is one too many for a run that goes on: its sums go on, too.
  const auto log = [&] {
    const double count = static_cast<double>(log_count_);
    Metrics metrics{{"step", static_cast<double>(step_)},
                    {"epoch", epoch()},
                    {"loss", log_sum_ / count},
                    {"lr", optimizers_[0]->lr},
                    {"seconds", seconds_before_ + seconds_since(start)},
                    {"samples_per_second", static_cast<double>(samples) / seconds_since(last_log)}};
    for (const auto& [name, sum] : part_sums_) metrics.emplace_back(name, sum / count);
    metrics_file.write(metrics);
    observer.logged(metrics);
    if (const std::string line = task_.watch(metrics); !line.empty()) observer.warned(line);
    logged = step_;
    samples = 0;
    last_log = Clock::now();
    if (step_ % log_every == 0) log_sum_ = 0, log_count_ = 0, part_sums_.clear();
  };
  bool saved = true, stop = stopping_.should_stop();
  if (stop && step_ < steps_)
    observer.warned("the run stopped early, after " + std::to_string(stopping_.bad) +
                    " validations without a better loss: it does not go on");
  train_.seek(step_);
  Staging staging(device_);  // the next batch is brought to the device while it works on this one
  if (step_ < steps_ && !stop) staging.put(train_.next());
  while (step_ < steps_ && !stop) {
    context_.epoch = step_ / per_epoch;
    if (step_ % per_epoch == 0) task_.begin_epoch(context_, train_.source());
    const Staged now = staging.take();
    start_step(now);
    if (step_ + 1 < steps_) staging.put(train_.next());
    const auto parts = finish_step(now.batch);
    step_++;
    samples += now.batch.size();
    saved = false;
    log_sum_ += step_loss_, log_count_++;
    epoch_sum_ += step_loss_, epoch_count_++;
    observer.stepped(step_, step_loss_);

    for (const auto& [name, value] : parts) part_sums_[name] += value;
    const bool last = step_ == steps_;
    if (step_ % log_every == 0 || last) log();
    if (step_ % per_epoch == 0) {
      task_.end_epoch(context_, train_.source());
      observer.epoch_ended(step_ / per_epoch, epoch_sum_ / static_cast<double>(epoch_count_));
      epoch_sum_ = 0, epoch_count_ = 0;
    }
    if (step_ % eval_every == 0 || last) {
      if (validation_) {
        const Metrics metrics = evaluate();
        eval_file.write(metrics);
        observer.evaluated(metrics);
        const EarlyStopping before = stopping_;
        if (stopping_.observe(metrics[2].second)) save("best.safetensors");
        stop = stopping_.should_stop();
        // A validation that is made only because the run ends does not count for a run that goes on.
        if (step_ % eval_every != 0) stopping_ = before;
        if (stop)
          observer.warned("stopped early: " + std::to_string(stopping_.bad) +
                          " validations without a better loss");
      }
      show(observer);
    }
    stop = stop || observer.interrupted();
    if (stop && logged != step_) log();
    if (step_ % save_every == 0 || last || stop) {
      save("checkpoint.safetensors");
      saved = true;
    }
  }
  if (!saved) save("checkpoint.safetensors");
}

}  // namespace lacuna
