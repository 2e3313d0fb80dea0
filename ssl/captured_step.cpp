#include "captured_step.h"

namespace lacuna {
namespace {

bool alike(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype();
}

bool alike(const Staged& a, const Staged& b) {
  if (!a.ids.defined() || !alike(a.ids, b.ids) || a.batch.fields.size() != b.batch.fields.size())
    return false;
  for (const auto& [name, tensor] : a.batch.fields)
    if (!b.batch.has(name) || !alike(tensor, b.batch[name])) return false;
  return true;
}

}  // namespace

void CapturedStep::record(const Staged& batch, const Work& work) {
  graph_ = nullptr;  // its memory can serve the next one
  results_.clear();
  inputs_ = {{{}, batch.batch.ids}, batch.ids.clone()};
  for (const auto& [name, tensor] : batch.batch.fields) inputs_.batch.fields[name] = tensor.clone();
  for (const auto& optimizer : optimizers_) optimizer->before_recording();
  context_.ids = inputs_.ids;
  epoch_ = context_.epoch;
  try {
    graph_ = std::make_unique<Graph>(inputs_.ids.device(), [&] { results_ = work(inputs_.batch); });
  } catch (const Error& e) {
    fail("train", "this step cannot be captured; train.graph=false runs it as it is: ", e.what());
  }
}

std::vector<Tensor> CapturedStep::run(const Staged& batch, const Work& work) {
  const std::int64_t rows = batch.batch.size();
  if (rows != rows_) {
    if (rows > rows_) {  // the first of its size
      rows_ = rows;
      graph_ = nullptr;
    }
    context_.ids = batch.ids;
    return work(batch.batch);
  }
  if (!graph_ || epoch_ != context_.epoch || !alike(inputs_, batch)) record(batch, work);
  inputs_.batch.ids = batch.batch.ids;
  inputs_.ids.copy_from(batch.ids);
  for (const auto& [name, tensor] : batch.batch.fields)
    inputs_.batch.fields[name].copy_from(tensor);
  for (const auto& optimizer : optimizers_) optimizer->before_replay();
  context_.ids = inputs_.ids;
  graph_->replay();
  replays_++;
  return results_;
}

}  // namespace lacuna
