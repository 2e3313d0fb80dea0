// Task::represent: one vector a sample, by the encoder alone, with nothing drawn.
#include <set>

#include "../../core/ops/reduce.h"
#include "../../core/tape.h"
#include "../../datasets/spec.h"
#include "job.h"

namespace lacuna {
namespace {

std::unique_ptr<Task> make(const std::string& name, const Source& data,
                           std::initializer_list<std::pair<const char*, const char*>> values = {}) {
  Settings settings;
  declare_run(settings, find_task(name));
  for (const auto& [key, value] : values) settings.set(key, std::string(value));
  auto task = find_task(name).make(settings, DataInfo::of(data));
  task->model().initialize(3);
  return task;
}

std::vector<float> represent(Task& task, const Source& data, const std::vector<std::int64_t>& ids,
                             std::uint64_t seed = 0) {
  Context context{.training = false, .seed = seed};
  const Tensor x = task.represent(context, read_batch(data, ids));
  EXPECT_EQ(x.dim(0), static_cast<std::int64_t>(ids.size()));
  EXPECT_EQ(x.ndim(), 2);
  EXPECT_EQ(x.dtype(), Dtype::f32);
  return x.to_vector<float>();
}

// What holds of every task: rows depend on their sample only, and the encoder alone, all of it, makes them.
void expect_representation(Task& task, const Source& data) {
  const auto both = represent(task, data, {4, 7});
  auto one = represent(task, data, {4});
  const auto other = represent(task, data, {7}, 99);
  EXPECT_NE(one, other);
  one.insert(one.end(), other.begin(), other.end());
  ASSERT_EQ(one.size(), both.size());
  for (std::size_t i = 0; i < one.size(); i++) EXPECT_NEAR(one[i], both[i], 1e-5);
  Context context{.training = false};
  backward(sum(task.represent(context, read_batch(data, {4, 7}))));
  std::set<const Storage*> mine;
  for (const NamedTensor& p : task.encoder().parameters()) mine.insert(p.tensor.storage().get());
  int used = 0;
  for (const NamedTensor& p : task.model().parameters()) {
    if (!p.tensor.grad().defined()) continue;
    EXPECT_TRUE(mine.count(p.tensor.storage().get())) << p.name;
    used++;
  }
  EXPECT_GT(used, 0);
}

}  // namespace

TEST(represent, inpainting_hides_nothing) {
  const auto data = make_shapes({.size = 10});
  const auto task = make("inpainting", *data),
             noisy = make("inpainting", *data,
                          {{"task.mask", "block"}, {"task.noise", "0.5"}, {"task.fill", "noise"}});
  expect_representation(*task, *data);
  EXPECT_EQ(represent(*task, *data, {1, 2}).size(), 2u * 128);
  EXPECT_EQ(represent(*task, *data, {1, 2}), represent(*noisy, *data, {1, 2}));
}

TEST(represent, simclr_sees_the_whole_picture) {
  const auto data = make_shapes({.size = 10});
  const auto task = make("simclr", *data, {{"model.backbone", "resnet10"}, {"model.width", "4"}});
  expect_representation(*task, *data);
  EXPECT_EQ(represent(*task, *data, {1, 2}).size(), 2u * 32);
}

TEST(represent, of_text) {
  for (const char* name : {"bert", "gpt"}) {
    const TaskInfo& info = find_task(name);
    Settings settings;
    declare_run(settings, info);
    TextOptions options;
    options.view = info.text(settings);
    const auto data = open_source("stories:40", "train", options);
    const auto task = make(name, *data);
    expect_representation(*task, *data);
    EXPECT_EQ(represent(*task, *data, {1, 2}).size(), 2u * 128) << name;
  }
}

TEST(represent, is_an_error_by_default) {
  struct Other : Task {
    Module& model() override { throw 1; }
    Module& encoder() override { throw 1; }
    Losses step(Context&, const Batch&, int) override { return {}; }
  } other;
  Context context;
  EXPECT_NE(error_of([&] { other.represent(context, {}); }).find("[represent] this task has no"),
            std::string::npos);
}

}  // namespace lacuna
