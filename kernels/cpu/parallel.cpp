#include "parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "../error.h"

namespace lacuna::cpu {
namespace {

constexpr int kSpins = 4000;  // about 0.1 ms of pauses before a worker sleeps

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

struct Job {
  void (*call)(void*, std::int64_t, std::int64_t) = nullptr;
  void* body = nullptr;
  std::int64_t n = 0, grain = 1;
  std::atomic<std::int64_t> next{0};

  void work() {
    for (;;) {
      const std::int64_t begin = next.fetch_add(grain, std::memory_order_relaxed);
      if (begin >= n) return;
      call(body, begin, std::min(begin + grain, n));
    }
  }
};

thread_local bool inside = false;  // this thread is running a piece

class Pool {
 public:
  explicit Pool(int count) {
    try {
      for (int i = 1; i < count; i++) workers_.emplace_back([this] { loop(); });
    } catch (const std::system_error&) {
      // The system gives no more threads: work goes on with those there are, and with the same bits.
    }
  }
  ~Pool() {
    stop_ = true;
    generation_.fetch_add(1);
    generation_.notify_all();
    for (auto& w : workers_) w.join();
  }

  void run(Job& job) {
    job_ = &job;
    pending_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    inside = true;
    std::exception_ptr error = guarded(job);
    inside = false;
    for (int spins = 0; pending_.load(std::memory_order_acquire) != 0; spins++) {
      if (spins < kSpins)
        pause();
      else
        std::this_thread::yield();
    }
    if (!error) error = std::exchange(error_, nullptr);
    error_ = nullptr;
    if (error) std::rethrow_exception(error);
  }

 private:
  static std::exception_ptr guarded(Job& job) {
    try {
      job.work();
    } catch (...) {
      job.next.store(job.n);
      return std::current_exception();
    }
    return nullptr;
  }

  void loop() {
    inside = true;
    std::uint32_t seen = 0;
    for (;;) {
      std::uint32_t now;
      for (int spins = 0; (now = generation_.load(std::memory_order_acquire)) == seen; spins++) {
        if (spins < kSpins)
          pause();
        else
          generation_.wait(seen, std::memory_order_acquire);
      }
      seen = now;
      if (stop_) return;
      if (auto error = guarded(*job_)) {
        std::lock_guard lock(error_mutex_);
        error_ = error;
      }
      pending_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::vector<std::thread> workers_;
  std::atomic<std::uint32_t> generation_{0};
  std::atomic<int> pending_{0};
  std::atomic<bool> stop_{false};
  Job* job_ = nullptr;
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

int default_threads() {
  if (const char* text = std::getenv("LACUNA_THREADS")) {
    const int n = std::atoi(text);
    if (n >= 1 && n <= 1024) return n;
  }
  return std::max(1u, std::thread::hardware_concurrency());
}

std::mutex& pool_mutex() {
  static auto* m = new std::mutex;  // never destroyed: a kernel may run while the process exits
  return *m;
}
std::atomic<int> wanted{0};
Pool* pool = nullptr;

// A forked child has the pool's memory but none of its threads: it forgets the pool and starts its
// own on first use.
void forget_pool_in_child() {
  pool = nullptr;
  new (&pool_mutex()) std::mutex;
  inside = false;
}

}  // namespace

int threads() {
  int n = wanted.load();
  if (n == 0) wanted.store(n = default_threads());
  return n;
}

void set_threads(int count) {
  LACUNA_CHECK(count >= 1 && count <= 1024, "threads", "must be between 1 and 1024: got ", count);
  std::lock_guard lock(pool_mutex());
  wanted.store(count);
  delete pool;
  pool = nullptr;
}

void detail::parallel_for(std::int64_t n, std::int64_t grain,
                          void (*call)(void*, std::int64_t, std::int64_t), void* body) {
  const auto serially = [&] {
    for (std::int64_t b = 0; b < n; b += grain) call(body, b, std::min(b + grain, n));
  };
  if (inside || n <= grain || threads() == 1) return serially();
  std::unique_lock lock(pool_mutex(), std::try_to_lock);
  if (!lock) return serially();
  if (!pool) {
    static std::once_flag once;
    std::call_once(once, [] { pthread_atfork(nullptr, nullptr, forget_pool_in_child); });
    pool = new Pool(threads());
  }
  Job job;
  job.call = call;
  job.body = body;
  job.n = n;
  job.grain = grain;
  pool->run(job);
}

}  // namespace lacuna::cpu
