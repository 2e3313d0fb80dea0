// SimCLR: a step beside PyTorch's (tests/golden/simclr.py), and the task on built-in pictures.
#include "../../ssl/simclr.h"

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/info_nce.h"
#include "../../core/tape.h"
#include "../../datasets/bags.h"
#include "../../kernels/backend.h"
#include "../../kernels/winograd.h"
#include "../../nn/backbones/torchvision.h"
#include "../../nn/load_encoder.h"
#include "../../nn/optim/lars.h"
#include "../../nn/optim/schedule.h"
#include "../../nn/optim/sgd.h"
#include "../nn/golden.h"
#include "../nn/hashed.h"
#include "job.h"

namespace lacuna {
namespace {

constexpr double kNone = 0;

// A network for two cores in no time.
Job small(std::shared_ptr<const Source> data) {
  Job job("simclr", std::move(data));
  job.set({{"model.backbone", "resnet10"},
           {"model.width", "4"},
           {"model.head_width", "16"},
           {"model.head_out", "8"},
           {"train.batch_size", "8"},
           {"train.epochs", "2"},
           {"train.pictures", "2"},
           {"optim.lr_scaling", "none"}});
  return job;
}

std::map<std::string, std::vector<float>> weights_of(Job& job, const std::string& prefix) {
  std::map<std::string, std::vector<float>> values;
  for (const auto& [name, tensor] : job.task->model().state_dict())
    if (name.rfind(prefix, 0) == 0) values[name] = tensor.to_vector<float>();
  return values;
}

StateDict copies(const Module& model) {
  StateDict copy;
  for (const NamedTensor& p : model.parameters()) copy[p.name] = p.tensor.clone();
  return copy;
}

std::vector<ParameterGroup> vectors_apart(const Module& model) {
  std::map<std::string, bool> vectors;
  for (const NamedTensor& p : model.parameters()) vectors[p.name] = p.tensor.ndim() < 2;
  return {{.holds = [=](const std::string& name) { return vectors.at(name); },
           .weight_decay = kNone,
           .adapt = false}};
}

}  // namespace

// Direct sums, and Winograd's, which round about twice as much; that turns a few ReLUs whose input is next to zero, which the
// gradients show.
class simclr_golden : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { set_winograd(GetParam()); }
  void TearDown() override { set_winograd(true); }
  const double rounding = GetParam() ? 10 : 1;
};
INSTANTIATE_TEST_SUITE_P(all, simclr_golden, testing::Bool(), [](const auto& winograd) {
  return winograd.param ? "winograd" : "direct";
});

TEST_P(simclr_golden, a_step_is_pytorchs) {
  const Safetensors golden = read_safetensors(LACUNA_GOLDEN_DIR "/simclr.safetensors");
  SimclrModel model({.zero_last = false}, {}, 0);
  model.initialize(0);
  const StateDict theirs = hashed_weights(model);
  StateDict ours = from_torchvision(with_prefix(theirs, "encoder."));
  insert_with_prefix(ours, "projection.", with_prefix(theirs, "projection."));
  model.load_state_dict(ours);

  Context context;
  const Tensor views = hashed_views(4, 32), h = model.encoder.forward(context, views);
  const Tensor loss = nt_xent(model.projection.forward(context, h), 0.5);
  const double want = golden.tensors.at("small.loss").to_vector<double>()[0];
  EXPECT_NEAR(loss.item(), want, 2e-6 * rounding * want);
  EXPECT_LE(difference(h, golden.tensors.at("small.features")), 2e-5 * rounding);
  backward(loss);
  const auto worst = [&](const std::string& what, const auto& of, double tolerance) {
    double most = 0;
    for (const NamedTensor& p : model.parameters()) {
      const double error =
          sampled_difference(of(p), golden.tensors.at("small." + what + "." + p.name));
      EXPECT_LE(error, tolerance) << what << " " << p.name;
      most = std::max(most, error);
    }
    std::printf("largest relative difference, %s: %.1e\n", what.c_str(), most);
  };
  worst(
      "grad", [](const NamedTensor& p) { return p.tensor.grad(); }, 1e-3 * rounding);
  for (const NamedTensor& b : model.buffers())
    EXPECT_LE(sampled_difference(b.tensor, golden.tensors.at("small." + b.name)), 1e-5 * rounding)
        << b.name;
  context.training = false;
  EXPECT_LE(difference(model.encoder.forward(context, views), golden.tensors.at("small.evaluated")),
            2e-5 * rounding);

  // What one step adds. Parameters are about 1 and steps down to 1e-6 of that: the difference is good to a few digits.
  const StateDict before = copies(model);
  const auto added = [&](const NamedTensor& p) {
    NoGrad guard;
    return to(p.tensor.detach(), Dtype::f64) - to(before.at(p.name), Dtype::f64);
  };
  Sgd sgd(model.parameters(), {.lr = 0.12, .momentum = 0.9, .weight_decay = 5e-4},
          vectors_apart(model));
  sgd.step();
  worst("sgd", added, 2e-3 * rounding);
  for (const NamedTensor& p : model.parameters()) {
    NoGrad guard;
    Tensor(p.tensor).copy_from(before.at(p.name));
  }
  Lars lars(model.parameters(), {.lr = 0.3, .momentum = 0.9, .eta = 1e-3, .weight_decay = 1e-4},
            vectors_apart(model));
  lars.step();
  worst("lars", added, 2e-3 * rounding);

  const auto rates = golden.tensors.at("rates").to_vector<double>();
  const Schedule schedule{.shape = Schedule::Shape::cosine, .base = 2, .warmup = 4, .total = 12};
  for (std::size_t i = 0; i < rates.size(); i++)
    EXPECT_NEAR(schedule.at(static_cast<std::int64_t>(i)), rates[i], 1e-12) << i;
}

