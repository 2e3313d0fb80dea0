#pragma once
// How well a task of text predicts a whole source, token by token.
#include <cmath>

#include "task.h"

namespace lacuna {

struct Perplexity {
  double tokens = 0;  // that were predicted
  double nats = 0;    // sum of -log p of them
  double loss() const { return tokens > 0 ? nats / tokens : 0; }
  double perplexity() const { return std::exp(loss()); }
};

/// Over all of `source` in order: every token but the first of gpt's, the hidden ones of bert's (drawn from `seed`, epoch 0).
Perplexity evaluate_perplexity(Task& task, const Source& source, std::uint64_t seed = 0,
                               std::int64_t batch_size = 16, Device device = {});

}  // namespace lacuna
