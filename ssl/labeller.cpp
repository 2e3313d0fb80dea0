#include "labeller.h"

#include <algorithm>

#include "../core/ops/concat.h"
#include "../core/ops/cross_entropy.h"
#include "../core/ops/elementwise.h"
#include "../core/ops/index.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../nn/backbones/bert.h"
#include "../nn/backbones/gpt.h"
#include "text.h"

namespace lacuna {
namespace {

constexpr const char* kLabellerOp = "finetune";

class BertLabeller : public TextLabeller {
 public:
  BertLabeller(const BertOptions& o, std::int64_t classes, bool tags, double dropout)
      : TextLabeller(o.width, classes, tags, dropout), bert_(o) {}

 private:
  Module& encoder() override { return bert_; }
  Tensor hidden(Context& context, const Batch& batch) override {
    return bert_.forward(context, batch["tokens"], batch["segment"], batch["length"]);
  }
  Tensor summary(Context& context, const Tensor& hidden, const Batch&) override {
    return bert_.pooled(context, hidden);
  }
  Tensor lm_loss(const Tensor&, const Batch&) override { return {}; }

  Bert bert_;
};

class GptLabeller : public TextLabeller {
 public:
  GptLabeller(const GptOptions& o, std::int64_t classes, bool tags, double dropout)
      : TextLabeller(o.width, classes, tags, dropout), gpt_(o) {}

 private:
  Module& encoder() override { return gpt_; }
  Tensor hidden(Context& context, const Batch& batch) override {
    return gpt_.forward(context, batch["tokens"]);
  }
  Tensor summary(Context&, const Tensor& hidden, const Batch& batch) override {
    std::vector<std::int64_t> last;
    for (std::int64_t length : batch["length"].to_vector<std::int64_t>())
      last.push_back(static_cast<std::int64_t>(last.size()) * hidden.dim(1) + length - 1);
    return index_select(flatten(hidden, 0, 1), 0,
                        Tensor::from(last, {hidden.dim(0)}, hidden.device()));
  }
  Tensor lm_loss(const Tensor& hidden, const Batch& batch) override {
    const Targets targets = next_tokens(batch["tokens"], batch["length"]);
    const Tensor before = slice(hidden, 1, 0, hidden.dim(1) - 1);
    return cross_entropy(gpt_.logits(targets.rows_of(before)), targets.tokens);
  }

  Gpt gpt_;
};

}  // namespace

TextLabeller::TextLabeller(std::int64_t width, std::int64_t classes, bool tags, double dropout)
    : tags_(tags), dropout_(dropout), head_({width, classes, true, init::truncated_normal(0.02)}) {}

void TextLabeller::members(Members& m) {
  m.child("encoder", encoder());
  m.child("dropout", dropout_);
  m.child("head", head_);
}

Tensor TextLabeller::scores_of(Context& context, const Tensor& hidden, const Batch& batch) {
  if (!tags_)
    return head_.forward(context, dropout_.forward(context, summary(context, hidden, batch)),
                         Epilogue::none);
  // Dropout before words are picked, while each row is still a sample.
  const Tensor rows = dropout_.forward(context, hidden);
  return head_.forward(context, labelled(batch["tag"], -1).rows_of(rows), Epilogue::none);
}

Tensor TextLabeller::scores(Context& context, const Batch& batch) {
  return scores_of(context, hidden(context, batch), batch);
}

Tensor TextLabeller::loss(Context& context, const Batch& batch, double lm_weight) {
  const Tensor h = hidden(context, batch);
  const Tensor targets = tags_ ? labelled(batch["tag"], -1).tokens : batch["label"];
  const Tensor loss = cross_entropy(scores_of(context, h, batch), targets);
  const Tensor text = lm_weight > 0 ? lm_loss(h, batch) : Tensor();
  return text.defined() ? loss + text * lm_weight : loss;
}

void TextLabeller::start_from(const Module& trained) {
  NoGrad guard;
  StateDict state = encoder().state_dict();
  for (const auto& [name, tensor] : trained.state_dict()) {
    const auto mine = state.find(name);
    LACUNA_CHECK(mine != state.end(), kLabellerOp, "the trained encoder is another: it has ", name);
    const Tensor theirs = lacuna::to(tensor, mine->second.device());
    const std::int64_t rows = theirs.dim(0), all = mine->second.dim(0);
    mine->second = rows < all ? concat({theirs, slice(mine->second, 0, rows, all)}) : theirs;
  }
  encoder().load_state_dict(state);
}

std::int64_t positions_of(const Module& encoder) {
  if (const auto* bert = dynamic_cast<const Bert*>(&encoder)) return bert->options().positions;
  const auto* gpt = dynamic_cast<const Gpt*>(&encoder);
  LACUNA_CHECK(gpt, kLabellerOp, "needs a pretrained bert or gpt");
  return gpt->options().context;
}

std::unique_ptr<Labeller> make_labeller(const Module& encoder, const DataInfo& data,
                                        double dropout) {
  const auto has = [&](const char* name) {
    return std::any_of(data.fields.begin(), data.fields.end(),
                       [&](const Field& field) { return field.name == name; });
  };
  const bool tags = has("tag");
  LACUNA_CHECK(has("tokens") && (tags || has("label")) && data.classes.size() >= 2, kLabellerOp,
               "needs labelled text of at least two classes (tsv:FILE, conll:FILE): got ",
               data.classes.size(), data.classes.size() == 1 ? " class" : " classes");
  const auto classes = static_cast<std::int64_t>(data.classes.size());
  const std::int64_t length = token_field(data, kLabellerOp).shape[0], size = data.vocabulary.size;
  const std::int64_t positions = positions_of(encoder);
  LACUNA_CHECK(length <= positions, kLabellerOp, "rows must have at most ", positions,
               " tokens, as the encoder has positions: got ", length);
  const auto check = [&](std::int64_t vocabulary, std::int64_t added) {
    LACUNA_CHECK(size == vocabulary || size == vocabulary + added, kLabellerOp,
                 "the data must be in the encoder's tokens, of which there are ", vocabulary,
                 ": got ", size);
  };
  if (const auto* bert = dynamic_cast<const Bert*>(&encoder)) {
    BertOptions o = bert->options();
    check(o.vocabulary, 0);
    o.pooler = true;
    return std::make_unique<BertLabeller>(o, classes, tags, dropout);
  }
  GptOptions o = dynamic_cast<const Gpt&>(encoder).options();
  check(o.vocabulary, 3);
  o.vocabulary = size;
  return std::make_unique<GptLabeller>(o, classes, tags, dropout);
}

}  // namespace lacuna
