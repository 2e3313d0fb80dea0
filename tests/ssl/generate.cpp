// Sampling from a GPT, filling a BERT's blanks, and perplexity.
#include "../../ssl/generate.h"

#include <gtest/gtest.h>

#include "../../core/ops/cross_entropy.h"
#include "../../core/ops/shape.h"
#include "../../core/ops/softmax.h"
#include "../../kernels/backend.h"
#include "../../ssl/fill.h"
#include "../../ssl/perplexity.h"
#include "job.h"
#include "text_source.h"

namespace lacuna {
namespace {

using Tokens = std::vector<std::int64_t>;

GptModel small_gpt(bool gpt1 = false) {
  GptModel model({.vocabulary = 50,
                  .context = 20,
                  .width = 32,
                  .layers = 3,
                  .heads = 4,
                  .gpt1 = gpt1,
                  .dropout = 0.5});
  model.initialize(3);
  for (const NamedTensor& p : model.parameters()) {  // scores that differ
    auto values = p.tensor.to_vector<float>();
    for (float& v : values) v *= 5;
    const bool grads = p.tensor.needs_grad();
    Tensor t = p.tensor;
    t.requires_grad(false);
    t.copy_from(Tensor::from(values, t.shape()));
    t.requires_grad(grads);
  }
  return model;
}

}  // namespace

TEST(generate, cached_scores_are_those_of_the_whole_text) {
  std::vector<Device> devices{{}};
  if (find_backend(DeviceType::emu)) devices.push_back({DeviceType::emu, 0});
  for (const Device device : devices)
    for (bool gpt1 : {false, true}) {
      GptModel model = small_gpt(gpt1);
      model.to(device);
      Context context{.training = false};
      Tokens ids(2 * 20);
      for (std::size_t i = 0; i < ids.size(); i++) ids[i] = drawn(8, i, 50);
      const Tensor tokens = Tensor::from(ids, {2, 20}, device);
      const Tensor whole = model.forward(context, tokens);
      auto caches = model.encoder.caches(2);
      std::int64_t at = 0;
      for (std::int64_t count : {7, 1, 1, 4, 1, 6}) {  // some at once, or one by one
        const Tensor some = slice(tokens, 1, at, at + count);
        const Tensor scores = model.encoder.logits(model.encoder.forward(context, some, caches));
        const auto got = scores.to_vector<double>(),
                   want = slice(whole, 1, at, at + count).to_vector<double>();
        for (std::size_t i = 0; i < got.size(); i++) ASSERT_NEAR(got[i], want[i], 1e-5) << at;
        at += count;
      }
      EXPECT_THROW(model.encoder.forward(context, slice(tokens, 1, 0, 1), caches), Error);
    }
}

TEST(generate, greedy_text_is_the_likeliest_each_time) {
  GptModel model = small_gpt();
  Context context{.training = false};
  Tokens text{4, 9, 1};
  const Tokens made = generate(model, text, {.sampling = {.temperature = 0}, .max_tokens = 12});
  ASSERT_EQ(made.size(), 12u);
  for (std::int64_t token : made) {
    const Tensor all = Tensor::from(text, {1, static_cast<std::int64_t>(text.size())});
    const auto scores = model.forward(context, all, true).to_vector<float>();
    EXPECT_EQ(token, std::max_element(scores.begin(), scores.end()) - scores.begin());
    text.push_back(token);
  }
}

TEST(generate, is_a_function_of_its_seed) {
  GptModel model = small_gpt();
  const Tokens prompt{4, 9, 1};
  GenerateOptions options{.max_tokens = 15, .seed = 5};
  const Tokens first = generate(model, prompt, options);
  EXPECT_EQ(generate(model, prompt, options), first);
  options.sample = 1;
  EXPECT_NE(generate(model, prompt, options), first);
  options = {.max_tokens = 15, .seed = 6};
  EXPECT_NE(generate(model, prompt, options), first);
}

TEST(generate, stops_streams_and_goes_on_past_the_context) {
  GptModel model = small_gpt();
  const Tokens prompt{4, 9, 1};
  Tokens streamed;
  GenerateOptions options{.max_tokens = 70, .on_token = [&](std::int64_t token) {
                            streamed.push_back(token);
                            return true;
                          }};
  const Tokens all = generate(model, prompt, options);
  EXPECT_EQ(all.size(), 70u);
  EXPECT_EQ(streamed, all);
  options.on_token = [&](std::int64_t) { return false; };
  EXPECT_EQ(generate(model, prompt, options), Tokens(all.begin(), all.begin() + 1));
  options.on_token = nullptr;
  options.stop = all[3];
  const auto at = std::find(all.begin(), all.end(), all[3]);
  EXPECT_EQ(generate(model, prompt, options), Tokens(all.begin(), at));
  // Of a long prompt the end is read.
  Tokens longer(50, 7);
  longer.insert(longer.end(), 20, 3);
  EXPECT_EQ(generate(model, longer, {.max_tokens = 5}),
            generate(model, Tokens(20, 3), {.max_tokens = 5}));
  EXPECT_THROW(generate(model, Tokens{}, {}), Error);
  EXPECT_THROW(generate(model, prompt, {.sampling = {.top_p = 0}}), Error);
}

TEST(generate, picks_by_probability) {
  const std::vector<float> scores{std::log(0.1f), std::log(0.4f), std::log(0.2f), std::log(0.3f)};
  const auto pick = [&](const SamplingOptions& o, double u) { return pick_token(scores, o, u); };
  EXPECT_EQ(pick({}, 0.39), 1);  // in order of probability: 1, 3, 2, 0
  EXPECT_EQ(pick({}, 0.41), 3);
  EXPECT_EQ(pick({}, 0.69), 3);
  EXPECT_EQ(pick({}, 0.71), 2);
  EXPECT_EQ(pick({}, 0.91), 0);
  EXPECT_EQ(pick({}, 0.9999999), 0);
  EXPECT_EQ(pick({.top_k = 2}, 0.99), 3);  // 4 : 3
  EXPECT_EQ(pick({.top_k = 2}, 4.0 / 7 - 0.01), 1);
  EXPECT_EQ(pick({.top_p = 0.75}, 0.99), 2);  // 0.4 and 0.3 are less, 0.2 more reaches it
  EXPECT_EQ(pick({.top_p = 0.35}, 0.99), 1);
  EXPECT_EQ(pick({.temperature = 0.5}, 16.0 / 30 - 0.01), 1);  // 16 : 9 : 4 : 1
  EXPECT_EQ(pick({.temperature = 0.5}, 16.0 / 30 + 0.01), 3);
  EXPECT_EQ(pick({.temperature = 0}, 0.99), 1);
  EXPECT_EQ(pick_token(std::vector<float>{1, 1, 1}, {.temperature = 0}, 0), 0);
  EXPECT_THROW(pick_token(std::vector<float>{1, NAN}, {}, 0.5), Error);
}

TEST(fill, blanks_get_the_likeliest_tokens) {
  BertModel model({.vocabulary = 30, .positions = 16, .width = 16, .layers = 1, .heads = 2});
  model.initialize(5);
  const Tensor tokens = Tensor::from(Tokens{2, 4, 9, 4, 3, 4, 2, 8, 7, 6, 4, 3}, {2, 6}),
               segments = Tensor::zeros({2, 6}, Dtype::i64),
               lengths = Tensor::from(Tokens{5, 6}, {2});
  const auto blanks = fill_blanks(model, tokens, segments, lengths, 4, 3);
  ASSERT_EQ(blanks.size(), 3u);  // one more is padding
  EXPECT_EQ(blanks[1].position, 3);
  EXPECT_EQ(blanks[2].row, 1);
  EXPECT_EQ(blanks[2].position, 4);
  Context context{.training = false};
  const Tensor hidden = model.encoder.forward(context, tokens, segments, lengths);
  const Tensor row = slice(select(hidden, 0, 1), 0, 4, 5);
  const auto p = softmax(model.token_scores(context, row)).to_vector<double>();
  ASSERT_EQ(blanks[2].fillings.size(), 3u);
  auto sorted = p;
  std::sort(sorted.rbegin(), sorted.rend());
  for (int k = 0; k < 3; k++) {
    EXPECT_NEAR(blanks[2].fillings[k].probability, sorted[k], 1e-6);
    EXPECT_NEAR(blanks[2].fillings[k].probability, p[blanks[2].fillings[k].token], 1e-6);
  }
  const auto next = follows(model, tokens, segments, lengths);
  ASSERT_EQ(next.size(), 2u);
  const auto both = softmax(model.pair_scores(context, hidden)).to_vector<double>();
  EXPECT_NEAR(next[1], both[2], 1e-7);
  BertModel alone(
      {.vocabulary = 30, .positions = 16, .width = 16, .layers = 1, .heads = 2, .pooler = false});
  alone.initialize(5);
  EXPECT_THROW(follows(alone, tokens, segments, lengths), Error);
}

TEST(perplexity, is_of_every_token) {
  auto text = random_windows(11, 16, 23, true);
  Job job("gpt", text);
  job.set("model.layers", "1");
  job.set("model.width", "16");
  job.set("model.heads", "2");
  job.set("model.context", "16");
  job.set("train.steps", "1");
  job.run(Folder("perplexity"));
  double nats = 0, tokens = 0;
  GptModel& model = dynamic_cast<GptModel&>(job.task->model());
  Context context{.training = false};
  for (const auto& s : text->samples) {
    const Tensor all = Tensor::from(s.tokens, {1, 17});
    const Tensor scores = model.forward(context, slice(all, 1, 0, s.length - 1));
    nats += static_cast<double>(s.length - 1) *
            cross_entropy(scores, slice(all, 1, 1, s.length)).item();
    tokens += static_cast<double>(s.length - 1);
  }
  for (std::int64_t batch : {3, 64}) {
    const Perplexity p = evaluate_perplexity(*job.task, *text, 0, batch);
    EXPECT_EQ(p.tokens, tokens);
    EXPECT_NEAR(p.nats, nats, 1e-4 * nats);
    EXPECT_NEAR(p.perplexity(), std::exp(nats / tokens), 1e-3);
  }
}

}  // namespace lacuna
