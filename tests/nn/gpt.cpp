#include "../../nn/backbones/gpt.h"

#include <gtest/gtest.h>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/backbones/registry.h"
#include "golden.h"
#include "support.h"

namespace lacuna {
namespace {

Tensor next_token_loss(GptModel& model, Context& context, const Tensor& tokens) {
  const std::int64_t s = tokens.dim(1);
  return cross_entropy(slice(model.forward(context, tokens), 1, 0, s - 1), slice(tokens, 1, 1, s));
}

GptOptions tiny_gpt() {
  return {.vocabulary = 37, .context = 12, .width = 24, .layers = 2, .heads = 3, .dropout = 0};
}
Tensor some_tokens(std::int64_t n, std::int64_t s, std::int64_t vocabulary) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(n * s));
  for (std::size_t i = 0; i < ids.size(); i++)
    ids[i] = static_cast<std::int64_t>(draw_word({5}, i, 0)) % vocabulary;
  return Tensor::from(ids, {n, s});
}

}  // namespace

TEST(gpt, is_the_gpt2_of_transformers) {
  const Safetensors golden = read_safetensors(LACUNA_GOLDEN_DIR "/gpt2.safetensors");
  for (bool recompute : {false, true}) {
    GptOptions options = tiny_gpt();
    options.recompute = recompute;
    GptModel model(options);
    model.initialize(0);
    model.load_state_dict(golden_weights(golden, "weight."));
    const Tensor& tokens = golden.tensors.at("tokens");
    Context context;
    EXPECT_LE(difference(model.forward(context, tokens), golden.tensors.at("logits")), 1e-5);
    const Tensor loss = next_token_loss(model, context, tokens);
    EXPECT_NEAR(loss.item(), golden.tensors.at("loss").item(), 1e-5);
    backward(loss);
    expect_gradients(model, golden, 1e-5);
  }
}

TEST(gpt, names_and_layouts_of_transformers_and_back) {
  GptModel model(tiny_gpt());
  model.initialize(4);
  const StateDict ours = model.state_dict(), theirs = to_huggingface("gpt", ours);
  EXPECT_EQ(huggingface_model(theirs), "gpt");
  EXPECT_EQ(theirs.at("transformer.h.1.attn.c_attn.weight").shape(), (Shape{24, 72}));
  EXPECT_EQ(theirs.at("lm_head.weight").to_vector<float>(),
            ours.at("encoder.token.weight").to_vector<float>());
  const StateDict back = from_huggingface(theirs);
  ASSERT_EQ(back.size(), ours.size());
  for (const auto& [name, t] : ours)
    EXPECT_EQ(back.at(name).to_vector<float>(), t.to_vector<float>()) << name;

  StateDict strange = theirs;
  strange["transformer.h.0.attn.extra"] = Tensor::zeros({1});
  EXPECT_THROWS_WITH(from_huggingface(strange), "there is no place for \"h.0.attn.extra\"");
  strange = theirs;
  strange["lm_head.weight"] = Tensor::zeros({37, 24});
  EXPECT_THROWS_WITH(from_huggingface(strange),
                     "lm_head.weight must have the values of wte.weight");
  EXPECT_THROWS_WITH(from_huggingface({{"x", Tensor::zeros({1})}}), "not the names of");
}

TEST(gpt, sees_only_what_is_before) {
  for (bool gpt1 : {false, true}) {
    GptOptions options = tiny_gpt();
    options.gpt1 = gpt1;
    GptModel model(options);
    model.initialize(1);
    Context context{.training = false};
    const Tensor a = some_tokens(1, 8, 37);
    auto ids = a.to_vector<std::int64_t>();
    ids[5] = (ids[5] + 1) % 37;
    const Tensor b = Tensor::from(ids, {1, 8});
    const auto before = [&](const Tensor& tokens, std::int64_t n) {
      return slice(model.forward(context, tokens), 1, 0, n).to_vector<float>();
    };
    EXPECT_EQ(before(a, 5), before(b, 5));
    EXPECT_NE(before(a, 6), before(b, 6));
    const Tensor last = model.forward(context, a, true);
    EXPECT_EQ(last.shape(), (Shape{1, 37}));
    EXPECT_LE(difference(last, select(model.forward(context, a), 1, 7)), 1e-6);
  }
}

