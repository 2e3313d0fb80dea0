#include "../../core/ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../../kernels/attention.h"
#include "../../kernels/backend.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Context context(const Tensor& ids = {}) {
  Context ctx;
  ctx.seed = 11;
  ctx.epoch = 2;
  ctx.ids = ids;
  return ctx;
}

struct Attended {
  std::vector<double> y, lse;
};

// By the definition: all scores, one query at a time.
Attended attend(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& o,
                const Context& ctx = {}) {
  const std::int64_t b = q.dim(0), h = q.dim(1), sq = q.dim(2), sk = k.dim(2), d = q.dim(3);
  const auto qs = q.to_vector<double>(), ks = k.to_vector<double>(), vs = v.to_vector<double>();
  const auto lengths =
      o.lengths.defined() ? o.lengths.to_vector<std::int64_t>() : std::vector<std::int64_t>(b, sk);
  const auto blocks = o.blocks.defined() ? o.blocks.to_vector<int>() : std::vector<int>();
  const auto ids =
      ctx.ids.defined() ? ctx.ids.to_vector<std::int64_t>() : std::vector<std::int64_t>();
  const double scale = o.scale == 0 ? 1 / std::sqrt(double(d)) : o.scale;
  Attended out{std::vector<double>(b * h * sq * d), {}};
  for (std::int64_t n = 0; n < b * h * sq; n++) {
    const std::int64_t sample = n / sq / h, head = n / sq % h, i = n % sq, last = i + sk - sq;
    std::vector<double> e(sk, 0);
    double sum = 0, most = -kInfinity;
    const auto score = [&](std::int64_t j) {
      double s = 0;
      for (std::int64_t c = 0; c < d; c++) s += qs[n * d + c] * ks[(n / sq * sk + j) * d + c];
      return s * scale;
    };
    const auto sees = [&](std::int64_t j) {
      return (!o.causal || j <= last) && (o.window == 0 || j > last - o.window) &&
             j < lengths[sample] &&
             (blocks.empty() || blocks[i / 64 * ((sk + 63) / 64) + j / 64] != 0);
    };
    for (std::int64_t j = 0; j < sk; j++)
      if (sees(j)) most = std::max(most, score(j));
    for (std::int64_t j = 0; j < sk; j++)
      if (sees(j)) sum += e[j] = std::exp(score(j) - most);
    for (std::int64_t j = 0; j < sk; j++) {
      if (!sees(j)) continue;
      double p = e[j] / sum;
      if (o.dropout > 0) {
        const auto word = draw_word(ctx.key("block.attention"), (head * sq + i) * sk + j,
                                    ids.empty() ? sample : ids[2 * sample],
                                    ids.empty() ? 0 : ids[2 * sample + 1]);
        p = BernoulliThreshold(1 - o.dropout)(word) ? p / (1 - o.dropout) : 0;
      }
      for (std::int64_t c = 0; c < d; c++) out.y[n * d + c] += p * vs[(n / sq * sk + j) * d + c];
    }
    out.lse.push_back(sum == 0 ? -kInfinity : most + std::log(sum));
  }
  return out;
}

Tensor lengths_of(const std::vector<std::int64_t>& v) {
  return Tensor::from(v, {static_cast<std::int64_t>(v.size())});
}
Tensor blocks_of(const std::vector<std::uint8_t>& v, const Shape& shape) {
  return Tensor::from(v, shape);
}
// Heads inside rows: (b, s, h, d) as (b, h, s, d).
Tensor heads(const Tensor& x) { return permute(x, {0, 2, 1, 3}); }

struct Sizes {
  std::int64_t b = 1, h = 2, sq = 33, sk = 65, d = 8;
};

