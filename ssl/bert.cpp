// BERT: hide some tokens of a text and predict them from both sides (masked language modelling), and tell whether the second of
// two pieces of text followed the first (next-sentence prediction).
//
//   loss = mean over hidden tokens of -log p(u_i | what is left) + mean over pairs of -log p(label | pooled)
//
// Of a row's tokens 15 % are chosen, of which 80 % become [MASK], 10 % another token of the vocabulary and 10 % stay
// (core/ops/mask_tokens.h); they are chosen anew each epoch. The network is nn/backbones/bert.h. Devlin, Chang, Lee,
// Toutanova, "BERT: Pre-training of deep bidirectional transformers", 2019. The optimizer is the authors': AdamW without bias
// correction, eps 1e-6, decay of matrices only, clipping at 1, a linear rise and fall of the rate. task.nsp=false
// leaves the second part out, and text then comes as one piece.
#include "../nn/backbones/bert.h"
#include "../core/ops/cross_entropy.h"
#include "../core/ops/elementwise.h"
#include "../core/ops/mask_tokens.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "label_metrics.h"
#include "text.h"
#include "whole_words.h"

namespace lacuna {
namespace {

BertOptions options_of(const Settings& s, const DataInfo& data) {
  BertOptions o = bert_size(s.text("model.size"));
  const auto instead = [&](const char* key, std::int64_t& value) {
    if (s.integer(key) > 0) value = s.integer(key);
  };
  instead("model.layers", o.layers);
  instead("model.width", o.width);
  instead("model.heads", o.heads);
  o.vocabulary = data.vocabulary.size;
  o.positions = s.integer("model.positions");
  o.gelu_tanh = s.text("model.gelu") == "tanh";
  o.pooler = s.flag("task.nsp");
  o.eps = s.number("model.norm_eps");
  o.dropout = s.number("model.dropout");
  o.recompute = s.flag("model.recompute");
  return o;
}

class BertTask : public Task {
 public:
  BertTask(const Settings& s, const DataInfo& data)
      : model_(options_of(s, data)), nsp_(s.flag("task.nsp")) {
    const Vocabulary& v = data.vocabulary;
    LACUNA_CHECK(v.mask >= 0 && v.cls >= 0 && v.sep >= 0, "bert",
                 "needs a tokenizer with [CLS], [SEP] and [MASK] (wordpiece:vocab.txt)");
    const Field& tokens = token_field(data, "bert");
    LACUNA_CHECK(tokens.shape[0] <= s.integer("model.positions"), "bert",
                 "model.positions must be at least the data's length: got ",
                 s.integer("model.positions"), " for ", tokens.shape[0]);
    mask_.mask_id = v.mask;
    mask_.vocabulary = v.size;
    for (std::int64_t special : {v.pad, v.cls, v.sep})
      if (special >= 0) mask_.special.push_back(special);
    mask_.probability = s.number("task.mask_probability");
    mask_.exact = s.flag("task.exact");
    if (s.integer("task.max_predictions") > 0)
      mask_.max_predictions = s.integer("task.max_predictions");
    if (s.flag("task.whole_words")) {
      LACUNA_CHECK(!v.continues.empty(), "bert",
                   "task.whole_words needs data that tells which tokens continue a word "
                   "(wordpiece:vocab.txt)");
      LACUNA_CHECK(mask_.exact, "bert",
                   "task.whole_words chooses a number of tokens: it needs "
                   "task.exact");
      continues_ = v.continues;
    }
    mask_.mask_share = s.number("task.mask_share");
    mask_.random_share = s.number("task.random_share");
    LACUNA_CHECK(mask_.mask_share + mask_.random_share <= 1, "bert",
                 "task.mask_share and task.random_share must be 1 together at most: got ",
                 mask_.mask_share, " and ", mask_.random_share);
  }

  Module& model() override { return model_; }
  Module& encoder() override { return model_.encoder; }
  bool decays(const NamedTensor& parameter) const override { return parameter.tensor.ndim() >= 2; }

  void prepare(const Source& train) override {
    unigram_ = entropy_of(count_tokens(train, 0, mask_.special));
  }
  double loss_start() const override { return std::log(vocabulary()) + pair_loss(); }
  double loss_plateau() const override { return unigram_ + pair_loss(); }
  std::string watch(const Metrics& logged) override {
    const std::string line = watch_.see(logged, "mlm_loss", unigram_);
    if (!line.empty()) return line;
    for (const auto& [name, value] : logged) {
      if (name != "nsp_balance") continue;
      // A line of few pairs may be so by chance; five in a row are not.
      unbalanced_ = std::fabs(value - 0.5) > 0.3 ? unbalanced_ + 1 : 0;
      if (unbalanced_ != 5) continue;
      return "of the pairs a share of " + std::to_string(value) +
             " is random, not about half: are the data's documents and sentences split rightly?";
    }
    return "";
  }

  Losses step(Context& context, const Batch& batch, int) override {
    const MaskedTokens masked = mask(context, batch);
    const Targets targets = labelled(masked.labels, mask_.ignore_index);
    const Tensor hidden =
        model_.encoder.forward(context, masked.tokens, batch["segment"], batch["length"]);
    Losses losses = token_loss(context, targets, hidden);
    if (!nsp_) return losses;
    const Tensor& labels = batch["label"];
    const Tensor scores = model_.pair_scores(context, hidden), loss = cross_entropy(scores, labels);
    losses.total = losses.total + loss;
    losses.parts["nsp_loss"] = loss;
    losses.parts["nsp_accuracy"] = accuracy_of(scores, labels);
    losses.parts["nsp_balance"] = mean(to(labels, Dtype::f32));
    return losses;
  }
  // The vector of [CLS], before the pooler, which is not trained without pairs.
  Tensor represent(Context& context, const Batch& batch) override {
    const Tensor segments = batch.has("segment") ? batch["segment"] : Tensor();
    return to(
        select(model_.encoder.forward(context, batch["tokens"], segments, batch["length"]), 1, 0),
        Dtype::f32);
  }
  std::map<std::string, std::int64_t> counts(Context& context, const Batch& batch) override {
    std::map<std::string, std::int64_t> counts;
    counts["mlm"] = labelled(mask(context, batch).labels, mask_.ignore_index).count;
    if (nsp_) counts["nsp"] = batch.size();
    return counts;
  }

