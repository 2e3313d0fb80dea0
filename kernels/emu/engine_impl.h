#pragma once
// The engine's parts; included by the engine's own files only.
#include <exception>
#include <memory>
#include <vector>

#include "async_impl.h"
#include "device/builtins.h"
#include "engine.h"
#include "shared.h"
#include "strand.h"

namespace lacuna::emu::detail {

/// Unwinds a thread after another one failed. Not a std::exception: no kernel should catch it.
struct Cancelled {};

struct Rng {
  std::uint64_t state;
  std::uint32_t below(std::uint32_t n) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::uint32_t>((state >> 32) * n >> 32);
  }
};

/// Visits 0 .. n-1 in a random order: a random start and a random stride that shares no factor with n.
class RandomOrder {
 public:
  RandomOrder(std::int64_t n, Rng& rng);
  std::int64_t next() {
    const std::int64_t now = at_;
    at_ = at_ >= n_ - stride_ ? at_ - (n_ - stride_) : at_ + stride_;
    return now;
  }

 private:
  std::int64_t n_, at_, stride_;
};

/// `polling` waits at an mbarrier, but not for ever.
enum class State : std::uint8_t {
  ready,
  at_barrier,
  at_warp,
  at_warpgroup,
  at_named,
  at_mbarrier,
  polling,
  left
};

struct alignas(64) Thread {
  Strand strand;
  int number = 0;
  Index3 index;
  State state = State::ready;
  const char* what = "";  // the operation it waits in, where, and for whom
  Site site;
  unsigned mask = 0;
  std::uint64_t value =
      0;           // what it gives, then what it gets; the address of the mbarrier it waits at
  int source = 0;  // the lane it asks; the number of the barrier; the parity it waits for
};

/// A warp operation that some lanes have reached.
struct Meeting {
  const char* what;
  Site site;
  unsigned mask, arrived;
};

class Engine {
 public:
  Engine() = default;
  ~Engine();

  void run_grid(const char* text, const LaunchConfig& config, Body body, void* arguments);
  /// The running thread, which is about to wait in `what`; an error where there are no fibers.
  Thread& enter(const char* what, Site at) {
    if (!current_) no_fibers(what, at);
    current_->what = what;
    current_->site = at;
    return *current_;
  }
  /// The running thread waits: others run until one wakes it.
  void suspend(Thread& self) {
    go_on(self.strand);
    if (cancelled_) throw Cancelled{};
  }
  /// Puts a thread at a random place of the queue. Drawn here and not in go_on(), where every switch would wait for it.
  void wake(Thread& t) {
    t.state = State::ready;
    const std::uint32_t i = rng_.below(static_cast<std::uint32_t>(++ready_count_));
    ready_[ready_count_ - 1] = ready_[i];
    ready_[i] = &t;
  }

  int threads() const { return threads_; }
  Thread& thread(int i) { return pool_[i]; }
  const Thread& thread(int i) const { return pool_[i]; }
  std::vector<Meeting>& meetings(int warp) { return meetings_[warp]; }
  std::vector<Meeting>& warpgroup_meetings(int group) { return warpgroup_meetings_[group]; }
  std::size_t random(std::size_t n) { return rng_.below(static_cast<std::uint32_t>(n)); }
  bool running() const { return running_; }
  const Thread& current() const { return *current_; }
  bool fibers() const { return current_ != nullptr; }
  void* dynamic_shared(Site at);
  std::string where() const;        // "kernel k, block (1, 0, 0)"
  std::string divergence_report();  // report.cpp

  // The block-wide barrier under way.
  int arrived = 0, true_votes = 0;
  bool mixed_sites = false;
  Site first_site;
  const char* first_what = "";
  SharedMemory shared;
  AsyncWork async;
  int idle_rounds = 0;  // in which nothing happened but that polling threads looked again

 private:
  static void thread_body(void* thread);
  void run_block();
  void run_plain();
  bool go_on_later();
  void cancel();
  [[noreturn]] void no_fibers(const char* what, Site at) const;
  /// Runs the next thread in `from`'s place; the caller of launch() where there is none.
  void go_on(Strand& from) {
    if (error_ || ready_count_ == 0) return from.switch_to(caller_);
    Thread& next = *ready_[--ready_count_];
    if (ready_count_ > 0) __builtin_prefetch(ready_[ready_count_ - 1]);
    current_ = &next;
    threadIdx = next.index;
    if (&next.strand != &from) from.switch_to(next.strand);
  }
  Index3 index_of(int number) const;
  std::string what_it_does(const Thread& t);

  const std::unique_ptr<Thread[]> pool_{new Thread[kMaxThreads]};
  std::vector<Thread*> ready_ = std::vector<Thread*>(kMaxThreads);
  int ready_count_ = 0, left_ = 0, threads_ = 0, created_ = 0;
  std::vector<std::vector<Meeting>> meetings_ = std::vector<std::vector<Meeting>>(kMaxThreads / 32);
  std::vector<std::vector<Meeting>> warpgroup_meetings_ =
      std::vector<std::vector<Meeting>>(kMaxThreads / 128);
  Strand caller_;
  Thread* current_ = nullptr;
  std::exception_ptr error_;
  bool cancelled_ = false, quitting_ = false, running_ = false;
  Rng rng_{0};

  const char* text_ = "";
  LaunchConfig config_;
  Body body_ = nullptr;
  void* arguments_ = nullptr;
};

inline thread_local constinit Engine* this_engine = nullptr;
Engine& make_engine();

inline Engine& engine() { return this_engine ? *this_engine : make_engine(); }

}  // namespace lacuna::emu::detail