void one(const std::string& name, const Sizes& s, const AttentionOptions& o = {},
         const Tensor& ids = {}) {
  add({.name = "attention/" + name,
       .inputs = {{{s.b, s.h, s.sq, s.d}}, {{s.b, s.h, s.sk, s.d}}, {{s.b, s.h, s.sk, s.d}}},
       .apply =
           [=](const Tensors& x) {
             Context ctx = context();
             if (ids.defined()) ctx.ids = to(ids, x[0].device());
             return attention(x[0], x[1], x[2], o, &ctx, "block.attention");
           },
       .reference = [=](const Tensors& x) { return attend(x[0], x[1], x[2], o, context(ids)).y; },
       .device_tolerance = 2e-5,
       // Shares, and the gradients of scores, are rounded for the tensor cores, too.
       .bf16_tolerance = 2 * kRounding,
       .bf16_gradient_tolerance = 4 * kRounding});
}

const Register attention_cases([] {
  for (std::int64_t n : {0, 1, 7, 64, 65, 130}) one("sq=" + std::to_string(n), {.sq = n});
  for (std::int64_t n : {0, 1, 7, 33, 64, 127, 130}) one("sk=" + std::to_string(n), {.sk = n});
  for (std::int64_t n : {1, 32, 33, 64, 128}) one("d=" + std::to_string(n), {.d = n});
  one("batch=0", {.b = 0});
  one("batch=3", {.b = 3, .h = 1, .sq = 5, .sk = 9});
  one("many_heads", {.b = 4, .h = 8, .sq = 5, .sk = 66, .d = 4}, {.causal = true});
  one("scale", {.sq = 5, .sk = 9}, {.scale = 0.125});

  // A few queries: the keys are split into chunks.
  for (std::int64_t n : {1, 3, 5, 16, 17})
    one("few/sq=" + std::to_string(n), {.sq = n, .sk = 300, .d = 33}, {.causal = true});
  for (std::int64_t n : {127, 128, 129, 512, 1025, 1100})
    one("few/sk=" + std::to_string(n), {.h = 1, .sq = 2, .sk = n});
  one("few/d=128", {.h = 1, .sq = 4, .sk = 257, .d = 128});
  one("few/many_heads", {.b = 3, .h = 8, .sq = 1, .sk = 600, .d = 4});
  one("few/lengths", {.b = 5, .sq = 2, .sk = 700}, {.lengths = lengths_of({0, 1, 130, 512, 700})});
  one("few/window", {.sq = 3, .sk = 700}, {.causal = true, .window = 150});
  one("few/more_queries", {.sq = 9, .sk = 5}, {.causal = true});
  one("few/blocks", {.sq = 3, .sk = 600},
      {.blocks = blocks_of({0, 0, 1, 0, 0, 0, 0, 1, 1, 0}, {1, 10})});
  one("few/dropout", {.b = 2, .sq = 3, .sk = 400}, {.dropout = 0.3});

  one("causal", {.sq = 70, .sk = 70}, {.causal = true});
  one("causal_d=128", {.h = 1, .sq = 65, .sk = 80, .d = 128}, {.causal = true});
  one("causal_more_keys", {.sq = 33, .sk = 130}, {.causal = true});
  one("causal_more_queries", {.sq = 130, .sk = 33}, {.causal = true});
  one("causal_one_query", {.sq = 1, .sk = 127}, {.causal = true});
  one("window", {.sq = 130, .sk = 130}, {.causal = true, .window = 20});
  one("window_of_one", {.sq = 7, .sk = 7}, {.causal = true, .window = 1});
  one("window_ahead", {.sq = 70, .sk = 130}, {.window = 70});
  one("lengths", {.b = 4, .h = 1, .sq = 7, .sk = 130}, {.lengths = lengths_of({0, 3, 128, 500})});
  one("lengths_causal", {.b = 3, .h = 1, .sq = 70, .sk = 70},
      {.causal = true, .lengths = lengths_of({65, 0, 10})});
  one("blocks", {.sq = 130, .sk = 130}, {.blocks = blocks_of({1, 0, 1, 0, 0, 0, 1, 1, 0}, {3, 3})});
  one("blocks_causal_window", {.sq = 130, .sk = 130, .d = 33},
      {.causal = true, .window = 90, .blocks = blocks_of({1, 1, 1, 0, 1, 1, 1, 0, 1}, {3, 3})});
  one("blocks_d=128", {.h = 1, .sq = 65, .sk = 65, .d = 65},
      {.blocks = blocks_of({1, 0, 1, 1}, {2, 2})});

  one("dropout", {.sq = 65, .sk = 67}, {.dropout = 0.3});
  one("dropout_views", {.b = 2, .h = 3, .sq = 9, .sk = 33}, {.causal = true, .dropout = 0.6},
      row_ids({1 << 20}, 2));
  one("dropout_d=128", {.h = 1, .sq = 40, .sk = 70, .d = 65}, {.dropout = 0.2});
  one("dropout_all", {.sq = 3, .sk = 5}, {.dropout = 1});

  add({.name = "attention/heads_in_rows",
       .inputs = {{{2, 19, 3, 2, 8}}},
       .apply = [](const Tensors& x) {
         const auto part = [&](int i) { return heads(select(x[0], 2, i)); };
         return heads(attention(part(0), part(1), part(2), {.causal = true}));
       }});
  add({.name = "attention/one_key_head_for_all",
       .inputs = {{{2, 3, 9, 8}}, {{2, 1, 11, 8}}, {{2, 1, 11, 8}}},
       .apply =
           [](const Tensors& x) {
             const Shape shape = {2, 3, 11, 8};
             return attention(x[0], broadcast_to(x[1], shape), broadcast_to(x[2], shape));
           },
       .device_tolerance = 2e-5});
  add({.name = "attention/unaligned_rows",
       .inputs = {{{1, 2, 9, 17}}, {{1, 2, 11, 17}}},
       .apply =
           [](const Tensors& x) {
             const Tensor q = slice(x[0], 3, 1, 9), k = slice(x[1], 3, 1, 9);
             return attention(q, k, slice(x[1], 3, 9, 17));
           },
       .device_tolerance = 2e-5});
  for (const auto& [name, options] :
       {std::pair<std::string, AttentionOptions>{"plain", {}},
        {"causal", {.causal = true}},
        {"lengths_dropout", {.lengths = lengths_of({9, 3}), .dropout = 0.3}}})
    add({.name = "self_attention/" + name,
         .inputs = {{{2, 9, 3 * 3 * 8}}},
         .apply =
             [options = options](const Tensors& x) {
               const Context ctx = context();
               return self_attention(x[0], 3, options, &ctx, "block.attention");
             },
         .reference =
             [options = options](const Tensors& x) {
               const auto part = [&](int i) {
                 return heads(reshape(slice(x[0], 2, 24 * i, 24 * (i + 1)), {2, 9, 3, 8}));
               };
               const auto y = attend(part(0), part(1), part(2), options, context()).y;
               return heads(Tensor::from(y, {2, 3, 9, 8})).to_vector<double>();
             },
         .device_tolerance = 2e-5});
  add({.name = "attention/extreme",
       .inputs = {{{1, 1, 7, 4}, -40, 40}, {{1, 1, 70, 4}, -40, 40}, {{1, 1, 70, 4}, -1e3, 1e3}},
       .apply = [](const Tensors& x) { return attention(x[0], x[1], x[2], {.scale = 1}); },
       .reference = [](const Tensors& x) { return attend(x[0], x[1], x[2], {.scale = 1}).y; },
       .tolerance = 2e-3,
       .device_tolerance = 5e-3,
       .gradient = false});
});

}  // namespace

