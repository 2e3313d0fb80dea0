#pragma once
// A network with one linear layer on top that gives labels, to be trained on them. Of text, where all of it is trained:
//
//   classes of rows   BERT: linear(drop(pooled))                 Devlin, Chang, Lee, Toutanova 2019
//                     GPT:  linear(drop(h of the row's last token, "classify"))       Radford, Narasimhan, Salimans, Sutskever 2018
//   tags of words     linear(drop(h of a word's first token))
//
// GPT goes on as a language model of the rows meanwhile: its loss is that of the labels and `lm_weight` times the mean over the
// batch's tokens of -log p(next token). The paper adds sums over tokens (L3 = L2 + lambda L1); the authors' code takes the mean
// of each row first, in which a token of a short row counts for more. Here every token counts alike, as it does in pretraining.
// Of pictures: vector_labeller.h.
#include "../nn/layers/dropout.h"
#include "../nn/layers/linear.h"
#include "task.h"

namespace lacuna {

class Labeller : public Module {
 public:
  /// (n, classes) of a batch of n samples with "label" (n), or (m, classes) of the m words in order that have a "tag".
  virtual Tensor scores(Context& context, const Batch& batch) = 0;
  /// What training makes smaller; 0-d.
  virtual Tensor loss(Context& context, const Batch& batch, double lm_weight) = 0;

  /// An encoder that training must leave as it is; nullptr: there is none.
  virtual const Module* frozen() const { return nullptr; }

  /// Takes the weights of a trained encoder. Tokens that it did not have, and a pooler, stay as they were drawn.
  virtual void start_from(const Module& trained) = 0;
};

/// Labelled text, as datasets/text/labelled.h gives it: "tokens" (n, s), "segment" (n, s), "length" (n), and "label" (n), or
/// "tag" (n, s), which is -1 but at a word's first token.
class TextLabeller : public Labeller {
 public:
  Tensor scores(Context& context, const Batch& batch) override;
  Tensor loss(Context& context, const Batch& batch, double lm_weight) override;
  void start_from(const Module& trained) override;
  void members(Members& m) override;

 protected:
  TextLabeller(std::int64_t width, std::int64_t classes, bool tags, double dropout);
  virtual Module& encoder() = 0;
  /// (n, s, width).
  virtual Tensor hidden(Context& context, const Batch& batch) = 0;
  /// What stands for whole rows: (n, width).
  virtual Tensor summary(Context& context, const Tensor& hidden, const Batch& batch) = 0;
  /// Of the language model; undefined where there is none.
  virtual Tensor lm_loss(const Tensor& hidden, const Batch& batch) = 0;

 private:
  Tensor scores_of(Context& context, const Tensor& hidden, const Batch& batch);

  bool tags_;
  Dropout dropout_;
  Linear head_;
};

/// The longest row that an encoder of text takes. Fails on another encoder.
std::int64_t positions_of(const Module& encoder);

/// One for a Bert or a Gpt, of its architecture and none of its weights, not yet initialized. Fails on another encoder, on data
/// without labels or of other tokens, and on rows that are longer than its positions. A Gpt may lack the three tokens that
/// labelled text puts behind its vocabulary.
std::unique_ptr<Labeller> make_labeller(const Module& encoder, const DataInfo& data,
                                        double dropout);

}  // namespace lacuna
