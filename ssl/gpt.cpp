// GPT: predict each token of a text from all that is before it.
//
//   loss = mean over tokens of -log p(u_i | u_1 .. u_{i-1})
//
// The networks are those of nn/backbones/gpt.h. Radford, Narasimhan, Salimans, Sutskever, "Improving language understanding by
// generative pre-training", 2018; Radford, Wu, Child, Luan, Amodei, Sutskever, "Language models are unsupervised multitask
// learners", 2019. The defaults are a small model of characters for two cores: 4 layers of 128, 64 tokens of context, AdamW
// with a decay of matrices only, a cosine down to a tenth of the rate.
#include "../nn/backbones/gpt.h"
#include "../core/ops/cross_entropy.h"
#include "../core/ops/index.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "label_metrics.h"
#include "text.h"

namespace lacuna {
namespace {

class GptTask : public Task {
 public:
  GptTask(const Settings& s, const DataInfo& data)
      : model_({.vocabulary = data.vocabulary.size,
                .context = s.integer("model.context"),
                .width = s.integer("model.width"),
                .layers = s.integer("model.layers"),
                .heads = s.integer("model.heads"),
                .gpt1 = s.text("model.kind") == "gpt1",
                .bias = s.flag("model.bias"),
                .gelu_tanh = s.text("model.gelu") == "tanh",
                .eps = s.number("model.norm_eps"),
                .dropout = s.number("model.dropout"),
                .recompute = s.flag("model.recompute")}) {
    const Field& tokens = token_field(data, "gpt");
    LACUNA_CHECK(tokens.shape[0] <= s.integer("model.context") + 1, "gpt",
                 "windows must have at most model.context tokens and one more: got ",
                 tokens.shape[0], " for ", s.integer("model.context"));
  }

  Module& model() override { return model_; }
  Module& encoder() override { return model_.encoder; }
  bool decays(const NamedTensor& parameter) const override { return parameter.tensor.ndim() >= 2; }

  void prepare(const Source& train) override {
    unigram_ = entropy_of(count_tokens(train, 1, {}));
    floor_ = train.entropy();
  }
  double loss_start() const override {
    return std::log(static_cast<double>(model_.encoder.options().vocabulary));
  }
  double loss_floor() const override { return floor_; }
  double loss_plateau() const override { return unigram_; }
  std::string watch(const Metrics& logged) override { return watch_.see(logged, "loss", unigram_); }

  Losses step(Context& context, const Batch& batch, int) override {
    const Tensor& windows = batch["tokens"];
    const Targets targets = next_tokens(windows, batch["length"]);
    const Tensor seen = slice(windows, 1, 0, windows.dim(1) - 1);
    const Tensor hidden = model_.encoder.forward(context, seen);
    const Tensor logits = model_.encoder.logits(targets.rows_of(hidden));
    Losses losses{cross_entropy(logits, targets.tokens), {}};
    if (!context.training) losses.parts["accuracy"] = accuracy_of(logits, targets.tokens);
    return losses;
  }
  // The vector of a row's last token, which has seen all the others.
  Tensor represent(Context& context, const Batch& batch) override {
    const std::int64_t size = std::min(batch["tokens"].dim(1), model_.encoder.options().context);
    const Tensor hidden =
        model_.encoder.forward(context, contiguous(slice(batch["tokens"], 1, 0, size)));
    std::vector<std::int64_t> last;
    for (std::int64_t length : batch["length"].to_vector<std::int64_t>())
      last.push_back(static_cast<std::int64_t>(last.size()) * size + std::min(length, size) - 1);
    const Tensor places = Tensor::from(last, {hidden.dim(0)}, hidden.device());
    return to(index_select(flatten(hidden, 0, 1), 0, places), Dtype::f32);
  }
  std::map<std::string, std::int64_t> counts(Context&, const Batch& batch) override {
    const std::int64_t tokens = next_tokens(batch["tokens"], batch["length"]).count;
    return {{"", tokens}, {"accuracy", tokens}};
  }

 private:
  GptModel model_;
  PlateauWatch watch_;
  double unigram_ = std::numeric_limits<double>::quiet_NaN(), floor_ = unigram_;
};

void declare_gpt(Settings& s) {
  s.declare(
      "task.aligned", false,
      "windows that start where a document does, one a document; else the text is cut anywhere");
  s.declare("model.kind", std::string("gpt2"),
            "gpt1 (norms after) or gpt2 (norms before, one at the end)", {"gpt1", "gpt2"});
  s.declare("model.layers", std::int64_t{4}, "transformer blocks", 1, 1024);
  s.declare("model.width", std::int64_t{128}, "numbers a position", 1, 1 << 16);
  s.declare("model.heads", std::int64_t{4}, "heads of attention; they share the width", 1, 1024);
  s.declare("model.context", std::int64_t{64}, "tokens that the network sees at once", 1, 1 << 20)
      .also = "length";
  s.declare("model.dropout", 0.0, "of embeddings, attention and what blocks add", 0, 1);
  s.declare("model.bias", true, "biases of linear layers and norms");
  s.declare("model.gelu", std::string("tanh"), "tanh: gelu's approximation; erf: the exact one",
            {"tanh", "erf"});
  s.declare("model.norm_eps", 1e-5, "added to the variance by which norms divide", 0, 1);
  s.declare("model.recompute", false, "compute blocks again in backward: less memory, more time");
  s.declare("train.batch_size", std::int64_t{12}, "samples a step", 1, 1 << 20);
  s.declare("train.steps", std::int64_t{2000},
            "steps, instead of epochs; 0: as many as the epochs have", 0, 1e15)
      .resumable = true;
  s.declare("optim.lr", 1e-3, "learning rate", 0, 1e6);
  s.declare("optim.beta2", 0.99, "adam, lamb: decay of the second moment", 0, 1);
  s.declare("optim.weight_decay", 0.1,
            "of matrices; adam, lars, sgd: added to the gradient; adamw, lamb: decoupled", 0, 1e6);
  s.declare("optim.clip", 1.0, "largest global norm of the gradient; 0: no clipping", 0, 1e12);
  s.declare("optim.schedule", std::string("cosine"),
            "of the learning rate after warm-up: constant, linear or cosine (to final_lr), step",
            {"constant", "linear", "cosine", "step"});
  s.declare("optim.warmup", std::int64_t{100}, "steps of linear warm-up", 0, 1e15);
  s.declare("optim.final_lr", 1e-4, "linear, cosine: learning rate at the end", 0, 1e6);
}

std::unique_ptr<Task> make_gpt(const Settings& settings, const DataInfo& data) {
  token_field(data, "gpt");
  return std::make_unique<GptTask>(settings, data);
}

TextView text(const Settings& settings) {
  return {.kind = TextView::Kind::windows,
          .length = settings.integer("model.context"),
          .aligned = settings.flag("task.aligned"),
          .seed = static_cast<std::uint64_t>(settings.integer("train.seed"))};
}

}  // namespace

extern const TaskInfo gpt_task{"gpt", "predicts each token of a text from those before it",
                               declare_gpt, make_gpt, text};

}  // namespace lacuna
