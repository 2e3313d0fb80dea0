#include "../../datasets/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "../../datasets/shapes.h"
#include "support.h"

namespace lacuna::test {
namespace {

using Ids = std::vector<std::int64_t>;

std::shared_ptr<const Counting> counting(std::int64_t n) { return std::make_shared<Counting>(n); }

/// Slow enough that the loader starts its workers.
std::shared_ptr<Counting> slow(std::int64_t n) {
  auto source = std::make_shared<Counting>(n);
  source->before_read = [](std::int64_t) {
    std::this_thread::sleep_for(std::chrono::microseconds(400));
  };
  return source;
}

}  // namespace

TEST(loader, an_epoch_has_each_sample_once_and_epochs_differ) {
  for (std::int64_t n : {1, 2, 7, 64, 1000}) {
    Loader loader(counting(n), {.batch_size = 3, .seed = 5});
    Ids epochs[2];
    for (auto& epoch : epochs)
      for (std::int64_t i = 0; i < loader.per_epoch(); i++) {
        const Batch b = loader.next();
        EXPECT_EQ(b["value"].to_vector<std::int64_t>(), b.ids);
        epoch.insert(epoch.end(), b.ids.begin(), b.ids.end());
      }
    EXPECT_EQ(static_cast<std::int64_t>(epochs[0].size()), n);
    EXPECT_EQ(std::set<std::int64_t>(epochs[0].begin(), epochs[0].end()).size(), epochs[0].size());
    EXPECT_EQ(*std::max_element(epochs[0].begin(), epochs[0].end()), n - 1);
    if (n >= 64) {
      EXPECT_NE(epochs[0], epochs[1]);
    }
    std::sort(epochs[1].begin(), epochs[1].end());
    EXPECT_EQ(epochs[1], Loader(counting(n), {.batch_size = n, .shuffle = false}).next().ids);
  }
}

TEST(loader, the_last_batch_is_what_is_left_or_dropped) {
  Loader keep(counting(10), {.batch_size = 4}),
      drop(counting(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(keep.per_epoch(), 3);
  EXPECT_EQ(drop.per_epoch(), 2);
  keep.seek(2);
  EXPECT_EQ(keep.next().size(), 2);
  EXPECT_EQ(keep.next().size(), 4);  // the next epoch
  drop.seek(2);
  EXPECT_EQ(drop.next().size(), 4);
}

TEST(loader, shuffling_is_uniform_enough) {
  // How often each sample comes first over many epochs: 2,000 epochs of 20 samples, 100 expected, standard deviation
  // 9.7.
  std::vector<int> first(20);
  Loader loader(counting(20), {.batch_size = 20, .seed = 1});
  for (int e = 0; e < 2000; e++) first[loader.ids_of(e)[0]]++;
  for (int count : first) EXPECT_NEAR(count, 100, 50);
}

TEST(loader, seed_decides_the_order) {
  const Loader a(counting(100), {.batch_size = 100, .seed = 1}),
      b(counting(100), {.batch_size = 100, .seed = 2});
  EXPECT_NE(a.ids_of(0), b.ids_of(0));
  EXPECT_EQ(a.ids_of(3), Loader(counting(100), {.batch_size = 100, .seed = 1}).ids_of(3));
}

TEST(loader, seeking_is_the_same_as_having_come_there) {
  for (int threads : {0, 2}) {
    Loader through(slow(23), {.batch_size = 4, .seed = 3, .threads = threads});
    std::vector<Ids> ids;
    for (int i = 0; i < 20; i++) ids.push_back(through.next().ids);
    for (int step : {19, 0, 5, 6, 17, 5}) {
      through.seek(step);
      EXPECT_EQ(through.step(), step);
      EXPECT_EQ(through.next().ids, ids[step]);
      EXPECT_EQ(through.ids_of(step), ids[step]);
    }
    Loader far(counting(23), {.batch_size = 4, .seed = 3, .threads = threads});
    far.seek(std::int64_t{1} << 40);
    EXPECT_GT(far.next().size(), 0);
  }
}

TEST(loader, threads_and_prefetch_change_nothing) {
  const std::shared_ptr<const Source> scenes = make_shapes({.size = 50});
  std::vector<Batch> expected;
  Loader plain(scenes, {.batch_size = 8, .seed = 9, .threads = 0});
  for (int i = 0; i < 30; i++) expected.push_back(plain.next());
  for (int threads : {1, 3})
    for (int prefetch : {1, 2, 7}) {
      Loader loader(slow(50),
                    {.batch_size = 8, .seed = 9, .threads = threads, .prefetch = prefetch});
      Loader images(scenes, {.batch_size = 8, .seed = 9, .threads = threads, .prefetch = prefetch});
      for (const Batch& b : expected) {
        EXPECT_EQ(loader.next().ids, b.ids);
        EXPECT_EQ(images.next()["image"].to_vector<int>(), b["image"].to_vector<int>());
      }
      EXPECT_EQ(loader.workers(), threads);
    }
}

TEST(loader, quick_sources_get_no_workers) {
  Loader loader(counting(1000), {.batch_size = 4, .threads = 2});
  for (int i = 0; i < 100; i++) loader.next();
  EXPECT_EQ(loader.workers(), 0);
}

TEST(loader, ranks_together_are_one_rank) {
  for (int world : {2, 3, 5}) {
    Loader one(counting(33), {.batch_size = 8, .seed = 4});
    std::vector<std::unique_ptr<Loader>> ranks;
    for (int r = 0; r < world; r++)
      ranks.push_back(std::make_unique<Loader>(
          counting(33), LoaderOptions{.batch_size = 8, .seed = 4, .rank = r, .world = world}));
    for (int i = 0; i < 12; i++) {
      Ids together;
      for (auto& rank : ranks) {
        const Batch b = rank->next();
        EXPECT_EQ(b["value"].to_vector<std::int64_t>(), b.ids);
        together.insert(together.end(), b.ids.begin(), b.ids.end());
      }
      EXPECT_EQ(together, one.next().ids);
    }
  }
}

TEST(loader, an_error_in_a_worker_is_thrown_by_next) {
  for (int threads : {0, 1, 3}) {
    auto source = slow(40);
    source->before_read = [](std::int64_t index) {
      std::this_thread::sleep_for(std::chrono::microseconds(400));
      LACUNA_CHECK(index != 31, "reader", "sample 31 is bad");
    };
    Loader loader(source, {.batch_size = 4, .shuffle = false, .threads = threads});
    for (int i = 0; i < 7; i++) EXPECT_EQ(loader.next().ids[0], 4 * i);
    EXPECT_EQ(error_of([&] { loader.next(); }), "[reader] sample 31 is bad");
    EXPECT_EQ(error_of([&] { loader.next(); }), "[reader] sample 31 is bad");
    loader.seek(8);
    EXPECT_EQ(loader.next().ids[0], 32);
  }
}

TEST(loader, workers_stop_while_they_are_busy) {
  std::atomic<int> reading{0};
  auto source = slow(1000);
  source->before_read = [&](std::int64_t) {
    reading++;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  {
    Loader loader(source, {.batch_size = 2, .threads = 3, .prefetch = 16});
    for (int i = 0; i < 5; i++) loader.next();
    loader.seek(100);
  }
  const int after = reading;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(reading, after);
}

TEST(loader, bad_options_are_errors) {
  const auto made = [](const LoaderOptions& o, std::int64_t n = 10) {
    return error_of([&] { Loader(counting(n), o); });
  };
  EXPECT_EQ(made({.batch_size = 0}), "[loader] batch_size must be at least 1: got 0");
  EXPECT_EQ(made({.batch_size = -4}), "[loader] batch_size must be at least 1: got -4");
  EXPECT_EQ(made({.rank = 2, .world = 2}), "[loader] rank must be 0 to world - 1: got rank 2 of 2");
  EXPECT_EQ(made({.batch_size = 2, .world = 3}),
            "[loader] batch_size counts all ranks and must give each a sample: got 2 for 3 ranks");
  EXPECT_EQ(made({.threads = -1}), "[loader] threads must be 0 to 1024: got -1");
  EXPECT_EQ(made({.prefetch = 0}), "[loader] prefetch must be 1 to 65536: got 0");
  EXPECT_EQ(made({}, 0), "[loader] the data must not be empty: got counting");
  EXPECT_EQ(made({.batch_size = 16, .drop_last = true}),
            "[loader] with drop_last the data must fill a batch: got batch_size 16 and 10 samples "
            "in counting");
  Loader loader(counting(1), {});
  EXPECT_EQ(error_of([&] { loader.seek(-1); }), "[loader] the step must not be negative: got -1");
}

}  // namespace lacuna::test