TEST(simclr, heads_are_the_papers) {
  const auto names = [](const ProjectionOptions& o) {
    Sequential head = projection_head(o);
    head.initialize(0);
    std::string all;
    for (const auto& p : head.parameters()) all += p.name + " ";
    return all;
  };
  EXPECT_EQ(names({.in = 4, .layers = 2}), "0.weight 0.bias 2.weight 2.bias ");
  EXPECT_EQ(names({.in = 4, .layers = 3, .norm = true}),
            "0.weight 1.weight 1.bias 3.weight 4.weight 4.bias 6.weight 7.weight ");
}

// Views that differ in nothing but left and right: the loss reaches its floor, where pictures are as far apart as can be.
TEST(simclr_task, overfits_a_handful_of_samples) {
  if (std::getenv("LACUNA_SMALL"))
    GTEST_SKIP() << "LACUNA_SMALL: these are too many steps under a sanitizer";
  Job job = small(make_shapes({.size = 4}));
  job.set({{"task.crop", "1"},
           {"task.colour", "0"},
           {"task.grey", "0"},
           {"train.batch_size", "4"},
           {"train.steps", "300"},
           {"optim.optimizer", "adam"},
           {"optim.weight_decay", "0"},
           {"optim.lr", "5e-3"}});
  const Folder folder("overfit");
  job.run(folder);
  const double start = job.task->loss_start(), floor = job.task->loss_floor();
  EXPECT_NEAR(start, std::log(7.0), 1e-12);
  EXPECT_NEAR(floor, std::log(1 + 6 * std::exp(-(4.0 / 3) / 0.5)), 1e-12);
  const auto losses = folder.values("metrics.jsonl", "loss");
  for (const double loss : losses) EXPECT_GE(loss, floor - 1e-6);
  EXPECT_LT(losses.back() - floor, 0.01 * start);
  EXPECT_LT(folder.values("metrics.jsonl", "alignment").back(), 0.05);
}

TEST(simclr_task, resumes_exactly) {
  Job job = small(make_shapes({.size = 24}));
  job.validation = make_shapes({.size = 10, .train = false});
  job.set({{"train.eval_every", "2"}, {"optim.optimizer", "lars"}, {"model.head_norm", "true"}});
  expect_exact_resume(job, 3);
}

TEST(simclr_task, logs_what_the_embeddings_look_like) {
  Job job = small(make_shapes({.size = 16}));
  job.set("train.steps", "1");
  const Folder folder("figures");
  job.run(folder);
  const auto value = [&](const char* key) { return folder.values("metrics.jsonl", key)[0]; };
  EXPECT_NEAR(value("loss"), job.task->loss_start(), 0.5);
  EXPECT_GT(value("alignment"), 0);
  EXPECT_LT(value("uniformity"), 0);
  EXPECT_GT(value("feature_std"), 0);
  EXPECT_LT(value("feature_std"), 1);
  EXPECT_GE(value("effective_rank"), 1);
  EXPECT_LE(value("effective_rank"), 7);
  EXPECT_NEAR(value("probe_loss"), std::log(10.0), 1e-5);  // it starts as 0
  EXPECT_GE(value("probe_accuracy"), 0);
}

