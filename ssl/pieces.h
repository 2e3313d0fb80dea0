#pragma once
// Means over pieces of a batch (or batches of a data set) put together to the mean over the whole.
#include "task.h"

namespace lacuna {

/// How many terms the means of a batch have: Task::counts with what it leaves out.
struct Terms {
  std::int64_t samples = 0;
  std::map<std::string, std::int64_t> counts = {};

  static Terms of(Task& task, Context& context, const Batch& batch) {
    return {batch.size(), task.counts(context, batch)};
  }
  /// Of a part; of the total where `name` is "", which then must be one mean.
  double of(const std::string& name) const;
  /// Names of the parts that add up to the total; empty where it is one mean.
  std::vector<std::string> summands() const;
};

/// What a piece's losses add to the total of the whole batch.
Tensor share_of(const Losses& losses, const Terms& piece, const Terms& whole);

/// Row begin .. end - 1.
Batch rows_of(const Batch& batch, std::int64_t begin, std::int64_t end);

/// The losses of a batch, whose gradients are added to those of the leaves: all at once, or piece by piece, so that only a
/// piece's activations are in memory. Nothing of the result is on the tape.
Losses add_gradients(Task& task, Context& context, const Batch& batch, int phase,
                     std::int64_t pieces);

/// The means over all that is added.
class Means {
 public:
  void add(const Losses& losses, const Terms& terms);
  double total() const;
  std::map<std::string, double> parts() const;

 private:
  struct Mean {
    double sum = 0, terms = 0;
    double value() const { return terms > 0 ? sum / terms : 0; }
  };
  std::vector<std::string> summands_;
  Mean total_;
  std::map<std::string, Mean> parts_;
};

}  // namespace lacuna
