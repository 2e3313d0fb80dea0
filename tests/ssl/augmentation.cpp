// The words in which views are asked for, and what becomes of a batch.
#include "../../ssl/augmentation.h"

#include <set>

#include "../errors.h"
#include "../nn/support.h"
#include "job.h"
#include "vectors.h"

namespace lacuna {

TEST(views, words_say_what_happens) {
  Settings s;
  declare_views(s, "views");
  const Augmentation labels = augmentation_of(s, "views");
  EXPECT_EQ(labels.crop, 1);
  EXPECT_EQ(labels.area[0], 0.08);
  EXPECT_EQ(labels.interpolation, Interpolation::bicubic);
  EXPECT_EQ(labels.flip, 0.5);
  for (double never :
       {labels.jitter, labels.rotate, labels.grey, labels.blur, labels.solarise, labels.cutout})
    EXPECT_EQ(never, 0);
  for (const auto& [key, value] : {std::pair{"crop", "0"},
                                   {"flip", "0.25"},
                                   {"colour", "0.5"},
                                   {"rotate", "45"},
                                   {"grey", "0.1"},
                                   {"blur", "0.2"},
                                   {"solarise", "0.3"},
                                   {"cutout", "12"}})
    s.set(std::string("views.") + key, std::string(value));
  const Augmentation all = augmentation_of(s, "views");
  EXPECT_EQ(all.crop, 0);
  EXPECT_EQ(all.flip, 0.25);
  EXPECT_EQ(all.jitter, 0.8);
  EXPECT_EQ(all.brightness, 0.4);
  EXPECT_EQ(all.contrast, 0.4);
  EXPECT_EQ(all.saturation, 0.4);
  EXPECT_EQ(all.hue, 0.1);
  EXPECT_EQ(all.rotate, 1);
  EXPECT_EQ(all.degrees, 45);
  EXPECT_EQ(all.grey, 0.1);
  EXPECT_EQ(all.blur, 0.2);
  EXPECT_EQ(all.solarise, 0.3);
  EXPECT_EQ(all.cutout, 1);
  EXPECT_EQ(all.cutout_size, 12);
  EXPECT_NO_THROW(validate(all));
}

// What solarise and cutout do to a picture of 200 everywhere.
TEST(views, are_solarised_and_cut_out) {
  Batch batch;
  batch.ids = {0};
  const auto seen = [&](const ViewKeys& keys) {
    batch.fields["image"] = Tensor::from(std::vector<std::uint8_t>(8 * 8 * 3, 200), {1, 8, 8, 3});
    augment({}, augmentation_of(keys), batch);
    const auto values = batch["image"].to_vector<int>();
    return std::set<int>(values.begin(), values.end());
  };
  EXPECT_EQ(seen({.crop = 0, .solarise = 1}), std::set<int>{55});
  EXPECT_EQ(seen({.crop = 0, .cutout = 3}), (std::set<int>{0, 200}));
  EXPECT_EQ(seen({.crop = 0}), std::set<int>{200});
}

// SimCLR's task has the same keys, with the defaults of its recipe.
TEST(views, of_simclr) {
  Settings s;
  declare_run(s, find_task("simclr"));
  const Augmentation recipe = augmentation_of(s, "task");
  EXPECT_EQ(recipe.area[0], 0.2);
  EXPECT_EQ(recipe.interpolation, Interpolation::bilinear);
  EXPECT_EQ(recipe.flip, 0.5);
  EXPECT_EQ(recipe.jitter, 0.8);
  EXPECT_EQ(recipe.grey, 0.1);
  s.set("task.cutout", std::string("8"));
  EXPECT_EQ(augmentation_of(s, "task").cutout_size, 8);
}

TEST(views, depend_on_seed_epoch_and_sample) {
  const Colours data(9, 1);
  const Augmentation recipe = augmentation_of(ViewKeys{.colour = 0.5, .rotate = 30});
  const auto views = [&](const std::vector<std::int64_t>& ids, std::uint64_t seed,
                         std::int64_t epoch) {
    Batch batch = read_batch(data, ids);
    augment({.seed = seed, .epoch = epoch}, recipe, batch);
    EXPECT_EQ(batch["image"].dtype(), Dtype::u8);
    EXPECT_EQ(batch["image"].shape(), (Shape{static_cast<std::int64_t>(ids.size()), 8, 8, 3}));
    EXPECT_EQ(batch["label"].numel(), static_cast<std::int64_t>(ids.size()));
    return batch["image"].to_vector<float>();
  };
  const auto both = views({4, 7}, 1, 2);
  EXPECT_EQ(views({4, 7}, 1, 2), both);
  auto one = views({4}, 1, 2);
  const auto other = views({7}, 1, 2);
  EXPECT_NE(one, other);
  one.insert(one.end(), other.begin(), other.end());
  EXPECT_EQ(one, both);
  EXPECT_NE(views({4, 7}, 2, 2), both);
  EXPECT_NE(views({4, 7}, 1, 3), both);
  // Nothing happens where nothing is asked for.
  Batch batch = read_batch(data, {4, 7});
  const auto before = batch["image"].to_vector<float>();
  augment({}, augmentation_of(ViewKeys{.crop = 0, .flip = 0}), batch);
  EXPECT_EQ(batch["image"].to_vector<float>(), before);
  Batch text;
  text.ids = {0};
  EXPECT_THROWS_WITH(augment({}, recipe, text), "views are made of pictures");
}

}  // namespace lacuna
