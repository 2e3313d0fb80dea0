#include "vector_labeller.h"

#include "../core/ops/cross_entropy.h"
#include "../core/tape.h"

namespace lacuna {

VectorLabeller::VectorLabeller(std::unique_ptr<Task> task, std::int64_t width, std::int64_t classes,
                               bool frozen)
    : task_(std::move(task)), frozen_(frozen), head_({.in = width, .out = classes}) {}

VectorLabeller::VectorLabeller(Subject raw, std::int64_t width, std::int64_t classes)
    : raw_(std::move(raw)), head_({.in = width, .out = classes}) {}

void VectorLabeller::members(Members& m) {
  if (task_) m.child("encoder", task_->encoder());
  m.child("head", head_);
}

Tensor VectorLabeller::scores(Context& context, const Batch& batch) {
  const auto vectors = [&] {
    if (!task_) return raw_.represent(batch);
    if (!frozen_) return task_->represent(context, batch);
    NoGrad guard;
    Context evaluation = context;
    evaluation.training = false;
    return task_->represent(evaluation, batch);
  }();
  return head_.forward(context, vectors, Epilogue::none);
}

Tensor VectorLabeller::loss(Context& context, const Batch& batch, double) {
  return cross_entropy(scores(context, batch), batch["label"]);
}

void VectorLabeller::start_from(const Module& trained) {
  LACUNA_CHECK(task_, "finetune", "raw samples have no weights to start from");
  task_->encoder().load_state_dict(trained.state_dict());
}

}  // namespace lacuna
