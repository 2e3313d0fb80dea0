// A training run whose steps are captured and replayed is, bit for bit, the run whose steps are made one by one.
#include "../../ssl/captured_step.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/files.h"
#include "../../core/ops/elementwise.h"
#include "../../datasets/loader.h"
#include "../../ssl/trainer.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;

// Pictures of 8 x 8, small enough for many steps on emu.
struct Little : Source {
  explicit Little(std::int64_t n) : count(n) {}
  std::int64_t size() const override { return count; }
  std::vector<Field> fields() const override { return {{"image", Dtype::u8, {8, 8, 3}}}; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    for (int i = 0; i < 192; i++)
      out[0][i] = static_cast<std::byte>((index * 37 + i * (3 + index % 5)) & 255);
  }
  std::string name() const override { return "little"; }
  std::int64_t count;
};

struct Record : Observer {
  void stepped(std::int64_t, double loss) override { losses.push_back(loss); }
  bool interrupted() override { return static_cast<std::int64_t>(losses.size()) == stop; }
  std::vector<double> losses;
  std::int64_t stop = -1;
};

std::int64_t calls_of(const char* kernel) {
  for (std::size_t i = 0; i < kernel_names().size(); i++)
    if (std::strcmp(kernel_names()[i], kernel) == 0) return kernel_calls()[i];
  return -1;
}

struct Outcome {
  std::vector<double> losses;
  std::string checkpoint;
  std::int64_t updates = 0;  // launched one by one
};

struct Wrapped : Task {  // a task with something of its own
  explicit Wrapped(std::unique_ptr<Task> t) : inner(std::move(t)) {}
  Module& model() override { return inner->model(); }
  Module& encoder() override { return inner->encoder(); }
  Losses step(Context& c, const Batch& b, int phase) override { return inner->step(c, b, phase); }
  std::unique_ptr<Task> inner;
};

class Captured : public testing::Test {
 protected:
  void SetUp() override {
    if (!find_backend(DeviceType::emu)) GTEST_SKIP() << "not in this build";
    declare_run(settings, find_task("inpainting"));
    for (const auto& [key, value] : std::map<std::string, std::string>{{"train.device", "emu"},
                                                                       {"train.batch_size", "4"},
                                                                       {"train.epochs", "3"},
                                                                       {"train.log_every", "1"},
                                                                       {"train.pictures", "0"},
                                                                       {"data.workers", "0"},
                                                                       {"optim.schedule", "cosine"},
                                                                       {"optim.warmup", "3"},
                                                                       {"optim.clip", "0.05"},
                                                                       {"task.mode", "tanh"},
                                                                       {"task.noise", "0.1"},
                                                                       {"task.fill", "mean"}})
      set(key, value);
    folder = fs::temp_directory_path() / ("lacuna_captured_" + std::to_string(::getpid()));
  }
  void TearDown() override { fs::remove_all(folder); }

