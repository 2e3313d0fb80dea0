// Barriers in shared memory: phases, arrivals and bytes, as PTX ISA's "mbarrier" counts them. A barrier's 64 bits hold, from
// the lowest on: the present phase's parity (1), arrivals it lacks (20), arrivals of every phase (20), bytes it lacks + 2^20
// (21), and 01 once initialised, 10 once that is fenced. Fresh memory has 11 there.
#include "engine_impl.h"

namespace lacuna::emu::detail {
namespace {

constexpr int kMaxCount = (1 << 20) - 1;
constexpr std::uint64_t kInitialised = 1, kFenced = 2;

struct Fields {
  std::uint64_t parity, lacking, count;
  std::int64_t bytes;
  std::uint64_t mark;
};
Fields fields(std::uint64_t bits) {
  return {bits & 1, bits >> 1 & 0xfffff, bits >> 21 & 0xfffff,
          static_cast<std::int64_t>(bits >> 41 & 0x1fffff) - (1 << 20), bits >> 62};
}
std::uint64_t bits_of(const Fields& f) {
  return f.parity | f.lacking << 1 | f.count << 21 |
         static_cast<std::uint64_t>(f.bytes + (1 << 20)) << 41 | f.mark << 62;
}

std::string name(Engine& e, const std::uint64_t& bits) {
  return "mbarrier " + e.shared.name_of(&bits, sizeof(bits));
}

Fields initialised(Engine& e, const std::uint64_t& bits, const char* what) {
  e.shared.address_of(&bits, what);
  const Fields f = fields(bits);
  if (f.mark != kInitialised && f.mark != kFenced)
    kernel_error(std::string(what) + ": " + name(e, bits) + " is not initialised");
  return f;
}

// Stores the new state; where the phase has ended begins the next one and wakes those who waited.
void settle(Engine& e, std::uint64_t& bits, Fields f) {
  if (f.bytes > kMaxCount || f.bytes < -kMaxCount)
    kernel_error(name(e, bits) + " lacks " + std::to_string(f.bytes) + " bytes: at most 2^20 - 1");
  if (f.lacking > 0 || f.bytes != 0) {
    bits = bits_of(f);
    return;
  }
  if (e.async.copies.loads_for(&bits))
    kernel_error("the phase of " + name(e, bits) +
                 " ends while copies that count for it are under way: too few bytes expected");
  f.parity ^= 1;
  f.lacking = f.count;
  bits = bits_of(f);
  e.idle_rounds = 0;
  for (int i = 0; i < e.threads(); i++) {
    Thread& t = e.thread(i);
    if ((t.state == State::at_mbarrier || t.state == State::polling) &&
        t.value == reinterpret_cast<std::uintptr_t>(&bits))
      e.wake(t);
  }
}

}  // namespace

void mbarrier_init(std::uint64_t& bits, int count, Site at) {
  Engine& e = engine();
  const Thread& self = e.enter("mbarrier.init", at);
  e.shared.address_of(&bits, self.what);
  if (count < 1 || count > kMaxCount)
    kernel_error("mbarrier.init: a count is 1 to 2^20 - 1: got " + std::to_string(count));
  if (const auto mark = fields(bits).mark; mark == kInitialised || mark == kFenced)
    kernel_error("mbarrier.init: " + name(e, bits) + " is initialised already");
  const auto n = static_cast<std::uint64_t>(count);
  bits = bits_of({0, n, n, 0, kInitialised});
  e.async.mbarriers.fresh.push_back({self.number, &bits});
}

void mbarrier_init_fence(Site at) {
  Engine& e = engine();
  const Thread& self = e.enter("fence.mbarrier_init", at);
  for (auto& [thread, bits] : e.async.mbarriers.fresh) {
    if (thread != self.number) continue;
    Fields f = fields(*bits);
    f.mark = kFenced;
    *bits = bits_of(f);
  }
}

void mbarrier_arrive(std::uint64_t& bits, int expected_bytes, Site at) {
  Engine& e = engine();
  const Thread& self = e.enter("mbarrier.arrive", at);
  Fields f = initialised(e, bits, self.what);
  if (f.lacking == 0)
    kernel_error("mbarrier.arrive: " + name(e, bits) + " has all " + std::to_string(f.count) +
                 " arrivals of its phase, which lacks " + std::to_string(f.bytes) + " bytes");
  if (expected_bytes < 0 || expected_bytes > kMaxCount)
    kernel_error("mbarrier.arrive.expect_tx: 0 to 2^20 - 1 bytes: got " +
                 std::to_string(expected_bytes));
  f.bytes += expected_bytes;
  f.lacking--;
  settle(e, bits, f);
}

void complete_bytes(Engine& e, std::uint64_t& bits, std::int64_t bytes) {
  Fields f = initialised(e, bits, "cp.async.bulk.tensor");
  f.bytes -= bytes;
  if (f.lacking == 0 && f.bytes < 0)
    kernel_error(name(e, bits) + " gets " + std::to_string(-f.bytes) +
                 " bytes more than were expected");
  settle(e, bits, f);
}

void check_fenced(Engine& e, const std::uint64_t& bits, const char* what) {
  if (initialised(e, bits, what).mark != kFenced)
    kernel_error(std::string(what) + ": no fence.mbarrier_init behind the init of " +
                 name(e, bits));
}

bool mbarrier_wait(std::uint64_t& bits, unsigned parity, bool limited, Site at) {
  Engine& e = engine();
  Thread& self = e.enter(limited ? "mbarrier.try_wait" : "mbarrier wait", at);
  initialised(e, bits, self.what);
  if (parity > 1) kernel_error("mbarrier wait: a parity is 0 or 1: got " + std::to_string(parity));
  // Looks again when woken: by then the next phase may have ended, too.
  for (int i = 0; fields(bits).parity == parity && !(limited && i > 0); i++) {
    self.state = limited ? State::polling : State::at_mbarrier;
    self.value = reinterpret_cast<std::uintptr_t>(&bits);
    self.source = static_cast<int>(parity);
    e.suspend(self);
  }
  return fields(bits).parity != parity;
}

std::string phase_report(Engine& e, const std::uint64_t& bits) {
  const Fields f = fields(bits);
  return e.shared.name_of(&bits, sizeof(bits)) + "'s phase of parity " + std::to_string(f.parity) +
         ", which lacks " + std::to_string(f.lacking) + " of " + std::to_string(f.count) +
         " arrivals and " + std::to_string(f.bytes) + " bytes";
}

void fence_async_proxy(Site at) {
  Engine& e = engine();
  e.enter("fence.proxy.async", at);
  e.shared.fence();
}

std::uint32_t shared_address(const void* p) {
  return engine().shared.address_of(p, "shared_address");
}

}  // namespace lacuna::emu::detail
