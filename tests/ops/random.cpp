#include "../../core/ops/random.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/shape.h"
#include "../../kernels/cpu/parallel.h"
#include "case.h"

namespace lacuna::test {
namespace {

Context context(const Tensor& ids = {}) {
  Context ctx;
  ctx.seed = 11;
  ctx.epoch = 2;
  ctx.ids = ids;
  return ctx;
}

// The fill under test, from element 0 of each row on.
using Fill = Tensor (*)(const Shape&, const Context&);
Tensor uniforms(const Shape& s, const Context& c) { return uniform(s, -3, 5, c, "test"); }
Tensor normals(const Shape& s, const Context& c) { return normal(s, 1, 2, c, "test"); }
Tensor coins(const Shape& s, const Context& c) { return bernoulli(s, 0.25, c, "test"); }

float uniform_reference(std::uint32_t w) { return -3 + 8 * uniform_of(w); }
float normal_reference(std::uint32_t w) { return 1 + 2 * normal_of(w); }
float coin_reference(std::uint32_t w) { return BernoulliThreshold(0.25)(w); }

}  // namespace

TEST(random_fill, every_element_is_its_word) {
  const std::vector<std::pair<Fill, float (*)(std::uint32_t)>> fills = {
      {uniforms, uniform_reference}, {normals, normal_reference}, {coins, coin_reference}};
  const Context ctx = context(row_ids({40, (std::int64_t{1} << 40) + 1}, 2));
  const auto ids = ctx.ids.to_vector<std::int64_t>();
  for (const auto& [fill, reference] : fills) {
    for (int n : kSizes) {
      const auto got = fill({4, n}, ctx).to_vector<float>();
      for (int r = 0; r < 4; r++)
        for (int e = 0; e < n; e++)
          ASSERT_EQ(got[r * n + e],
                    reference(draw_word(ctx.key("test"), e, ids[2 * r], ids[2 * r + 1])))
              << r << ' ' << e;
    }
  }
}

TEST(random_fill, does_not_depend_on_batches_or_threads) {
  const std::vector<std::int64_t> samples = {3, 99, 12, 7, 1000000007};
  const std::vector<std::int64_t> order = {2, 0, 4, 1, 3};
  const int before = cpu::threads();
  for (Fill fill : {uniforms, normals, coins}) {
    cpu::set_threads(1);
    const auto whole = fill({5, 40, 33}, context(row_ids(samples))).to_vector<float>();
    cpu::set_threads(3);
    std::vector<std::int64_t> permuted;
    for (auto i : order) permuted.push_back(samples[i]);
    const auto shuffled = fill({5, 40, 33}, context(row_ids(permuted))).to_vector<float>();
    const std::int64_t n = 40 * 33;
    for (int i = 0; i < 5; i++) {
      const auto alone = fill({1, 40, 33}, context(row_ids({permuted[i]}))).to_vector<float>();
      const std::vector<float> want(whole.begin() + order[i] * n,
                                    whole.begin() + (order[i] + 1) * n);
      EXPECT_EQ(std::vector<float>(shuffled.begin() + i * n, shuffled.begin() + (i + 1) * n), want);
      EXPECT_EQ(alone, want);
    }
  }
  cpu::set_threads(before);
}

TEST(random_fill, streams_epochs_seeds_and_views_differ) {
  const auto draw = [](std::uint64_t seed, std::int64_t epoch, const char* stream, int view) {
    Context ctx;
    ctx.seed = seed;
    ctx.epoch = epoch;
    ctx.ids = Tensor::from<std::int64_t>({4, view}, {1, 2});
    return uniform({1, 8}, 0, 1, ctx, stream).to_vector<float>();
  };
  const auto base = draw(1, 1, "a", 0);
  EXPECT_EQ(draw(1, 1, "a", 0), base);
  EXPECT_NE(draw(2, 1, "a", 0), base);
  EXPECT_NE(draw(1, 2, "a", 0), base);
  EXPECT_NE(draw(1, 1, "b", 0), base);
  EXPECT_NE(draw(1, 1, "a", 1), base);
}

TEST(random_fill, with_a_key_all_elements_are_one_row) {
  const RandomKey key = RandomKey::of(5, stream_of("weight"));
  const auto w = uniform({30, 50}, -1, 1, key).to_vector<float>();
  for (int e : {0, 1, 49, 50, 1023, 1024, 1499})
    EXPECT_EQ(w[e], -1 + 2 * uniform_of(draw_word(key, e, 0)));
  const auto z = normal({30, 50}, 0, 1, key, Dtype::f64).to_vector<double>();
  EXPECT_EQ(z[1234], normal_of(draw_word(key, 1234, 0)));
  const auto b = bernoulli({30, 50}, 0.5, key, Dtype::u8).to_vector<int>();
  EXPECT_EQ(b[1234], BernoulliThreshold(0.5)(draw_word(key, 1234, 0)));
  EXPECT_EQ(uniform({}, 2, 2, key).item(), 2);
  EXPECT_EQ(bernoulli({0, 3}, 0.5, key).numel(), 0);
}

TEST(random_fill, has_the_same_bits_on_a_device) {
  const Backend* const emu = find_backend(DeviceType::emu);
  if (!emu) GTEST_SKIP() << "emu is not in this build";
  const Context ctx = context(row_ids({40, 3}, 2));
  const Device device{DeviceType::emu};
  const auto on = [&](Device d) {
    std::vector<float> all;
    for (const Tensor& t : {uniform({4, 33}, -3, 5, ctx, "test", Dtype::f32, d),
                            normal({30, 50}, 1, 2, RandomKey{5}, Dtype::f32, d),
                            to(bernoulli({4, 7}, 0.25, ctx, "test", Dtype::boolean, d), Dtype::f32),
                            Tensor::full({3, 5}, 0.75, Dtype::f32, d)}) {
      EXPECT_EQ(t.device(), d);
      const auto v = t.to_vector<float>();
      all.insert(all.end(), v.begin(), v.end());
    }
    Tensor x = Tensor::zeros({4, 6}, Dtype::f32, d);
    slice(x, 1, 1, 6, 2).fill(3);
    const auto v = x.to_vector<float>();
    all.insert(all.end(), v.begin(), v.end());
    return all;
  };
  EXPECT_EQ(on(device), on({}));
}

TEST(random_fill, errors) {
  const auto text = [](auto f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_EQ(text([] { bernoulli({2}, -0.5, RandomKey{1}); }),
            "[random_fill] a probability is between 0 and 1: got -0.5");
  EXPECT_EQ(text([] { normal({2}, 0, 1, RandomKey{1}, Dtype::i64); }),
            "[random_fill] gives f32 or f64: got y (1, 2) i64 cpu");
  EXPECT_NE(text([] {
              uniform({3, 2}, 0, 1, context(row_ids({1, 2})), "a");
            }).find("got ids (2, 2)"),
            std::string::npos);
}

}  // namespace lacuna::test
