#include "perplexity.h"

#include "../core/tape.h"
#include "pieces.h"

namespace lacuna {

Perplexity evaluate_perplexity(Task& task, const Source& source, std::uint64_t seed,
                               std::int64_t batch_size, Device device) {
  const NoGrad guard;
  Context context{.training = false, .seed = seed};
  Perplexity result;
  for (std::int64_t begin = 0; begin < source.size(); begin += batch_size) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = begin; i < std::min(source.size(), begin + batch_size); i++)
      ids.push_back(i);
    const Batch batch = read_batch(source, ids).to(device);
    context.ids = row_ids(ids, 1, device);
    const Terms terms = Terms::of(task, context, batch);
    LACUNA_CHECK(terms.counts.count("") || terms.counts.count("mlm"), "perplexity",
                 "the task predicts no tokens");
    const Losses losses = task.step(context, batch);
    const bool one = terms.counts.count("") != 0;
    const double tokens = terms.of(one ? "" : "mlm");
    result.tokens += tokens;
    result.nats += tokens * (one ? losses.total : losses.parts.at("mlm_loss")).item();
  }
  return result;
}

}  // namespace lacuna