class Lse : public testing::TestWithParam<DeviceType> {};

TEST_P(Lse, is_the_log_of_the_sum_and_the_result_may_lie_anywhere) {
  const Device device{GetParam(), 0};
  const Backend* backend = find_backend(device.type);
  if (!backend || backend->device_count() == 0) GTEST_SKIP() << "no such device";
  const Tensor q = heads(make_input({{2, 70, 2, 12}}, 1, Dtype::f32, device)),
               k = heads(make_input({{2, 50, 2, 12}}, 2, Dtype::f32, device)),
               v = heads(make_input({{2, 50, 2, 12}}, 3, Dtype::f32, device)),
               y = heads(Tensor::full({2, 70, 2, 12}, 9, Dtype::f32, device)),
               lse = Tensor::full({2, 2, 70}, 9, Dtype::f32, device);
  AttentionForward args{y.array(), lse.array(), q.array(), k.array(), v.array(), 0.5};
  args.mask.causal = true;  // the first 20 queries see nothing
  run<&KernelTable::attention_forward>(args, device);
  const Attended want = attend(q, k, v, {.scale = 0.5, .causal = true});
  EXPECT_LE(relative_error(y.to_vector<double>(), want.y), 1e-5);
  EXPECT_LE(relative_error(lse.to_vector<double>(), want.lse), 1e-5);
  EXPECT_EQ(lse.to_vector<double>()[19], -kInfinity);
}

