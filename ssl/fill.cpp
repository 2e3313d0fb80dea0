#include "fill.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../core/ops/index.h"
#include "../core/ops/shape.h"
#include "../core/ops/softmax.h"
#include "../core/tape.h"

namespace lacuna {

std::vector<Blank> fill_blanks(BertModel& model, const Tensor& tokens, const Tensor& segments,
                               const Tensor& lengths, std::int64_t mask, std::int64_t count) {
  LACUNA_CHECK(count >= 1, "fill", "needs at least one filling a blank: got ", count);
  const NoGrad guard;
  Context context{.training = false};
  const Tensor hidden = model.encoder.forward(context, tokens, segments, lengths);
  const auto ids = tokens.to_vector<std::int64_t>(), ends = lengths.to_vector<std::int64_t>();
  std::vector<Blank> blanks;
  std::vector<std::int64_t> places;
  const std::int64_t s = tokens.dim(1), vocabulary = model.encoder.options().vocabulary;
  for (std::int64_t i = 0; i < tokens.numel(); i++) {
    if (ids[i] != mask || i % s >= ends[i / s]) continue;
    blanks.push_back({i / s, i % s, {}});
    places.push_back(i);
  }
  if (blanks.empty()) return blanks;
  const Tensor where =
      Tensor::from(places, {static_cast<std::int64_t>(places.size())}, tokens.device());
  const Tensor rows = index_select(flatten(hidden, 0, 1), 0, where);
  const auto p = softmax(model.token_scores(context, rows)).to_vector<float>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(vocabulary));
  const auto most = static_cast<std::ptrdiff_t>(std::min(count, vocabulary));
  for (std::size_t b = 0; b < blanks.size(); b++) {
    const float* const row = p.data() + static_cast<std::int64_t>(b) * vocabulary;
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + most, order.end(),
                      [&](std::int64_t x, std::int64_t y) {
                        return row[x] > row[y] || (row[x] == row[y] && x < y);
                      });
    for (std::ptrdiff_t k = 0; k < most; k++)
      blanks[b].fillings.push_back({order[k], static_cast<double>(row[order[k]])});
  }
  return blanks;
}

std::vector<double> follows(BertModel& model, const Tensor& tokens, const Tensor& segments,
                            const Tensor& lengths) {
  LACUNA_CHECK(model.encoder.options().pooler, "next-sentence",
               "the model was trained without next-sentence prediction (task.nsp=false)");
  const NoGrad guard;
  Context context{.training = false};
  const Tensor hidden = model.encoder.forward(context, tokens, segments, lengths);
  const auto scores = model.pair_scores(context, hidden).to_vector<double>();
  std::vector<double> p;  // in f64, so that what is left of 1 is exact, too
  for (std::size_t i = 0; i < scores.size(); i += 2)
    p.push_back(1 / (1 + std::exp(scores[i + 1] - scores[i])));
  return p;
}

}  // namespace lacuna
