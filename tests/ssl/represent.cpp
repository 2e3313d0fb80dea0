// Task::represent: one vector a sample, by the encoder alone, with nothing drawn.
#include <set>

#include "../../core/ops/reduce.h"
#include "../../core/tape.h"
#include "../../datasets/spec.h"
#include "../../ssl/features.h"
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

// Pictures whose middle is a ramp and whose edge is white: what the encoder must not see of larger ones.
struct Framed : Source {
  std::int64_t height, width, edge;
  Framed(std::int64_t h, std::int64_t w, std::int64_t e) : height(h), width(w), edge(e) {}
  std::int64_t size() const override { return 2; }
  std::vector<Field> fields() const override { return {{"image", Dtype::u8, {height, width, 1}}}; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    const std::int64_t least = std::min(height, width), top = (height - least) / 2 + edge,
                       left = (width - least) / 2 + edge, side = least - 2 * edge;
    for (std::int64_t y = 0; y < height; y++)
      for (std::int64_t x = 0; x < width; x++) {
        const bool inside = y >= top && y < top + side && x >= left && x < left + side;
        out[0][y * width + x] = static_cast<std::byte>(inside ? 40 + 100 * index : 255);
      }
  }
  std::string name() const override { return "framed"; }
};

// The central 7/8 of the shorter side, as large as views were in training; up to 32 pixels all of it.
TEST(represent, simclr_sees_pictures_as_large_as_its_views_were) {
  const auto vectors = [](const Framed& data, const char* size) {
    const auto task =
        make("simclr", data,
             {{"model.backbone", "resnet10"}, {"model.width", "4"}, {"task.size", size}});
    return represent(*task, data, {0, 1});
  };
  const auto plain = vectors({16, 16, 0}, "0");
  const auto expect_same = [&](const std::vector<float>& seen) {
    ASSERT_EQ(seen.size(), plain.size());
    for (std::size_t i = 0; i < seen.size(); i++) EXPECT_NEAR(seen[i], plain[i], 1e-5);
  };
  expect_same(vectors({16, 16, 0}, "16"));
  expect_same(vectors({64, 64, 4}, "16"));  // 56 of 64
  expect_same(vectors({64, 80, 4}, "16"));
  expect_same(vectors({80, 64, 4}, "16"));
  expect_same(vectors({32, 32, 0}, "16"));
  EXPECT_NE(vectors({64, 64, 5}, "16"), plain);  // one white pixel more is seen
  EXPECT_NE(vectors({32, 32, 1}, "16"), plain);
  EXPECT_NE(vectors({64, 64, 4}, "0"), plain);
}

TEST(represent, raw_pixels_are_as_many_whatever_the_view) {
  const Framed large(16, 16, 2), small(8, 8, 1);
  const Subject subject = raw(large);
  const auto all = subject.represent(read_batch(large, {0, 1}));
  EXPECT_EQ(all.shape(), (Shape{2, 256}));
  EXPECT_EQ(subject.represent(read_batch(small, {0, 1})).shape(), (Shape{2, 256}));
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
