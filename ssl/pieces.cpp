#include "pieces.h"

#include "../core/ops/elementwise.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"

namespace lacuna {

double Terms::of(const std::string& name) const {
  for (const auto& [prefix, count] : counts)
    if (name == prefix ||
        (!prefix.empty() && name.compare(0, prefix.size() + 1, prefix + "_") == 0))
      return static_cast<double>(count);
  return static_cast<double>(samples);
}

std::vector<std::string> Terms::summands() const {
  std::vector<std::string> names;
  if (counts.count("")) return names;
  for (const auto& [name, count] : counts) names.push_back(name + "_loss");
  return names;
}

Tensor share_of(const Losses& losses, const Terms& piece, const Terms& whole) {
  const auto share = [&](const Tensor& mean, const std::string& name) {
    return whole.of(name) > 0 ? mean * (piece.of(name) / whole.of(name)) : mean;
  };
  Tensor sum;
  for (const std::string& name : whole.summands()) {
    const Tensor part = share(losses.parts.at(name), name);
    sum = sum.defined() ? sum + part : part;
  }
  return sum.defined() ? sum : share(losses.total, "");
}

Batch rows_of(const Batch& batch, std::int64_t begin, std::int64_t end) {
  Batch rows;
  for (const auto& [name, tensor] : batch.fields) rows.fields[name] = slice(tensor, 0, begin, end);
  rows.ids.assign(batch.ids.begin() + begin, batch.ids.begin() + end);
  return rows;
}

Losses add_gradients(Task& task, Context& context, const Batch& batch, int phase,
                     std::int64_t pieces) {
  pieces = std::min(pieces, batch.size());
  if (pieces <= 1) {
    Losses losses = task.step(context, batch, phase);
    backward(losses.total);
    if (losses.aside.defined()) backward(losses.aside);
    return losses;
  }
  const Tensor ids = context.ids;
  const Terms whole = Terms::of(task, context, batch);
  Means means;
  Losses sum;
  for (std::int64_t i = 0; i < pieces; i++) {
    const std::int64_t begin = i * batch.size() / pieces, end = (i + 1) * batch.size() / pieces;
    const Batch piece = rows_of(batch, begin, end);
    context.ids = slice(ids, 0, begin, end);
    const Terms terms = Terms::of(task, context, piece);
    const Losses losses = task.step(context, piece, phase);
    const Tensor share = share_of(losses, terms, whole);
    backward(share);
    if (losses.aside.defined())
      backward(losses.aside *
               (static_cast<double>(terms.samples) / static_cast<double>(whole.samples)));
    sum.total = sum.total.defined() ? sum.total + share.detach() : share.detach();
    means.add(losses, terms);
  }
  context.ids = ids;
  for (const auto& [name, value] : means.parts())
    sum.parts[name] = Tensor::scalar(value, Dtype::f32, sum.total.device());
  return sum;
}

void Means::add(const Losses& losses, const Terms& terms) {
  summands_ = terms.summands();
  const auto add = [&](Mean& mean, double value, double weight) {
    mean.sum += weight * value;
    mean.terms += weight;
  };
  if (summands_.empty()) add(total_, losses.total.item(), terms.of(""));
  for (const auto& [name, value] : losses.parts) add(parts_[name], value.item(), terms.of(name));
}

double Means::total() const {
  if (summands_.empty()) return total_.value();
  double sum = 0;
  for (const std::string& name : summands_) sum += parts_.at(name).value();
  return sum;
}

std::map<std::string, double> Means::parts() const {
  std::map<std::string, double> values;
  for (const auto& [name, mean] : parts_) values[name] = mean.value();
  return values;
}

}  // namespace lacuna