 private:
  double vocabulary() const { return static_cast<double>(mask_.vocabulary); }
  double pair_loss() const { return nsp_ ? std::log(2.0) : 0; }

  MaskedTokens mask(const Context& context, const Batch& batch) const {
    const Tensor &tokens = batch["tokens"], &lengths = batch["length"];
    return continues_.empty()
               ? mask_tokens(tokens, mask_, context, "bert.mask", lengths)
               : mask_words(tokens, continues_, mask_, context, "bert.mask", lengths);
  }
  // The scores of the hidden tokens go away with this function: their gradient takes their place.
  Losses token_loss(Context& context, const Targets& targets, const Tensor& hidden) {
    const Tensor scores = model_.token_scores(context, targets.rows_of(hidden));
    const Tensor loss = cross_entropy(scores, targets.tokens);
    return {loss, {{"mlm_loss", loss}, {"mlm_accuracy", accuracy_of(scores, targets.tokens)}}};
  }

  BertModel model_;
  bool nsp_;
  int unbalanced_ = 0;  // lines of the log, in a row
  MaskTokensOptions mask_;
  std::vector<std::uint8_t> continues_;  // where whole words are chosen
  PlateauWatch watch_;
  double unigram_ = std::numeric_limits<double>::quiet_NaN();
};

void declare_bert(Settings& s) {
  s.declare("task.nsp", true, "next-sentence prediction beside the hidden tokens");
  s.declare("task.mask_probability", 0.15, "share of the tokens that are to be predicted", 0, 1);
  s.declare("task.exact", true,
            "choose that share of each row, rounded, and not each token by itself");
  s.declare("task.whole_words", false, "choose words with all their tokens");
  s.declare("task.max_predictions", std::int64_t{0},
            "most tokens to be predicted of a row; 0: no limit", 0, 1 << 20);
  s.declare("task.mask_share", 0.8, "of these, the share that becomes [MASK]", 0, 1);
  s.declare("task.random_share", 0.1, "and the share that becomes another token", 0, 1);
  s.declare("task.short_share", 0.1, "of the rows that aim at fewer tokens than fit", 0, 1);
  s.declare("model.size", std::string("tiny"), "layers, width and heads by name",
            {"tiny", "mini", "small", "medium", "base"});
  s.declare("model.layers", std::int64_t{0}, "transformer blocks; 0: as model.size says", 0, 1024);
  s.declare("model.width", std::int64_t{0}, "numbers a position; 0: as model.size says", 0,
            1 << 16);
  s.declare("model.heads", std::int64_t{0}, "heads of attention; 0: as model.size says", 0, 1024);
  s.declare("model.context", std::int64_t{128}, "tokens of a row, [CLS] and [SEP] included", 8,
            1 << 20)
      .also = "length";
  s.declare("model.positions", std::int64_t{512}, "tokens of the longest row it could take", 8,
            1 << 20);
  s.declare("model.dropout", 0.1, "of embeddings, attention and what blocks add", 0, 1);
  s.declare("model.gelu", std::string("tanh"), "tanh: gelu's approximation; erf: the exact one",
            {"tanh", "erf"});
  s.declare("model.norm_eps", 1e-12, "added to the variance by which norms divide", 0, 1);
  s.declare("model.recompute", false, "compute blocks again in backward: less memory, more time");
  s.declare("train.batch_size", std::int64_t{32}, "samples a step", 1, 1 << 20);
  s.declare("optim.lr", 1e-4, "learning rate", 0, 1e6);
  s.declare("optim.weight_decay", 0.01,
            "of matrices; adam, lars, sgd: added to the gradient; adamw, lamb: decoupled", 0, 1e6);
  s.declare("optim.eps", 1e-6, "adam, lamb: added to the root of the second moment", 0, 1);
  s.declare("optim.bias_correction", false,
            "adam, lamb: divide the moments by what they would be after so few steps");
  s.declare("optim.clip", 1.0, "largest global norm of the gradient; 0: no clipping", 0, 1e12);
  s.declare("optim.schedule", std::string("linear"),
            "of the learning rate after warm-up: constant, linear or cosine (to final_lr), step",
            {"constant", "linear", "cosine", "step"});
  s.declare("optim.warmup", std::int64_t{100}, "steps of linear warm-up", 0, 1e15);
}

std::unique_ptr<Task> make_bert(const Settings& settings, const DataInfo& data) {
  token_field(data, "bert");
  return std::make_unique<BertTask>(settings, data);
}

TextView text(const Settings& settings) {
  return {.kind = settings.flag("task.nsp") ? TextView::Kind::pairs : TextView::Kind::segments,
          .length = settings.integer("model.context"),
          .short_share = settings.number("task.short_share"),
          .seed = static_cast<std::uint64_t>(settings.integer("train.seed"))};
}

}  // namespace

extern const TaskInfo bert_task{
    "bert", "predicts hidden tokens of a text, and whether two pieces of it belong together",
    declare_bert, make_bert, text};

}  // namespace lacuna
