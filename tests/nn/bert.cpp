#include "../../nn/backbones/bert.h"

#include <gtest/gtest.h>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/backbones/registry.h"
#include "../../nn/optim/adam.h"
#include "../../nn/optim/clip.h"
#include "../../nn/optim/schedule.h"
#include "golden.h"
#include "support.h"

namespace lacuna {
namespace {

BertOptions tiny_bert() {
  return {.vocabulary = 31,
          .positions = 14,
          .width = 16,
          .layers = 2,
          .heads = 2,
          .inner = 40,
          .gelu_tanh = false,
          .dropout = 0};
}

struct Golden {
  Safetensors file = read_safetensors(LACUNA_GOLDEN_DIR "/bert.safetensors");
  const Tensor& operator[](const char* name) const { return file.tensors.at(name); }

  Tensor hidden(BertModel& model, Context& context) const {
    return model.encoder.forward(context, (*this)["tokens"], (*this)["segments"],
                                 (*this)["lengths"]);
  }
  Tensor loss(BertModel& model, Context& context) const {
    const Tensor h = hidden(model, context), scores = model.token_scores(context, flatten(h, 0, 1));
    return cross_entropy(scores, flatten((*this)["labels"])) +
           cross_entropy(model.pair_scores(context, h), (*this)["pairs"]);
  }
};

}  // namespace

TEST(bert, is_the_bert_of_transformers) {
  const Golden golden;
  for (bool recompute : {false, true}) {
    BertOptions options = tiny_bert();
    options.recompute = recompute;
    BertModel model(options);
    model.initialize(0);
    model.load_state_dict(golden_weights(golden.file, "weight."));
    Context context;
    // What stands in padding is not compared: nobody reads it.
    const Tensor h = golden.hidden(model, context),
                 scores = model.token_scores(context, flatten(h, 0, 1));
    const auto lengths = golden["lengths"].to_vector<std::int64_t>();
    for (std::int64_t row = 0; row < 3; row++)
      EXPECT_LE(difference(slice(scores, 0, row * 12, row * 12 + lengths[row]),
                           slice(select(golden["mlm_logits"], 0, row), 0, 0, lengths[row])),
                1e-5)
          << row;
    EXPECT_LE(difference(model.pair_scores(context, h), golden["nsp_logits"]), 1e-5);
    const Tensor loss = golden.loss(model, context);
    EXPECT_NEAR(loss.item(), golden["losses"].to_vector<double>()[0], 1e-5);
    backward(loss);
    expect_gradients(model, golden.file, 1e-5);
  }
}

// AdamW without bias correction, decay of matrices only, clipping, a linear rise and fall.
TEST(bert, is_trained_as_its_authors_do) {
  const Golden golden;
  BertModel model(tiny_bert());
  model.initialize(0);
  model.load_state_dict(golden_weights(golden.file, "weight."));
  const auto vectors = [&](const std::string& name) {
    return model.state_dict().at(name).ndim() < 2;
  };
  AdamW adam(model.parameters(),
             {.lr = 1e-3, .eps = 1e-6, .weight_decay = 0.01, .bias_correction = false},
             {{.holds = vectors, .weight_decay = 0}});
  const Schedule schedule{
      .shape = Schedule::Shape::linear, .base = 1e-3, .warmup = 3, .total = 8, .last = 0};
  const auto rates = golden["rates"].to_vector<double>(),
             losses = golden["losses"].to_vector<double>();
  Context context;
  for (std::size_t step = 0; step < losses.size(); step++) {
    const Tensor loss = golden.loss(model, context);
    EXPECT_NEAR(loss.item(), losses[step], 1e-5) << step;
    adam.zero_grad();
    backward(loss);
    adam.lr = schedule.at(static_cast<std::int64_t>(step));
    EXPECT_NEAR(adam.lr, rates[step], 1e-12);
    adam.step(clip_scale(global_norm(adam.parameters()), 1.0));
  }
  const StateDict want = golden_weights(golden.file, "after.");
  for (const auto& [name, tensor] : model.state_dict())
    EXPECT_LE(difference(tensor, want.at(name)), 2e-5) << name;
}

TEST(bert, padding_changes_nothing) {
  const Golden golden;
  BertModel model(tiny_bert());
  model.initialize(2);
  Context context{.training = false};
  const Tensor row = slice(golden["tokens"], 0, 1, 2);  // 7 of 12 are there
  const Tensor padded = model.encoder.forward(context, row, Tensor(),
                                              Tensor::from(std::vector<std::int64_t>{7}, {1}));
  const Tensor alone = model.encoder.forward(context, slice(row, 1, 0, 7));
  EXPECT_LE(difference(slice(padded, 1, 0, 7), alone), 1e-6);
}

TEST(bert, names_of_transformers_and_back) {
  for (bool pooler : {true, false}) {
    BertOptions options = tiny_bert();
    options.pooler = pooler;
    BertModel model(options);
    model.initialize(4);
    const StateDict ours = model.state_dict(), theirs = to_huggingface("bert", ours);
    EXPECT_EQ(huggingface_model(theirs), "bert");
    EXPECT_EQ(theirs.count("cls.seq_relationship.weight"), pooler ? 1u : 0u);
    EXPECT_EQ(theirs.at("bert.encoder.layer.1.attention.self.key.bias").shape(), (Shape{16}));
    EXPECT_TRUE(theirs.count("cls.predictions.decoder.weight"));
    EXPECT_TRUE(theirs.count("cls.predictions.decoder.bias"));
    StateDict back = from_huggingface(theirs);
    ASSERT_EQ(back.size(), ours.size());
    for (const auto& [name, t] : ours)
      EXPECT_EQ(back.at(name).to_vector<float>(), t.to_vector<float>()) << name;
    StateDict cut = theirs;
    cut.erase("bert.encoder.layer.0.attention.self.query.weight");
    EXPECT_THROWS_WITH(from_huggingface(cut), "queries, keys or values of");
    // Files of 2018: gamma and beta, and no outer name.
    StateDict old;
    for (const auto& [name, t] : theirs) {
      std::string n = name.compare(0, 5, "bert.") == 0 ? name.substr(5) : name;
      if (const auto at = n.find("LayerNorm."); at != std::string::npos)
        n = n.substr(0, at + 10) + (n.ends_with("weight") ? "gamma" : "beta");
      old[n] = t;
    }
    back = from_huggingface(old);
    EXPECT_EQ(back.at("encoder.norm.weight").to_vector<float>(),
              ours.at("encoder.norm.weight").to_vector<float>());
    EXPECT_EQ(back.size(), ours.size());
  }
}

TEST(bert, sizes) {
  BertOptions options = bert_size("tiny");
  options.vocabulary = 30522;
  EXPECT_EQ(Bert(options).parameter_count(), 4385920);  // 4.4 M: Turc et al. 2019
  EXPECT_EQ(bert_size("base").layers, 12);
  EXPECT_THROWS_WITH(bert_size("huge"), "tiny, mini, small, medium and base");
}

TEST(bert, is_a_backbone) {
  const std::string json = Bert(tiny_bert()).architecture();
  EXPECT_EQ(make_backbone(json)->architecture(), json);
  Bert bert(tiny_bert());
  bert.initialize(0);
  Context context;
  EXPECT_THROWS_WITH(bert.forward(context, Tensor::zeros({1, 15}, Dtype::i64)),
                     "at most 14 positions");
  EXPECT_THROWS_WITH(bert.forward(context, Tensor::zeros({1, 5}, Dtype::i64),
                                  Tensor::zeros({1, 4}, Dtype::i64), {}),
                     "a segment for each token");
}

}  // namespace lacuna