INSTANTIATE_TEST_SUITE_P(attention, Lse,
                         testing::Values(DeviceType::cpu, DeviceType::emu, DeviceType::cuda),
                         [](const auto& info) -> std::string {
                           return info.param == DeviceType::cpu   ? "cpu"
                                  : info.param == DeviceType::emu ? "emu"
                                                                  : "cuda";
                         });

TEST(attention, is_laid_out_as_the_queries_are) {
  const Tensor x = make_input({{2, 9, 2, 8}}, 1, Dtype::f32),
               y = attention(heads(x), heads(x), heads(x));
  EXPECT_TRUE(heads(y).is_contiguous());
  const Tensor rows = contiguous(heads(x));
  EXPECT_TRUE(attention(rows, rows, rows).is_contiguous());
}

TEST(attention, saves_nothing_of_the_size_of_the_scores) {
  const auto bytes = [](std::int64_t s) {
    Tensor x = Tensor::zeros({1, 2, s, 4});
    x.requires_grad();
    const Context ctx = context();
    return tape_stats(attention(x, x, x, {.causal = true, .dropout = 0.1}, &ctx)).saved_bytes;
  };
  EXPECT_EQ(bytes(256), 2 * bytes(128));
  EXPECT_EQ(bytes(128), 128 * 2 * 4 * (2 * 4 + 1));  // q = k = v, y, lse
}

TEST(attention, drops_with_its_probability_and_keeps_the_mean) {
  // Values of 1: y is the kept share of the probabilities, which is 1 in the mean.
  const Tensor q = Tensor::zeros({4, 4, 64, 4}), ones = Tensor::full({4, 4, 64, 4}, 1);
  const Context ctx = context();
  double sum = 0, squares = 0;
  const auto y = attention(q, ones, ones, {.dropout = 0.25}, &ctx).to_vector<double>();
  for (double v : y) sum += v / y.size();
  for (double v : y) squares += (v - sum) * (v - sum) / y.size();
  EXPECT_NEAR(sum, 1, 0.01);
  EXPECT_NEAR(squares, 0.25 / 0.75 / 64, 0.001);  // of 64 kept or not, each 1 / 64 / 0.75
  Context evaluation;
  evaluation.training = false;
  EXPECT_EQ(attention(q, ones, ones, {.dropout = 0.25}, &evaluation).to_vector<float>(),
            ones.to_vector<float>());
}

TEST(attention, dropout_does_not_depend_on_how_samples_are_batched) {
  const Tensor x = make_input({{3, 2, 20, 4}}, 1, Dtype::f32);
  const auto drop = [&](const Tensor& rows, const Tensor& ids) {
    const Context ctx = context(ids);
    return attention(rows, rows, rows, {.dropout = 0.4}, &ctx).to_vector<float>();
  };
  const std::vector<std::int64_t> samples = {5, 900, 17};
  const auto whole = drop(x, row_ids(samples));
  for (int i = 0; i < 3; i++)
    EXPECT_EQ(drop(slice(x, 0, i, i + 1), row_ids({samples[i]})),
              std::vector<float>(whole.begin() + i * 160, whole.begin() + (i + 1) * 160));
}

