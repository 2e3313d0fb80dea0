// The trainer's third part: how good the model is on data that it does not learn from.
#include "../core/tape.h"
#include "pieces.h"
#include "trainer.h"

namespace lacuna {

// The losses of a batch of the validation, of all phases. Nothing that a later step sees changes.
Losses Trainer::judge(Context& context, const Batch& batch) {
  context.ids = row_ids(batch.ids, 1, device_);
  Losses sum = task_.step(context, batch);
  for (int phase = 1; phase < task_.phases(); phase++) {
    Losses losses = task_.step(context, batch, phase);
    sum.total = sum.total + losses.total;
    sum.parts.merge(losses.parts);
  }
  return sum;
}

// What would fail at the first validation, hours later.
void Trainer::try_validation() {
  if (validation_->per_epoch() == 0) return;
  NoGrad guard;
  Context context = context_;
  context.training = false;
  validation_->seek(0);
  const Batch batch = validation_->next().to(device_);
  try {
    task_.check_validation(validation_->source());
    judge(context, batch);
  } catch (const RunError&) {
    throw;
  } catch (const Error& e) {
    fail("train", "the validation data must be what the task can judge: got ",
         validation_->source().name(), ": ", e.what());
  }
}

Metrics Trainer::evaluate() {
  NoGrad guard;
  Context context = context_;
  context.training = false;
  context.epoch = 0;  // the same masks every time
  Means means;
  validation_->seek(0);
  for (std::int64_t i = 0; i < validation_->per_epoch(); i++) {
    const Batch batch = validation_->next().to(device_);
    const Losses losses = judge(context, batch);
    means.add(losses, Terms::of(task_, context, batch));
  }
  Metrics metrics{
      {"step", static_cast<double>(step_)}, {"epoch", epoch()}, {"loss", means.total()}};
  for (const auto& [name, value] : means.parts()) metrics.emplace_back(name, value);
  return metrics;
}

}  // namespace lacuna