  std::unique_ptr<Task> task() {
    auto made = find_task("inpainting").make(settings, DataInfo::of(*data));
    made->prepare(*data);
    return made;
  }
  Outcome run(Task& task, std::int64_t stop = -1, bool resume = false) {
    if (!resume) fs::remove_all(folder);
    fs::create_directories(folder);
    Loader loader(data, {.batch_size = settings.integer("train.batch_size"), .threads = 0});
    Trainer trainer(task, settings, loader, nullptr, folder.string());
    if (resume) trainer.resume();
    const std::string kernel = settings.text("optim.optimizer") == "sgd" ? "sgd_step" : "adam_step";
    const std::int64_t before = calls_of(kernel.c_str());
    Record observer;
    observer.stop = stop;
    trainer.run(observer);
    return {observer.losses, read_file((folder / "checkpoint.safetensors").string()),
            calls_of(kernel.c_str()) - before};
  }
  Outcome run(std::int64_t stop = -1, bool resume = false) { return run(*task(), stop, resume); }
  void set(const std::string& key, const std::string& value) { settings.set(key, value); }
  void graph(bool on) { set("train.graph", on ? "true" : "false"); }
  std::string message(Task& task) {
    try {
      run(task);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  Settings settings;
  std::shared_ptr<const Source> data = std::make_shared<Little>(14);  // batches of 4, 4, 4, 2
  fs::path folder;
};

}  // namespace

TEST_F(Captured, replays_are_the_same_run_bit_for_bit) {
  for (const char* optimizer : {"adam", "sgd"}) {
    set("optim.optimizer", optimizer);
    set("optim.momentum", "0.9");
    graph(false);
    const Outcome eager = run();
    ASSERT_EQ(eager.losses.size(), 12u);
    EXPECT_EQ(eager.updates, 12);
    graph(true);
    const Outcome replayed = run();
    EXPECT_EQ(replayed.losses, eager.losses) << optimizer;
    EXPECT_TRUE(replayed.checkpoint == eager.checkpoint) << optimizer;
    // Made one by one: the first step and each epoch's short last one; recorded: once an epoch. The others are replays.
    EXPECT_EQ(replayed.updates, 4 + 3);
  }
}

TEST_F(Captured, a_resumed_run_goes_on_bit_for_bit) {
  graph(false);
  const Outcome whole = run();
  graph(true);
  run(6);
  const Outcome rest = run(-1, true);
  EXPECT_EQ(rest.losses, std::vector<double>(whole.losses.begin() + 6, whole.losses.end()));
  EXPECT_TRUE(rest.checkpoint == whole.checkpoint);
}

// A replay must not change parameters by a loss that is not finite, and the error names the step.
TEST_F(Captured, a_loss_that_is_not_finite_stops_the_run_and_changes_nothing) {
  struct Breaks : Wrapped {  // from the sixth step on, by data alone
    using Wrapped::Wrapped;
    bool repeats() const override { return true; }
    Losses step(Context& c, const Batch& b, int phase) override {
      if (!limit.defined()) limit = Tensor::zeros({}, Dtype::f32, b["image"].device());
      Losses losses = inner->step(c, b, phase);
      losses.total = losses.total / (limit + 1.0);
      return losses;
    }
    Tensor limit;
  };
  graph(true);
  Breaks breaks(task());
  struct Poison : Observer {
    explicit Poison(Breaks& t) : task(t) {}
    void stepped(std::int64_t step, double) override {
      if (step == 6) {
        task.limit.fill(-1);
        for (const NamedTensor& p : task.model().parameters())
          before.push_back(p.tensor.to_vector<float>());
      }
    }
    Breaks& task;
    std::vector<std::vector<float>> before;
  } observer(breaks);
  fs::create_directories(folder);
  Loader loader(data, {.batch_size = 4, .threads = 0});
  Trainer trainer(breaks, settings, loader, nullptr, folder.string());
  std::string text;
  try {
    trainer.run(observer);
  } catch (const RunError& e) {
    text = e.what();
  }
  EXPECT_NE(text.find("the loss of step 7 is not finite"), std::string::npos) << text;
  EXPECT_NE(text.find("[div]"), std::string::npos) << text;
  std::size_t i = 0;
  for (const NamedTensor& p : breaks.model().parameters())
    EXPECT_EQ(p.tensor.to_vector<float>(), observer.before.at(i++)) << p.name;
}

TEST_F(Captured, tasks_that_cannot_be_captured_are_told_so) {
  struct Asks : Wrapped {
    using Wrapped::Wrapped;
    bool repeats() const override { return true; }
    Losses step(Context& c, const Batch& b, int phase) override {
      Losses losses = inner->step(c, b, phase);
      (void)losses.total.item();
      return losses;
    }
  };
  graph(true);
  Wrapped changes(task());
  EXPECT_NE(
      message(changes).find("[config] train.graph=true: a step of inpainting is not the same"),
      std::string::npos);
  Asks asks(task());
  const std::string text = message(asks);
  EXPECT_NE(text.find("[train] this step cannot be captured; train.graph=false runs it as it is: "
                      "[copy] a step that is captured cannot exchange data with the host"),
            std::string::npos)
      << text;
  set("train.device", "cpu");
  EXPECT_NE(message(asks).find("[config] train.graph=true is for cuda and emu: got cpu"),
            std::string::npos);
}

}  // namespace lacuna
