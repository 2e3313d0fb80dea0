// A cache that is fed token by token gives what attention over all tokens gives.
#include "../../core/ops/kv_cache.h"

#include <gtest/gtest.h>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/backend.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

constexpr std::int64_t kBatch = 2, kHeads = 3, kDepth = 20, kTokens = 150;

Tensor tokens(std::uint64_t seed, Device device) {
  return make_input({{kBatch, kHeads, kTokens, kDepth}}, seed, Dtype::f32, device);
}

class Cache : public testing::TestWithParam<DeviceType> {};

TEST_P(Cache, token_by_token_is_attention_over_all) {
  const Device device{GetParam(), 0};
  const Backend* backend = find_backend(device.type);
  if (!backend || backend->device_count() == 0) GTEST_SKIP() << "no such device";
  const Tensor q = tokens(1, device), k = tokens(2, device), v = tokens(3, device);
  for (const AttentionOptions& options :
       {AttentionOptions{.causal = true}, AttentionOptions{.causal = true, .window = 37}}) {
    KvCache cache(kBatch, kHeads, kTokens + 10, kDepth, device);
    Tensors parts;
    for (std::int64_t i = 0, n; i < kTokens; i += n) {
      n = i == 0 ? 130 : i == 130 ? 5 : 1;  // a prompt, a few at once, then one by one
      const auto some = [&](const Tensor& x) { return slice(x, 2, i, i + n); };
      parts.push_back(cache.attend(some(q), some(k), some(v), options));
      EXPECT_EQ(cache.length(), i + n);
    }
    const Tensor want = attention(q, k, v, options);
    EXPECT_LE(relative_error(concat(parts, 2).to_vector<double>(), want.to_vector<double>()), 1e-5);
    EXPECT_EQ(cache.keys().to_vector<float>(), k.to_vector<float>());
    EXPECT_EQ(cache.values().to_vector<float>(), v.to_vector<float>());
  }
}

INSTANTIATE_TEST_SUITE_P(kv_cache, Cache,
                         testing::Values(DeviceType::cpu, DeviceType::emu, DeviceType::cuda),
                         [](const auto& info) -> std::string {
                           return info.param == DeviceType::cpu   ? "cpu"
                                  : info.param == DeviceType::emu ? "emu"
                                                                  : "cuda";
                         });

}  // namespace

TEST(kv_cache, appends_in_place) {
  KvCache cache(kBatch, kHeads, kTokens, kDepth);
  const Tensor x = tokens(1, {});
  cache.append(slice(x, 2, 0, 9), slice(x, 2, 0, 9));
  const Tensor before = cache.keys();
  cache.append(slice(x, 2, 9, 10), slice(x, 2, 9, 10));
  EXPECT_EQ(before.storage(), cache.keys().storage());
  EXPECT_EQ(before.data<float>(), cache.keys().data<float>());
  EXPECT_EQ(before.to_vector<float>(), slice(x, 2, 0, 9).to_vector<float>());
}

TEST(kv_cache, forgets) {
  KvCache cache(kBatch, kHeads, kTokens, kDepth);
  const Tensor x = tokens(1, {}), one = slice(x, 2, 50, 51);
  cache.attend(x, x, x);
  cache.reset(4);
  const auto y = cache.attend(one, one, one).to_vector<float>();
  cache.reset();
  EXPECT_EQ(cache.length(), 0);
  cache.append(slice(x, 2, 0, 4), slice(x, 2, 0, 4));
  EXPECT_EQ(cache.attend(one, one, one).to_vector<float>(), y);
}

TEST(kv_cache, records_nothing) {
  KvCache cache(kBatch, kHeads, kTokens, kDepth);
  Tensor x = tokens(1, {});
  x.requires_grad();
  EXPECT_FALSE(cache.attend(x, x, x).needs_grad());
  EXPECT_FALSE(cache.keys().needs_grad());
}

TEST(kv_cache, errors) {
  KvCache cache(1, 2, 3, 4);
  const Tensor x = Tensor::zeros({1, 2, 2, 4});
  cache.append(x, x);
  EXPECT_EQ(error_of([&] { cache.append(x, x); }),
            "[kv_cache] there is room for 3 tokens: got 2 more than the 2 that are there");
  EXPECT_EQ(error_of([&] {
              cache.append(x, Tensor::zeros({1, 2, 1, 4}));
            }),
            "[kv_cache] needs k and v (batch, heads, tokens, depth) of the cache's sizes, type and "
            "device: got k (1, 2, 2, 4) f32 cpu, v (1, 2, 1, 4) f32 cpu for cache (1, 2, 3, 4) f32 "
            "cpu");
  EXPECT_EQ(error_of([&] { cache.reset(3); }),
            "[kv_cache] can forget down to 0 to 2 tokens: got 3");
  EXPECT_EQ(error_of([] { KvCache(1, 1, 1, 0); }),
            "[kv_cache] needs sizes of at least 0 and a depth of at least 1: got batch 1, heads 1, "
            "capacity 1, depth 0");
  EXPECT_EQ(cache.length(), 2);
}

}  // namespace lacuna::test