// Labels reach the probe alone: whatever its rate, all else has the same bits.
TEST(simclr_task, the_probe_only_watches) {
  std::map<std::string, std::vector<float>> rest[2], probe[2];
  for (const int i : {0, 1}) {
    Job job = small(make_shapes({.size = 16}));
    job.set({{"task.probe_lr", i ? "0.5" : "0.01"}, {"optim.clip", "0.05"}});
    job.run(Folder("probe"));
    rest[i] = weights_of(job, "encoder.");
    rest[i].merge(weights_of(job, "projection."));
    probe[i] = weights_of(job, "probe.");
  }
  EXPECT_EQ(probe[0].size(), 2u);
  EXPECT_NE(probe[0], probe[1]);
  EXPECT_EQ(rest[0], rest[1]);
}

TEST(simclr_task, the_probe_learns) {
  Job job = small(make_shapes({.size = 64}));
  job.set({{"train.batch_size", "32"}, {"train.epochs", "30"}, {"optim.lr", "0"}});
  EXPECT_EQ(job.settings.number("task.probe_lr"), 0.1);
  job.set({{"optim.lr", "1e-3"}, {"train.log_every", "10"}});
  const Folder folder("learns");
  job.run(folder);
  const auto losses = folder.values("metrics.jsonl", "probe_loss");
  EXPECT_LT(losses.back(), losses.front() - 0.05);
}

TEST(simclr_task, rates_follow_batch_and_epochs) {
  Job job = small(make_shapes({.size = 32}));
  job.set({{"optim.lr_scaling", "linear"},
           {"optim.lr", "0.64"},
           {"optim.warmup_epochs", "0.75"},
           {"train.epochs", "2"}});
  const Folder folder("rates");
  job.run(folder);
  const Schedule schedule{
      .shape = Schedule::Shape::cosine, .base = 0.64 * 8 / 256, .warmup = 3, .total = 8};
  const auto rates = folder.values("metrics.jsonl", "lr");
  ASSERT_EQ(rates.size(), 8u);
  for (int i = 0; i < 8; i++) EXPECT_NEAR(rates[i], schedule.at(i), 1e-15) << i;
  job.set("optim.lr_scaling", "sqrt");
  EXPECT_NEAR(learning_rate(job.settings), 0.64 * std::sqrt(8.0), 1e-15);
}

TEST(simclr_task, takes_all_of_a_class_where_it_is_told_labels) {
  Job job = small(make_shapes({.size = 16}));
  job.set({{"task.loss", "supcon"},
           {"train.batch_size", "16"},
           {"train.steps", "120"},
           {"train.epochs", "0"},
           {"optim.lr", "0.1"},
           {"task.temperature", "0.2"}});
  const Folder folder("supcon");
  job.run(folder);
  const auto losses = folder.values("metrics.jsonl", "loss");
  EXPECT_LT(losses.back(), losses.front() - 0.3);
  for (const double loss : losses) EXPECT_GE(loss, job.task->loss_floor());
}

TEST(simclr_task, shows_the_views) {
  Job job = small(make_shapes({.size = 16}));
  job.set("train.steps", "1");
  job.run(Folder("views"));
  Context context{.ids = row_ids({3, 5})};
  const Batch batch = read_batch(*job.data, {3, 5});
  const auto pictures = job.task->pictures(context, batch);
  ASSERT_EQ(pictures.size(), 6u);
  EXPECT_EQ(pictures[1].name, "original");
  EXPECT_EQ(pictures[2].name, "first");
  EXPECT_EQ(pictures[5].name, "second");
  for (const Picture& p : pictures) EXPECT_EQ(p.pixels.shape(), (Shape{32, 32, 3}));
  EXPECT_NE(pictures[2].pixels.to_vector<int>(), pictures[4].pixels.to_vector<int>());
}

TEST(simclr_task, an_encoder_is_loaded_from_its_checkpoint) {
  Job job = small(make_shapes({.size = 16}));
  const Folder folder("encoder");
  job.run(folder);
  const auto encoder = load_encoder(folder.file("checkpoint.safetensors"));
  Context context{.training = false};
  const Batch batch = read_batch(*job.data, {1, 2});
  const Tensor pixels = to(batch["image"], Dtype::f32) / 255.0;
  EXPECT_EQ(encoder->forward(context, pixels).to_vector<float>(),
            job.task->represent(context, batch).to_vector<float>());
}

