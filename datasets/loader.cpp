#include "loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "../kernels/random.h"

namespace lacuna {

// A ring of `prefetch` batches. A worker takes the next number that fits into the ring, reads that batch without the
// lock and puts it into its place; next() takes the batches out in order.
class Loader::Workers {
 public:
  Workers(const Loader& loader, std::int64_t step)
      : loader_(loader), ring_(loader.options_.prefetch), take_(step), make_(step) {
    for (int i = 0; i < loader.options_.threads; i++) threads_.emplace_back([this] { loop(); });
  }
  ~Workers() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    room_.notify_all();
    for (auto& t : threads_) t.join();
  }

  Batch next() {
    std::unique_lock lock(mutex_);
    Slot& slot = ring_[take_ % ring_.size()];
    filled_.wait(lock, [&] { return slot.full; });
    if (slot.error) std::rethrow_exception(slot.error);  // and stays, until seek()
    Batch batch = std::move(slot.batch);
    slot = {};
    take_++;
    lock.unlock();
    room_.notify_one();
    return batch;
  }

  void seek(std::int64_t step) {
    {
      std::lock_guard lock(mutex_);
      take_ = make_ = step;
      generation_++;  // what is being read for the old place is thrown away
      for (Slot& slot : ring_) slot = {};
    }
    room_.notify_all();
  }

  int count() const { return static_cast<int>(threads_.size()); }

 private:
  struct Slot {
    bool full = false;
    Batch batch;
    std::exception_ptr error;
  };

  void loop() {
    std::unique_lock lock(mutex_);
    for (;;) {
      room_.wait(lock,
                 [&] { return stop_ || make_ < take_ + static_cast<std::int64_t>(ring_.size()); });
      if (stop_) return;
      const std::int64_t step = make_++;
      const std::int64_t generation = generation_;
      lock.unlock();
      Slot made{true, {}, nullptr};
      try {
        made.batch = loader_.read(step);
      } catch (...) {
        made.error = std::current_exception();
      }
      lock.lock();
      if (generation != generation_) continue;
      ring_[step % ring_.size()] = std::move(made);
      filled_.notify_one();
    }
  }

  const Loader& loader_;
  std::mutex mutex_;
  std::condition_variable room_, filled_;
  std::vector<Slot> ring_;
  std::int64_t take_, make_;  // the batch that next() gives, and the one that a worker reads next
  std::int64_t generation_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

Loader::Loader(std::shared_ptr<const Source> source, const LoaderOptions& options)
    : source_(std::move(source)), options_(options) {
  const LoaderOptions& o = options_;
  LACUNA_CHECK(source_ != nullptr, "loader", "needs a source");
  LACUNA_CHECK(o.batch_size >= 1, "loader", "batch_size must be at least 1: got ", o.batch_size);
  LACUNA_CHECK(o.world >= 1 && o.rank >= 0 && o.rank < o.world, "loader",
               "rank must be 0 to world - 1: got rank ", o.rank, " of ", o.world);
  LACUNA_CHECK(o.batch_size >= o.world, "loader",
               "batch_size counts all ranks and must give each a sample: got ", o.batch_size,
               " for ", o.world, " ranks");
  LACUNA_CHECK(o.threads >= 0 && o.threads <= 1024, "loader", "threads must be 0 to 1024: got ",
               o.threads);
  LACUNA_CHECK(o.prefetch >= 1 && o.prefetch <= 65536, "loader",
               "prefetch must be 1 to 65536: got ", o.prefetch);
  LACUNA_CHECK(source_->size() > 0, "loader", "the data must not be empty: got ", source_->name());
  LACUNA_CHECK(per_epoch() > 0, "loader",
               "with drop_last the data must fill a batch: got batch_size ", o.batch_size, " and ",
               source_->size(), " samples in ", source_->name());
}

Loader::~Loader() = default;

std::int64_t Loader::per_epoch() const {
  const std::int64_t n = source_->size(), b = options_.batch_size;
  return options_.drop_last ? n / b : n / b + (n % b != 0);
}

int Loader::workers() const { return workers_ ? workers_->count() : 0; }

std::vector<std::int64_t> Loader::ids_of(std::int64_t step) const {
  const std::int64_t n = source_->size(), epoch = step / per_epoch();
  const std::int64_t begin = step % per_epoch() * options_.batch_size;
  const std::int64_t rows = std::min(options_.batch_size, n - begin);
  const std::int64_t first = begin + rows * options_.rank / options_.world;
  const std::int64_t last = begin + rows * (options_.rank + 1) / options_.world;
  const RandomKey key = RandomKey::of(options_.seed, stream_of("loader.shuffle"), epoch);
  std::vector<std::int64_t> ids;
  ids.reserve(last - first);
  for (std::int64_t p = first; p < last; p++)
    ids.push_back(options_.shuffle ? static_cast<std::int64_t>(permute(key, p, n)) : p);
  return ids;
}

void Loader::seek(std::int64_t step) {
  LACUNA_CHECK(step >= 0, "loader", "the step must not be negative: got ", step);
  step_ = step;
  if (workers_) workers_->seek(step);
}

Batch Loader::next() {
  Batch batch = workers_ ? workers_->next() : read_timed();
  step_++;
  // Handing a batch from one thread to another costs some 10 us; copying it out of memory often costs less. So the
  // first batches are read here, and workers start only where that was slow. The batches are the same either way.
  constexpr double kWorthAThread = 300e-6;
  if (!workers_ && options_.threads > 0 && timed_ == 3 && fastest_ > kWorthAThread)
    workers_ = std::make_unique<Workers>(*this, step_);
  return batch;
}

Batch Loader::read(std::int64_t step) const {
  return read_batch(*source_, ids_of(step), step / per_epoch());
}

Batch Loader::read_timed() {
  if (timed_ > 3) return read(step_);
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  Batch batch = read(step_);
  fastest_ = std::min(fastest_, std::chrono::duration<double>(Clock::now() - start).count());
  timed_++;
  return batch;
}

}  // namespace lacuna
