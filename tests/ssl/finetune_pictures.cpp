// Fine-tuning on labelled pictures, its controls, views and shifted sets.
#include "../../ssl/corrupted.h"
#include "../../ssl/finetune.h"
#include "../../ssl/vector_labeller.h"
#include "../nn/support.h"
#include "job.h"
#include "vectors.h"

namespace lacuna {
namespace {

FinetuneOptions quick_on_pictures() {
  FinetuneOptions o;
  o.labels = {0};
  o.seeds = 1;
  o.batch_size = 8;
  o.lr = 3e-3;
  return o;
}

}  // namespace

TEST(finetune, pictures_beside_their_controls) {
  const Colours train(60, 1), test(30, 2);
  Settings settings;
  declare_run(settings, find_task("inpainting"));
  const auto make = [&] { return find_task("inpainting").make(settings, DataInfo::of(train)); };
  const auto trained = make();
  trained->model().initialize(9);
  const std::uint64_t before = hash_of(trained->encoder());
  const auto candidates = vector_candidates(trained->encoder(), make, train);
  FinetuneOptions o = quick_on_pictures();
  o.labels = {6, 30};
  o.seeds = 2;
  o.min_steps = 40;
  o.head_lr = 1e-1;
  const FinetuneReport report = finetune(candidates, train, {&test}, o);
  ASSERT_EQ(report.lines.size(), 2u);
  for (const FinetuneLine& line : report.lines)
    for (const char* arm : {"pretrained", "scratch", "random_frozen", "raw"}) {
      EXPECT_EQ(line.arm(arm).trials[0].size(), 2u);
      EXPECT_GT(line.arm(arm).mean().accuracy, 0.9) << arm << " of " << line.labels;
    }
  EXPECT_EQ(hash_of(trained->encoder()), before);
  EXPECT_THROWS_WITH(report.lines[0].arm("other"), "there is no arm");
  Colours one(6);
  one.names = {"red"};
  EXPECT_THROWS_WITH(vector_candidates(trained->encoder(), make, one), "at least two classes");
}

TEST(finetune, frozen_encoders_stay) {
  const Colours data(12, 1);
  Settings settings;
  declare_run(settings, find_task("inpainting"));
  const auto make = [&] { return find_task("inpainting").make(settings, DataInfo::of(data)); };
  const auto start = make();
  start->model().initialize(9);
  for (const FinetuneCandidate& c : vector_candidates(start->encoder(), make, data)) {
    if (c.name == "raw") continue;
    const auto model = c.make();
    model->initialize(4);
    auto& labeller = dynamic_cast<VectorLabeller&>(*model);
    const auto drawn = hash_of(labeller.task().encoder());
    if (c.start) model->start_from(*c.start);
    EXPECT_EQ(hash_of(labeller.task().encoder()) == hash_of(start->encoder()), c.start != nullptr);
    const auto head = model->state_dict().at("head.weight").to_vector<float>();
    EXPECT_EQ(model->frozen(), c.name == "random_frozen" ? &labeller.task().encoder() : nullptr);
    train_labeller(*model, data, turns(12, 12), {.epochs = 2, .batch_size = 6, .lr = 1e-2});
    EXPECT_EQ(hash_of(labeller.task().encoder()) == drawn, c.name == "random_frozen") << c.name;
    EXPECT_NE(model->state_dict().at("head.weight").to_vector<float>(), head);
  }
}

// A frozen arm whose encoder something moves all the same.
TEST(finetune, fails_where_a_frozen_encoder_moves) {
  struct Moving : VectorLabeller {
    using VectorLabeller::VectorLabeller;
    Tensor loss(Context& context, const Batch& batch, double weight) override {
      Tensor last = task().encoder().parameters().back().tensor;
      last.data<float>()[last.numel() - 1] += 1e-6f;
      return VectorLabeller::loss(context, batch, weight);
    }
  };
  const Colours data(12, 1);
  Settings settings;
  declare_run(settings, find_task("inpainting"));
  const auto candidate = [&](bool frozen) -> std::vector<FinetuneCandidate> {
    return {{"arm", [&settings, &data, frozen]() -> std::unique_ptr<Labeller> {
               auto task = find_task("inpainting").make(settings, DataInfo::of(data));
               task->model().initialize(0);
               return std::make_unique<Moving>(std::move(task), 128, 3, frozen);
             }}};
  };
  FinetuneOptions o = quick_on_pictures();
  o.min_steps = 2;
  EXPECT_THROW(finetune(candidate(true), data, {&data}, o), RunError);
  EXPECT_EQ(finetune(candidate(false), data, {&data}, o).lines.size(), 1u);
}

// Every arm learns from the same views, another one of a picture each epoch, and is judged on pictures as they are.
TEST(finetune, arms_share_their_views_and_tests_have_none) {
  const Colours train(6, 1), test(4, 2);
  const std::shared_ptr<const Source> dark =
      corrupted(std::make_shared<Colours>(4, 2), {"contrast", 5});
  using Seen = std::vector<std::vector<float>>;
  FinetuneOptions o = quick_on_pictures();
  o.min_steps = 0;
  o.epochs = 2;
  o.augmentation = Augmentation{.crop = 1, .flip = 0.5, .rotate = 0.5, .jitter = 1};
  const auto watched = [&] {
    Seen seen[2];
    const auto spy = [](Seen& into) -> std::function<std::unique_ptr<Labeller>()> {
      return [&into]() -> std::unique_ptr<Labeller> {
        return std::make_unique<VectorLabeller>(
            Subject{"spy",
                    [&into](const Batch& batch) {
                      const auto image = batch["image"].to_vector<float>();
                      into.push_back(image);
                      return Tensor::from(image, {batch.size(), 192});
                    }},
            192, 3);
      };
    };
    const FinetuneReport report = finetune(
        {{"pretrained", spy(seen[0])}, {"scratch", spy(seen[1])}}, train, {&test, dark.get()}, o);
    EXPECT_EQ(report.lines[0].arms[0].trials.size(), 2u);
    EXPECT_EQ(report.majority.size(), 2u);
    EXPECT_EQ(seen[0], seen[1]);
    return seen[0];
  };
  const Seen seen = watched();
  ASSERT_EQ(seen.size(), 4u);  // two epochs of one batch, two test sets
  EXPECT_NE(seen[0], seen[1]);
  EXPECT_EQ(seen[2], read_batch(test, {0, 1, 2, 3})["image"].to_vector<float>());
  EXPECT_EQ(seen[3], read_batch(*dark, {0, 1, 2, 3})["image"].to_vector<float>());
  // Sorted by picture they are another set than the pictures themselves.
  auto plain = read_batch(train, {0, 1, 2, 3, 4, 5})["image"].to_vector<float>(), views = seen[0];
  std::sort(plain.begin(), plain.end());
  std::sort(views.begin(), views.end());
  EXPECT_NE(plain, views);
  EXPECT_EQ(watched(), seen);
  o.augmentation.reset();
  auto none = watched()[0];
  std::sort(none.begin(), none.end());
  EXPECT_EQ(none, plain);
}

}  // namespace lacuna