TEST(attention, padding_may_hold_anything) {
  const std::vector<Device> devices = {{}, {DeviceType::emu, 0}};
  for (const Device device : devices) {
    if (!find_backend(device.type)) continue;
    std::vector<float> v(10 * 4, 1);
    for (std::size_t i = 6 * 4; i < v.size(); i++) v[i] = NAN;
    Tensor k = Tensor::from(v, {1, 1, 10, 4}, device),
           q = Tensor::full({1, 1, 3, 4}, 1, Dtype::f32, device);
    k.requires_grad();
    q.requires_grad();
    const Tensor y = attention(q, k, k, {.lengths = lengths_of({6})});
    EXPECT_EQ(y.to_vector<float>(), std::vector<float>(12, 1)) << device;
    backward(y, q.detach());
    for (float g : q.grad().to_vector<float>()) EXPECT_LT(std::fabs(g), 1e-5) << device;
    const auto dk = k.grad().to_vector<float>();
    for (int i = 0; i < 40; i++) EXPECT_NEAR(dk[i], i < 24 ? 0.5 : 0, 1e-5) << device << ' ' << i;
  }
}

TEST(attention, errors) {
  const Tensor x = Tensor::zeros({2, 1, 5, 4});
  EXPECT_EQ(error_of([&] {
              attention(x, Tensor::zeros({2, 1, 5, 3}), x);
            }),
            "[attention] arguments must have one shape: got k (2, 1, 5, 3) f32 cpu, "
            "v (2, 1, 5, 4) f32 cpu");
  const Tensor three = Tensor::zeros({2, 1, 5, 3});
  EXPECT_EQ(error_of([&] { attention(x, three, three); }),
            "[attention] q and k must have the same samples, heads and d: got q (2, 1, 5, 4) f32 "
            "cpu, k (2, 1, 5, 3) f32 cpu, v (2, 1, 5, 3) f32 cpu");
  EXPECT_EQ(error_of([&] { attention(x, x, x, {.scale = -1}); }),
            "[attention] the scale must be positive and finite: got -1");
  EXPECT_EQ(error_of([&] { attention(x, x, x, {.dropout = 0.5}); }),
            "[attention] dropout needs a Context to draw from");
  EXPECT_EQ(error_of([&] {
              attention(x, x, x, {.lengths = lengths_of({1, 2, 3})});
            }),
            "[attention] needs one i64 length a sample: got lengths (3) i64 cpu for q (2, 1, 5, 4) "
            "f32 cpu, k (2, 1, 5, 4) f32 cpu, v (2, 1, 5, 4) f32 cpu");
  EXPECT_EQ(error_of([&] {
              attention(x, x, x, {.blocks = blocks_of({1, 1}, {1, 2})});
            }),
            "[attention] needs one u8 a block of 64 queries and 64 keys: got blocks (1, 2) u8 cpu "
            "for q (2, 1, 5, 4) f32 cpu, k (2, 1, 5, 4) f32 cpu, v (2, 1, 5, 4) f32 cpu");
  EXPECT_EQ(error_of([&] {
              self_attention(Tensor::zeros({1, 2, 16}), 2);
            }),
            "[self_attention] rows of qkv must be 3 * heads * d long: got qkv (1, 2, 16) f32 cpu "
            "for 2 heads");
  if (!find_backend(DeviceType::emu)) return;
  const Tensor wide = Tensor::zeros({1, 1, 2, 129}, Dtype::f32, {DeviceType::emu, 0});
  EXPECT_EQ(error_of([&] { attention(wide, wide, wide); }),
            "[attention] d is at most 128 on cuda and emu: got q (1, 1, 2, 129) f32 emu, "
            "k (1, 1, 2, 129) f32 emu, v (1, 1, 2, 129) f32 emu");
}

}  // namespace lacuna::test
