#pragma once
// Batches of a Source, in an order and with contents that depend only on (seed, epoch, sample): not on threads,
// prefetching, the number of ranks, or where a run was resumed.
#include <memory>

#include "../core/batch.h"

namespace lacuna {

struct LoaderOptions {
  std::int64_t batch_size = 64;  // over all ranks together
  bool shuffle = true;           // a new permutation each epoch
  bool drop_last = false;        // true: an epoch has whole batches only
  std::uint64_t seed = 0;
  int rank = 0, world = 1;  // rank r of k takes the r-th of k contiguous parts of each batch
  int threads =
      1;  // workers that read ahead where reading is slow enough to gain by it; 0: none ever
  int prefetch = 4;  // batches that they may be ahead
};

class Loader : public Batches {
 public:
  /// Fails on an empty source and on options that make no batch.
  Loader(std::shared_ptr<const Source> source, const LoaderOptions& options);
  ~Loader() override;
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t per_epoch() const override;
  std::int64_t batch_size() const override { return options_.batch_size; }
  const Source& source() const override { return *source_; }
  void seek(std::int64_t step) override;
  /// The batch that seek() or the last next() left us before. With several ranks the last batch of an epoch may be
  /// empty for some of them. An Error of the source, in a worker too, is thrown here, and again until seek().
  Batch next() override;

  /// Number of the batch that next() will give.
  std::int64_t step() const { return step_; }
  /// Sample ids of batch `step` on this rank: position p of epoch e is sample permute(key, p, n), where key is that of
  /// (seed; "loader.shuffle", e), or p itself without shuffling.
  std::vector<std::int64_t> ids_of(std::int64_t step) const;
  /// Workers that are running.
  int workers() const;

 private:
  class Workers;
  Batch read(std::int64_t step) const;
  Batch read_timed();

  std::shared_ptr<const Source> source_;
  LoaderOptions options_;
  std::int64_t step_ = 0;
  int timed_ = 0;          // batches that next() has read and timed itself
  double fastest_ = 1e30;  // seconds of the quickest of them
  std::unique_ptr<Workers> workers_;
};

}  // namespace lacuna
