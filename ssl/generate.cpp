#include "generate.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../core/ops/shape.h"
#include "../core/tape.h"

namespace lacuna {

std::int64_t pick_token(std::span<const float> scores, const SamplingOptions& o, double u) {
  LACUNA_CHECK(o.temperature >= 0 && o.top_k >= 0 && o.top_p > 0 && o.top_p <= 1, "generate",
               "needs temperature and top_k of at least 0 and top_p above 0, at most 1: got ",
               o.temperature, ", ", o.top_k, " and ", o.top_p);
  LACUNA_CHECK(!scores.empty(), "generate", "there are no scores to pick a token by");
  const auto likelier = [&](std::int64_t a, std::int64_t b) {
    return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
  };
  std::vector<std::int64_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), 0);
  if (o.temperature == 0) return *std::min_element(ids.begin(), ids.end(), likelier);
  if (o.top_k > 0 && o.top_k < static_cast<std::int64_t>(ids.size())) {
    std::nth_element(ids.begin(), ids.begin() + o.top_k, ids.end(), likelier);
    ids.resize(static_cast<std::size_t>(o.top_k));
  }
  std::sort(ids.begin(), ids.end(), likelier);
  std::vector<double> up_to(ids.size());  // weight of a token and of all that are likelier
  double sum = 0;
  for (std::size_t i = 0; i < ids.size(); i++) {
    sum += std::exp((static_cast<double>(scores[ids[i]]) - scores[ids[0]]) / o.temperature);
    up_to[i] = sum;
  }
  LACUNA_CHECK(std::isfinite(sum), "generate", "the model's scores are not finite");
  const auto reached = [&](double share) {
    const auto at = std::upper_bound(up_to.begin(), up_to.end(), share);
    return static_cast<std::size_t>(
        std::min(at - up_to.begin(), static_cast<std::ptrdiff_t>(ids.size()) - 1));
  };
  if (o.top_p < 1)
    sum = up_to[std::lower_bound(up_to.begin(), up_to.end() - 1, o.top_p * sum) - up_to.begin()];
  return ids[reached(u * sum)];
}

std::vector<std::int64_t> generate(GptModel& model, std::span<const std::int64_t> prompt,
                                   const GenerateOptions& options) {
  LACUNA_CHECK(!prompt.empty(), "generate", "the prompt must have at least one token");
  const NoGrad guard;
  Context context{.training = false};
  Gpt& network = model.encoder;
  const auto room = static_cast<std::size_t>(network.options().context);
  const RandomKey key = RandomKey::of(options.seed, stream_of("generate"), 0);
  std::vector<KvCache> caches = network.caches(1);

  std::vector<std::int64_t> text(prompt.begin(), prompt.end()), made;
  std::span<const std::int64_t> fresh = prompt.last(std::min(prompt.size(), room));
  while (static_cast<std::int64_t>(made.size()) < options.max_tokens) {
    const auto count = static_cast<std::int64_t>(fresh.size());
    const Tensor tokens = Tensor::from(std::vector<std::int64_t>(fresh.begin(), fresh.end()),
                                       {1, count}, network.token.weight.device());
    const Tensor hidden = network.forward(context, tokens, caches);
    const auto scores = network.logits(select(hidden, 1, count - 1)).to_vector<float>();
    const double u = draw_word(key, made.size(), options.sample) / 4294967296.0;
    const std::int64_t token = pick_token(scores, options.sampling, u);
    if (token == options.stop) break;
    made.push_back(token);
    text.push_back(token);
    if (options.on_token && !options.on_token(token)) break;
    std::size_t next = 1;
    if (caches[0].length() == network.options().context) {
      for (KvCache& cache : caches) cache.reset();
      next = std::max<std::size_t>(1, room / 2);
    }
    fresh = std::span<const std::int64_t>(text).last(next);
  }
  return made;
}

}  // namespace lacuna
