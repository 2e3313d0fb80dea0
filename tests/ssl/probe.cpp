// The linear probe, and the protocol around classifiers: controls, shifted sets, and backbones that must not move.
#include "../../ssl/augmented_probe.h"

#include "../../core/ops/elementwise.h"
#include "../../core/ops/shape.h"
#include "../../kernels/cpu/parallel.h"
#include "../../ssl/corrupted.h"
#include "../../ssl/some_rows.h"
#include "../nn/support.h"
#include "job.h"
#include "text_source.h"
#include "vectors.h"

namespace lacuna {
namespace {

using Ids = std::vector<std::int64_t>;

std::unique_ptr<Task> inpainting(const Source& data, std::uint64_t seed) {
  Settings settings;
  declare_run(settings, find_task("inpainting"));
  auto task = find_task("inpainting").make(settings, DataInfo::of(data));
  task->model().initialize(seed);
  return task;
}

LinearProbeOptions quick() { return {.epochs = 30, .batch = 50}; }

}  // namespace

TEST(linear_probe, separates_what_is_separable) {
  LinearProbe probe(quick());
  probe.fit({clusters(300, 10, 5, 4, 1), turns(300, 5)}, 5);
  EXPECT_EQ(probe.guess(clusters(100, 10, 5, 4, 2)), turns(100, 5));
  EXPECT_LT(probe.loss(), 0.01);
}

// Vectors that say nothing: the best constant layer is the logarithm of the classes' shares, and its loss their entropy.
TEST(linear_probe, finds_the_optimum) {
  Ids labels;
  for (int i = 0; i < 400; i++) labels.push_back(i % 4 == 0 ? 1 : 0);
  LinearProbe probe({.epochs = 200, .batch = 400, .weight_decay = 0});
  probe.fit({Tensor::zeros({400, 3}), labels}, 2);
  EXPECT_NEAR(probe.loss(), -(0.25 * std::log(0.25) + 0.75 * std::log(0.75)), 1e-3);
  EXPECT_EQ(probe.guess(Tensor::zeros({2, 3})), (Ids{0, 0}));
}

// Standardised features do not care about scale and place.
TEST(linear_probe, standardises) {
  LinearProbeOptions o = quick();
  o.standardise = true;
  const Tensor x = clusters(300, 6, 3, 1, 1), y = clusters(90, 6, 3, 1, 2);
  const Tensor scale = Tensor::of({1e-3f, 1, 10, 100, 1, 1}, {6}),
               shift = Tensor::of({0, 5, -300, 0, 1, 2}, {6});
  LinearProbe one(o), other(o);
  one.fit({x, turns(300, 3)}, 3);
  other.fit({x * scale + shift, turns(300, 3)}, 3);
  EXPECT_NEAR(one.loss(), other.loss(), 1e-3);
  EXPECT_GE(score_classes(one.guess(y), other.guess(y * scale + shift), 3).accuracy, 0.98);
}

TEST(linear_probe, same_bits_for_any_number_of_threads) {
  const Features train{clusters(300, 40, 5, 0.5, 1), turns(300, 5)};
  const int threads = cpu::threads();
  std::vector<double> losses;
  for (int count : {1, 3, 1}) {
    cpu::set_threads(count);
    LinearProbe probe(quick());
    probe.fit(train, 5);
    losses.push_back(probe.loss());
  }
  cpu::set_threads(threads);
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(losses[0], losses[2]);
}

TEST(linear_probe, errors) {
  EXPECT_THROWS_WITH(LinearProbe({.epochs = 0}), "at least one epoch");
  EXPECT_THROWS_WITH(LinearProbe({.lr = 0}), "rate above 0");
  EXPECT_THROWS_WITH(LinearProbe(quick()).guess(Tensor::zeros({1, 2})), "learned nothing");
  LinearProbeOptions wild = quick();
  wild.lr = 1e38;
  LinearProbe probe(wild);
  EXPECT_THROW(probe.fit({clusters(60, 4, 2, 1, 1) * 1e6, turns(60, 2)}, 2), RunError);
}

TEST(features, of_pixels_and_of_a_network) {
  const Colours data(20);
  const Features pixels = features_of(raw(data), data);
  EXPECT_EQ(pixels.x.shape(), (Shape{20, 192}));
  EXPECT_EQ(pixels.labels, turns(20, 3));
  const Batch third = read_batch(data, {2});
  EXPECT_NEAR(select(select(pixels.x, 0, 2), 0, 5).item(),
              third["image"].to_vector<double>()[5] / 255, 1e-6);
  const auto task = inpainting(data, 1);
  const Features codes = features_of(network("pretrained", *task), data);
  EXPECT_EQ(codes.x.shape(), (Shape{20, 128}));
  EXPECT_EQ(features_of(network("pretrained", *task), data, Ids{2, 7}).x.to_vector<float>()[5],
            select(select(codes.x, 0, 2), 0, 5).item());
}

// A column for each token that there is to learn from; what comes up later has none.
TEST(features, of_text_are_a_bag_of_tokens) {
  FakeText text;
  text.words.size = 6;
  text.samples = {{{1, 4, 4, 0}, {}, 3}, {{2, 1, 3, 3}, {}, 2}};  // 3 and 5 never occur
  const Subject bag = raw(text);
  EXPECT_EQ(bag.represent(read_batch(text, {0, 1})).to_vector<float>(),
            (std::vector<float>{1, 0, 2, 1, 1, 0}));
  Batch later;
  later.ids = {0};
  later.fields["tokens"] = Tensor::from(Ids{5, 3, 2, 2}, {1, 4});
  later.fields["length"] = Tensor::from(Ids{4}, {1});
  EXPECT_EQ(bag.represent(later).to_vector<float>(), (std::vector<float>{0, 2, 0}));
}

TEST(features, errors) {
  Colours data(6);
  data.names = {"red"};
  const Subject pixels = raw(data);
  EXPECT_THROWS_WITH(features_of(pixels, data), "at least two classes: colours has 1");
  data.names = {"red", "green"};
  EXPECT_THROWS_WITH(features_of(pixels, data), "labels of colours are 0 to 1: got 2");
  EXPECT_THROWS_WITH(features_of(pixels, Colours(0)), "has no sample");
  const Subject bad{"bad", [](const Batch& b) { return Tensor::full({b.size(), 2}, NAN); }};
  EXPECT_THROWS_WITH(features_of(bad, Colours(6)), "sample 0 of colours by bad holds a number");
  FakeText none;
  none.samples = {{{1}, {}, 1}};
  EXPECT_THROWS_WITH(raw(none), "needs pictures or text");
}

TEST(probe, judges_every_set_by_one_classifier) {
  const Colours train(60, 1);
  const auto test = std::make_shared<Colours>(30, 2);
  const auto dark = corrupted(test, {"contrast", 5});
  const auto task = inpainting(train, 1);
  KnnClassifier knn({.k = 200, .plain_k = 3});
  LinearClassifier linear({.epochs = 100, .batch = 60});
  for (Classifier* classifier : {static_cast<Classifier*>(&knn), static_cast<Classifier*>(&linear)})
    for (const Subject& subject : {network("pretrained", *task), raw(train)}) {
      const Probe probe(subject, {test.get(), dark.get()});
      const ProbeRow row = probe.run(*classifier, train);
      EXPECT_EQ(row.scores.size(), classifier->rules().size());
      for (const auto& rule : row.scores) EXPECT_EQ(rule.size(), 2u);
      EXPECT_EQ(row.scores.back()[0].accuracy, 1);
      EXPECT_EQ(probe.hash() != 0, subject.backbone != nullptr);
      EXPECT_EQ(probe.width(), subject.backbone ? 128 : 192);
      EXPECT_EQ(row.guess.size(), 30u);
    }
  EXPECT_EQ(knn.first().size(), 30);
  Colours other(30);
  other.names = {"red", "blue", "green"};
  EXPECT_THROWS_WITH(Probe(raw(train), {&other}).run(knn, train),
                     "must have the training data's classes");
  EXPECT_THROWS_WITH(Probe(raw(train), {test.get(), &other}), "must have the same classes");
}

// A backbone that something changes while it is judged: by one bit of a parameter, or of a buffer's last value.
TEST(probe, fails_where_the_backbone_moves) {
  const Colours train(30, 1), test(30, 2);
  const auto task = inpainting(train, 1);
  KnnClassifier knn({.k = 3});
  Subject subject = network("pretrained", *task);
  const auto still = subject.represent;
  const std::uint64_t before = hash_of(task->encoder());
  const Probe probe(subject, {&test});
  EXPECT_EQ(probe.hash(), before);
  EXPECT_EQ(probe.run(knn, train).scores.size(), 2u);
  int calls = 0;  // for the test data, the width and the bank
  subject.represent = [&](const Batch& batch) {
    Tensor last = task->encoder().parameters().back().tensor;
    if (++calls == 2) last.data<float>()[last.numel() - 1] += 1e-6f;
    return still(batch);
  };
  const Probe moving(subject, {&test});
  EXPECT_THROW(moving.run(knn, train), RunError);
  EXPECT_NE(hash_of(task->encoder()), before);
  EXPECT_THROW(probe.run(knn, train), RunError);
  const Probe again(subject, {&test});  // and not any more
  EXPECT_EQ(again.hash(), hash_of(task->encoder()));
  EXPECT_NO_THROW(again.run(knn, train));
}

TEST(probe, hash_sees_names_values_and_buffers) {
  const Colours data(3);
  const auto one = inpainting(data, 1), same = inpainting(data, 1), other = inpainting(data, 2);
  EXPECT_EQ(hash_of(one->encoder()), hash_of(same->encoder()));
  EXPECT_NE(hash_of(one->encoder()), hash_of(other->encoder()));
  EXPECT_NE(hash_of(one->encoder()), hash_of(one->model()));
}

// Colours survive crops and mirrors: the layer learns them from views, and is judged on pictures as they are.
TEST(augmented_probe, learns_from_views) {
  const Colours train(60, 1), test(30, 2);
  const auto task = inpainting(train, 1);
  const int threads = cpu::threads();
  std::vector<double> losses;
  for (int count : {1, 3}) {
    cpu::set_threads(count);
    AugmentedProbe classifier({.epochs = 12, .batch = 20, .lr = 20});
    const ProbeRow row = Probe(network("pretrained", *task), {&test}).run(classifier, train);
    EXPECT_EQ(row.scores[0][0].accuracy, 1);
    EXPECT_LT(classifier.loss(), 0.5);
    losses.push_back(classifier.loss());
  }
  cpu::set_threads(threads);
  EXPECT_EQ(losses[0], losses[1]);
}

// Each epoch sees other views, a sample's own; and the first step's loss is that of a layer of zeros.
TEST(augmented_probe, views_differ_between_epochs_and_not_between_runs) {
  const Colours train(6, 1);
  std::vector<std::vector<float>> seen[2];
  for (auto& run : seen) {
    const Subject spy{"spy", [&](const Batch& batch) {
                        run.push_back(batch["image"].to_vector<float>());
                        return flatten(to(batch["image"], Dtype::f32), 1);
                      }};
    AugmentedProbe classifier({.epochs = 3, .batch = 6, .lr = 1e-12});
    classifier.fit(spy, train, 7);
    EXPECT_NEAR(classifier.loss(), std::log(3.0), 1e-4);
    ASSERT_EQ(run.size(), 4u);  // one for its width
    EXPECT_NE(run[1], run[2]);
    EXPECT_NE(run[2], run[3]);
  }
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(augmented_probe, errors) {
  EXPECT_THROWS_WITH(AugmentedProbe({.augmentation = {.flip = 2}}), "flip must be between 0 and 1");
  EXPECT_THROWS_WITH(AugmentedProbe({}).guess(Tensor::zeros({1, 2})), "learned nothing");
  EXPECT_THROWS_WITH(AugmentedProbe({}).fit(raw(Colours(1)), Colours(0), 0), "has no sample");
}

// Few labels: a list of rows as a source of its own, and a seed for what is drawn.
TEST(probe, learns_from_some_rows) {
  const auto train = std::make_shared<Colours>(60, 1);
  const Colours test(30, 2);
  const auto few = some_rows(train, {58, 3, 7, 3});
  ASSERT_EQ(few->size(), 4);
  EXPECT_EQ(few->classes(), train->classes());
  EXPECT_EQ(few->name(), "4 samples of colours");
  const Batch rows = read_batch(*few, {0, 3});
  EXPECT_EQ(rows["label"].to_vector<std::int64_t>(), (Ids{58 % 3, 0}));
  EXPECT_EQ(rows["image"].to_vector<float>(),
            read_batch(*train, {58, 3})["image"].to_vector<float>());
  EXPECT_THROWS_WITH(some_rows(train, {60}), "sample ids are 0 to 59: got 60");
  EXPECT_THROWS_WITH(read_batch(*few, {4}), "sample ids are 0 to 3: got 4");
  const auto task = inpainting(*train, 1);
  const Probe probe(network("pretrained", *task), {&test});
  KnnClassifier knn({});
  EXPECT_EQ(probe.run(knn, *few).guess.size(), 30u);
  EXPECT_EQ(knn.first().k, 4);  // all of them vote
  LinearClassifier linear({.epochs = 3, .batch = 7});
  const auto loss = [&](std::uint64_t seed) {
    probe.run(linear, *train, seed);
    return linear.loss();
  };
  EXPECT_EQ(loss(1), loss(1));
  EXPECT_NE(loss(1), loss(2));
}

TEST(probe, confusion_counts) {
  EXPECT_EQ(confusion({0, 0, 1, 2, 2}, {0, 1, 1, 0, 2}, 3),
            (std::vector<Ids>{{1, 1, 0}, {0, 1, 0}, {1, 0, 1}}));
  EXPECT_THROW(confusion({0}, {}, 2), Error);
}

}  // namespace lacuna
