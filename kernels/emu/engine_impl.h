#pragma once
// The engine's parts; included by engine.cpp, sync.cpp and report.cpp only.
#include <deque>
#include <exception>
#include <vector>

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

enum class State : std::uint8_t { ready, at_barrier, at_warp, left };

struct Thread {
  Strand strand;
  int number = 0;
  Index3 index;
  State state = State::ready;
  const char* what = "";  // the operation it waits in, where, and for whom
  Site site;
  unsigned mask = 0;
  std::uint64_t value = 0;  // what it gives, then what it gets
  int source = 0;
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
  Thread& enter(const char* what, Site at);
  /// The running thread waits: others run until one wakes it.
  void suspend(Thread& self);
  void wake(Thread& t) {
    t.state = State::ready;
    ready_[ready_count_++] = &t;
  }

  int threads() const { return threads_; }
  Thread& thread(int i) { return pool_[i]; }
  const Thread& thread(int i) const { return pool_[i]; }
  std::vector<Meeting>& meetings(int warp) { return meetings_[warp]; }
  bool running() const { return running_; }
  const Thread& current() const { return *current_; }
  bool fibers() const { return current_ != nullptr; }
  void* dynamic_shared(Site at);
  std::string where() const;              // "kernel k, block (1, 0, 0)"
  std::string divergence_report() const;  // report.cpp

  // The block-wide barrier under way.
  int arrived = 0, true_votes = 0;
  bool mixed_sites = false;
  Site first_site;
  const char* first_what = "";
  SharedMemory shared;

 private:
  static void thread_body(void* thread);
  void run_block();
  void run_plain();
  void cancel();
  void go_on(Strand& from);
  Index3 index_of(int number) const;

  std::deque<Thread> pool_;
  std::vector<Thread*> ready_;
  int ready_count_ = 0, left_ = 0, threads_ = 0;
  std::vector<std::vector<Meeting>> meetings_;
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

Engine& engine();

}  // namespace lacuna::emu::detail