TEST(simclr_task, refuses_what_cannot_work) {
  const auto error = [](const char* key, const char* value) {
    Job job = small(make_shapes({.size = 16}));
    job.set(key, value);
    return error_of([&] { job.run(Folder("refused")); });
  };
  EXPECT_NE(error("train.batch_size", "1").find("train.batch_size must be at least 2"),
            std::string::npos);
  EXPECT_NE(error("train.accumulate", "2").find("train.accumulate must be 1"), std::string::npos);
  struct Unlabelled : Source {
    std::int64_t size() const override { return 4; }
    std::vector<Field> fields() const override { return {{"image", Dtype::u8, {8, 8, 3}}}; }
    void read(std::int64_t, std::span<std::byte* const>) const override {}
    std::string name() const override { return "unlabelled"; }
  };
  Job job = small(std::make_shared<Unlabelled>());
  job.set("task.loss", "supcon");
  EXPECT_NE(error_of([&] { job.run(Folder("refused")); }).find("needs labels"), std::string::npos);
}

class simclr_device : public OnDevice {};
LACUNA_ON_DEVICES(simclr_device);

TEST_P(simclr_device, trains_as_cpu_does_recorded_or_not) {
  Job job = small(make_shapes({.size = 12}));
  job.set({{"train.batch_size", "4"}, {"train.epochs", "1"}, {"task.size", "8"}});
  const auto [want, got] = losses(job);
  ASSERT_EQ(got.size(), 3u);
  for (std::size_t i = 0; i < want.size(); i++) EXPECT_NEAR(got[i], want[i], 1e-4 * want[i]);
  job.set("train.graph", "true");
  const Folder recorded("recorded");
  job.run(recorded);
  EXPECT_EQ(recorded.values("metrics.jsonl", "loss"), got);
}

// Pictures of one colour each: 10, 20, 30, ...
struct Plain : Source {
  std::int64_t size() const override { return 8; }
  std::vector<Field> fields() const override { return {{"image", Dtype::u8, {8, 8, 3}}}; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    std::fill_n(out[0], 8 * 8 * 3, static_cast<std::byte>(10 * (index + 1)));
  }
  std::string name() const override { return "plain"; }
};

TEST(simclr_task, the_second_views_are_of_partners_where_that_is_asked_for) {
  const std::shared_ptr<const Source> bags =
      make_bags(std::make_shared<Plain>(), {{{0, 1}, {2, 3}, {4, 5}, {6}}, {{0}, {1}, {2}, {3}}});
  const Batch batch = read_batch(*bags, {0, 1, 2, 3});
  const auto colour = [](const Tensor& pixels) { return pixels.to_vector<int>()[0]; };
  for (const char* positives : {"views", "partners"}) {
    const bool partners = std::string(positives) == "partners";
    Job job = small(bags);
    job.set({{"task.positives", positives}, {"task.colour", "0"}, {"task.grey", "0"}});
    const auto task = find_task("simclr").make(job.settings, DataInfo::of(*bags));
    Context context{.training = true};
    context.ids = Tensor::from(std::vector<std::int64_t>{0, 0, 1, 0, 2, 0, 3, 0}, {4, 2});
    int of_first = 0, of_partner = 0;
    for (const Picture& p : task->pictures(context, batch)) {
      if (p.name != "first" && p.name != "second") continue;
      const bool first = p.name == "first";
      const Tensor& of = batch[partners && !first ? "partner" : "image"];
      EXPECT_EQ(colour(p.pixels), colour(select(of, 0, first ? of_first++ : of_partner++)));
    }
    EXPECT_EQ(of_first, 4);
    EXPECT_EQ(of_partner, 4);
  }
}

TEST(simclr_task, on_bags_resumes_exactly) {
  Job job = small(make_cases({.size = 20}));
  job.set("task.positives", "partners");
  expect_exact_resume(job, 3);
}

TEST(simclr_task, partners_need_bags) {
  Job job = small(make_shapes({.size = 20}));
  job.set("task.positives", "partners");
  EXPECT_EQ(error_of([&] { job.run(Folder("refused")); }),
            "[simclr] task.positives=partners needs bags of pictures (bags:, cases): got shapes "
            "(train)");
}

}  // namespace lacuna