TEST(gpt, starts_as_it_should) {
  GptModel model({.vocabulary = 65, .context = 64, .width = 128, .layers = 4, .heads = 4});
  model.initialize(0);
  // nanoGPT's count of its smallest setting, with biases and positions: 4 blocks of 12 w^2 + 13 w, tables, last norm.
  EXPECT_EQ(model.parameter_count(), 4 * (12 * 128 * 128 + 13 * 128) + (65 + 64) * 128 + 2 * 128);
  const auto deviation = [&](const std::string& name) {
    double sum = 0;
    const auto v = model.state_dict().at(name).to_vector<double>();
    for (double x : v) sum += x * x;
    return std::sqrt(sum / static_cast<double>(v.size()));
  };
  EXPECT_NEAR(deviation("encoder.token.weight"), 0.02, 0.001);
  EXPECT_NEAR(deviation("encoder.position.weight"), 0.01, 0.0005);
  EXPECT_NEAR(deviation("encoder.blocks.3.attention.qkv.weight"), 0.02, 0.001);
  EXPECT_NEAR(deviation("encoder.blocks.0.mlp.down.weight"), 0.02 / std::sqrt(8.0), 0.0004);
  EXPECT_NEAR(deviation("encoder.blocks.3.attention.out.weight"), 0.02 / std::sqrt(8.0), 0.0004);
  EXPECT_EQ(deviation("encoder.blocks.3.attention.out.bias"), 0);
  EXPECT_EQ(
      GptModel({.vocabulary = 5, .context = 4, .width = 8, .layers = 1, .heads = 2, .bias = false})
          .parameter_count(),
      12 * 64 + 3 * 8 + 9 * 8);
}

TEST(gpt, errors) {
  GptModel model(tiny_gpt());
  model.initialize(0);
  Context context;
  EXPECT_THROWS_WITH(model.forward(context, some_tokens(1, 13, 37)), "at most 12 positions");
  EXPECT_THROWS_WITH(model.forward(context, some_tokens(1, 12, 1000)), "embedding");
  EXPECT_THROWS_WITH(Gpt({.vocabulary = 5, .width = 10, .heads = 3}), "multiple of heads");
}

// Dropout depends on samples, not on their place, and is drawn again in backward.
TEST(gpt, recomputing_changes_nothing) {
  const Tensor tokens = some_tokens(3, 12, 37);
  std::vector<std::vector<float>> gradients;
  for (bool recompute : {false, true}) {
    GptOptions options = tiny_gpt();
    options.dropout = 0.2;
    options.recompute = recompute;
    GptModel model(options);
    model.initialize(1);
    Context context{.seed = 7, .ids = row_ids({9, 2, 5})};
    const Tensor loss = next_token_loss(model, context, tokens);
    const std::int64_t saved = tape_stats(loss).saved_bytes;
    backward(loss);
    gradients.push_back({static_cast<float>(loss.item())});
    for (const auto& p : model.parameters()) {
      const auto g = p.tensor.grad().to_vector<float>();
      gradients.back().insert(gradients.back().end(), g.begin(), g.end());
    }
    static std::int64_t kept = 0;
    if (recompute)
      EXPECT_LT(saved, kept / 3);
    else
      kept = saved;
  }
  EXPECT_EQ(gradients[0], gradients[1]);
}

// Of the vocabulary product one tensor is alive: its gradient takes the place of the scores.
TEST(gpt, the_loss_works_in_place) {
  const std::int64_t rows = 64, vocabulary = 4096, bytes = rows * vocabulary * 4;
  Tensor hidden = Tensor::full({rows, 8}, 0.5), table = Tensor::full({vocabulary, 8}, 0.1);
  hidden.requires_grad();
  table.requires_grad();
  const Tensor targets = Tensor::zeros({rows}, Dtype::i64);
  reset_peak_memory(DeviceType::cpu);
  const std::int64_t before = memory_stats(DeviceType::cpu).peak_bytes;
  const Tensor loss = cross_entropy(linear(hidden, table), targets);
  backward(loss);
  EXPECT_LT(memory_stats(DeviceType::cpu).peak_bytes - before, bytes + bytes / 2);
}

TEST(gpt, is_a_backbone) {
  GptOptions options = tiny_gpt();
  options.gpt1 = true;
  options.eps = 1e-6;
  options.dropout = 0.25;
  const std::string json = Gpt(options).architecture();
  EXPECT_EQ(make_backbone(json)->architecture(), json);
}

}  // namespace lacuna
