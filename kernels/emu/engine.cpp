#include "engine.h"

#include <atomic>
#include <cstdlib>
#include <new>
#include <numeric>

#include "../random.h"
#include "engine_impl.h"
#include "graph.h"
#include "memory.h"

namespace lacuna::emu {
namespace {

std::uint64_t first_seed() {
  const char* text = std::getenv("LACUNA_EMU_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 1;
}

std::atomic<std::uint64_t>& seed() {
  static std::atomic<std::uint64_t> s{first_seed()};
  return s;
}

std::atomic<std::uint64_t> launches{0};  // since the seed was set: each launch has its own order

}  // namespace

void set_seed(std::uint64_t value) {
  seed() = value;
  launches = 0;
}

namespace detail {

RandomOrder::RandomOrder(std::int64_t n, Rng& rng) : n_(n) {
  const auto random = [&] {
    return static_cast<std::int64_t>((std::uint64_t{rng.below(1u << 31)} << 31) |
                                     rng.below(1u << 31));
  };
  at_ = random() % n;
  do {
    stride_ = n == 1 ? 1 : 1 + random() % (n - 1);
  } while (std::gcd(stride_, n) != 1);
}

Engine& make_engine() {
  thread_local Engine e;
  return *(this_engine = &e);
}

Engine::~Engine() {
  quitting_ = true;
  for (int i = 0; i < created_; i++) {
    pool_[i].strand.finish_into(caller_);
    caller_.switch_to(pool_[i].strand);
  }
}

Index3 Engine::index_of(int number) const {
  const auto n = static_cast<unsigned>(number), x = static_cast<unsigned>(config_.block.x),
             y = static_cast<unsigned>(config_.block.y);
  return {n % x, n / x % y, n / x / y};
}

void Engine::run_grid(const char* text, const LaunchConfig& config, Body body, void* arguments) {
  LACUNA_CHECK(!running_, "launch", kernel_name(text), ": a kernel cannot launch another");
  running_ = true;
  text_ = text;
  config_ = config;
  body_ = body;
  arguments_ = arguments;
  threads_ = static_cast<int>(config.block.size());
  rng_.state = mix64(mix64(seed()) + launches++);
  const auto dims = [](const Extent& e) {
    return Index3{static_cast<unsigned>(e.x), static_cast<unsigned>(e.y),
                  static_cast<unsigned>(e.z)};
  };
  gridDim = dims(config.grid);
  blockDim = dims(config.block);
  struct Done {
    Engine& e;
    ~Done() {
      e.shared.clear();
      e.running_ = false;
    }
  } done{*this};

  const std::int64_t blocks = config.grid.size();
  RandomOrder order(blocks, rng_);
  for (std::int64_t i = 0; i < blocks; i++) {
    const std::int64_t b = order.next();
    blockIdx = {static_cast<unsigned>(b % config.grid.x),
                static_cast<unsigned>(b / config.grid.x % config.grid.y),
                static_cast<unsigned>(b / config.grid.x / config.grid.y)};
    config.barriers ? run_block() : run_plain();
    if (const char* name = shared.end_block())
      fail("emu", where(), " wrote outside its shared array ", name);
  }
  if (const std::string broken = broken_allocation(); !broken.empty())
    fail("emu", "kernel ", kernel_name(text), " wrote ", broken);
}

void Engine::run_plain() {
  RandomOrder order(threads_, rng_);
  for (int i = 0; i < threads_; i++) {
    threadIdx = index_of(static_cast<int>(order.next()));
    body_(arguments_);
  }
}

void Engine::run_block() {
  for (; created_ < threads_; created_++) {
    Thread& t = pool_[created_];
    t.number = created_;
    t.strand.create(t.number, thread_body, &t);
  }
  for (auto& m : meetings_) m.clear();
  for (auto& m : warpgroup_meetings_) m.clear();
  async.begin_block();
  ready_count_ = left_ = arrived = true_votes = idle_rounds = 0;
  mixed_sites = false;
  for (int i = 0; i < threads_; i++) {
    pool_[i].index = index_of(i);
    wake(pool_[i]);
  }
  // Comes back when all have left the kernel, or one failed, or all that remain wait: perhaps for asynchronous copies.
  do go_on(caller_);
  while (!error_ && left_ < threads_ && go_on_later());
  current_ = nullptr;
  try {
    if (!error_ && left_ < threads_) throw Error(divergence_report());
    if (!error_) async.end_block(*this);
  } catch (...) {
    error_ = std::current_exception();
  }
  if (error_) {
    cancel();
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

// Lets copies come until a thread can go on; without any, those that poll look again, a few times.
bool Engine::go_on_later() {
  try {
    while (ready_count_ == 0 && async.copies.deliver(*this)) idle_rounds = 0;
  } catch (...) {
    error_ = std::current_exception();
    return false;
  }
  if (ready_count_ == 0 && idle_rounds++ < 100)
    for (int i = 0; i < threads_; i++)
      if (pool_[i].state == State::polling) wake(pool_[i]);
  return ready_count_ > 0;
}

void Engine::thread_body(void* thread) {
  Thread& self = *static_cast<Thread*>(thread);
  Engine& e = engine();
  while (!e.quitting_) {
    try {
      if (!e.cancelled_) e.body_(e.arguments_);
    } catch (const Cancelled&) {
    } catch (...) {
      if (!e.error_) e.error_ = std::current_exception();
    }
    self.state = State::left;
    e.left_++;
    e.go_on(self.strand);  // comes back for the next block, or to quit
  }
}

// Every thread that is still inside the kernel leaves it by an exception; one that has not begun does not begin.
void Engine::cancel() {
  cancelled_ = true;
  for (int i = 0; i < threads_; i++)
    if (pool_[i].state != State::left) caller_.switch_to(pool_[i].strand);
  cancelled_ = false;
}

void Engine::no_fibers(const char* what, Site at) const {
  if (!running_) fail("emu", what, " outside a kernel");
  kernel_error(std::string(what) + " (" + at.file + ":" + std::to_string(at.line) +
               ") in a kernel launched with .barriers = false");
}

void* Engine::dynamic_shared(Site at) {
  if (config_.shared_bytes == 0)
    kernel_error("dynamic_shared (" + std::string(at.file) + ":" + std::to_string(at.line) +
                 ") in a launch without .shared_bytes");
  return shared.get(this, "dynamic_shared", config_.shared_bytes, 1024);
}

void* dynamic_shared(Site at) { return engine().dynamic_shared(at); }

void* shared_array(const void* key, const char* name, std::size_t bytes, std::size_t alignment) {
  return engine().shared.get(key, name, bytes, alignment);
}

void start_grid(const char* text, const LaunchConfig& config, Body body,
                const Arguments& arguments) {
  if (!check_launch(text, config)) return;
  if (!recording()) return engine().run_grid(text, config, body, arguments.data);
  const std::shared_ptr<void> kept(std::aligned_alloc(256, (arguments.bytes + 255) / 256 * 256),
                                   std::free);
  if (!kept) throw std::bad_alloc();
  arguments.copy(kept.get(), arguments.data);
  record([=] { engine().run_grid(text, config, body, kept.get()); });
}

}  // namespace detail
}  // namespace lacuna::emu
