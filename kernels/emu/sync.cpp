// Barriers, exchanges between lanes, votes: where threads wait for each other.
#include <cstring>

#include "engine_impl.h"

namespace lacuna::emu::detail {
namespace {

bool same(const char* a, const char* b) { return a == b || std::strcmp(a, b) == 0; }
bool same(Site a, Site b) { return a.line == b.line && same(a.file, b.file); }

// The lane in `self`'s warp; lanes that the block does not have take no part in anything.
int lane_of(const Thread& t) { return t.number % 32; }
unsigned existing_lanes(const Engine& e, const Thread& t) {
  const int first = t.number / 32 * 32, count = e.threads() - first;
  return count >= 32 ? ~0u : (1u << count) - 1;
}

// Waits for all lanes of the mask. The last to come computes what each of them gets, since a lane that runs on at once
// may bring its next value before the others have read this one.
template <class Complete>
void meet(Engine& e, Thread& self, unsigned mask, Complete complete) {
  const unsigned me = 1u << lane_of(self);
  if (!(mask & me)) kernel_error(std::string(self.what) + ": the mask leaves out the calling lane");
  self.mask = mask &= existing_lanes(e, self);
  const int first = self.number / 32 * 32;
  auto& meetings = e.meetings(self.number / 32);
  std::size_t i = 0;
  while (i < meetings.size() && !(meetings[i].mask == mask && same(meetings[i].what, self.what) &&
                                  same(meetings[i].site, self.site)))
    i++;
  if (i == meetings.size()) meetings.push_back({self.what, self.site, mask, 0});
  meetings[i].arrived |= me;
  self.state = State::at_warp;
  if (meetings[i].arrived == mask) {
    meetings.erase(meetings.begin() + static_cast<std::ptrdiff_t>(i));
    complete(first);
    for (int l = 0; l < 32; l++)
      if (mask >> l & 1) e.wake(e.thread(first + l));
  }
  e.suspend(self);
}

}  // namespace

int block_barrier(const char* what, Site at, Vote vote, bool value) {
  Engine& e = engine();
  Thread& self = e.enter(what, at);
  if (e.arrived++ == 0) {
    e.first_site = at;
    e.first_what = what;
    e.true_votes = 0;
  }
  e.mixed_sites |= !same(e.first_what, what) || !same(e.first_site, at);
  e.true_votes += value;
  self.state = State::at_barrier;
  if (e.arrived == e.threads() && !e.mixed_sites) {
    e.arrived = 0;
    for (int i = 0; i < e.threads(); i++) {
      e.thread(i).value = static_cast<std::uint64_t>(e.true_votes);
      e.wake(e.thread(i));
    }
  }
  e.suspend(self);
  const int count = static_cast<int>(self.value);
  switch (vote) {
    case Vote::any:
      return count > 0;
    case Vote::all:
      return count == e.threads();
    default:
      return count;
  }
}

std::uint64_t warp_exchange(const char* what, Site at, unsigned mask, std::uint64_t value,
                            int source) {
  Engine& e = engine();
  Thread& self = e.enter(what, at);
  self.value = value;
  self.source = source;
  meet(e, self, mask, [&](int first) {
    const unsigned taking_part = self.mask;
    std::uint64_t given[32];
    for (int l = 0; l < 32; l++)
      given[l] = taking_part >> l & 1 ? e.thread(first + l).value : ~std::uint64_t{0};
    for (int l = 0; l < 32; l++)
      if (taking_part >> l & 1) e.thread(first + l).value = given[e.thread(first + l).source & 31];
  });
  return self.value;
}

unsigned warp_ballot(const char* what, Site at, unsigned mask, bool value) {
  Engine& e = engine();
  Thread& self = e.enter(what, at);
  self.value = value;
  meet(e, self, mask, [&](int first) {
    unsigned lanes = 0;
    for (int l = 0; l < 32; l++)
      if (self.mask >> l & 1 && e.thread(first + l).value) lanes |= 1u << l;
    for (int l = 0; l < 32; l++)
      if (self.mask >> l & 1) e.thread(first + l).value = lanes;
  });
  return static_cast<unsigned>(self.value);
}

void warp_collective(const char* what, Site at, void* argument, void (*work)(void* const* lanes)) {
  Engine& e = engine();
  Thread& self = e.enter(what, at);
  self.value = reinterpret_cast<std::uintptr_t>(argument);
  meet(e, self, ~0u, [&](int first) {
    if (self.mask != ~0u) kernel_error(std::string(what) + ": takes all 32 lanes of a warp");
    void* lanes[32];
    for (int l = 0; l < 32; l++) lanes[l] = reinterpret_cast<void*>(e.thread(first + l).value);
    work(lanes);
  });
}

void warpgroup_collective(const char* what, Site at, void* argument,
                          void (*work)(void* const* threads)) {
  Engine& e = engine();
  Thread& self = e.enter(what, at);
  const int group = self.number / 128, first = group * 128;
  if (first + 128 > e.threads())
    kernel_error(std::string(what) + ": takes a warpgroup, 128 threads from a multiple of 128 on");
  self.value = reinterpret_cast<std::uintptr_t>(argument);
  auto& meetings = e.warpgroup_meetings(group);
  std::size_t i = 0;
  while (i < meetings.size() && !(same(meetings[i].what, what) && same(meetings[i].site, at))) i++;
  if (i == meetings.size()) meetings.push_back({what, at, 0, 0});
  self.state = State::at_warpgroup;
  if (++meetings[i].arrived == 128) {
    meetings.erase(meetings.begin() + static_cast<std::ptrdiff_t>(i));
    void* threads[128];
    for (int t = 0; t < 128; t++) threads[t] = reinterpret_cast<void*>(e.thread(first + t).value);
    work(threads);
    for (int t = 0; t < 128; t++) e.wake(e.thread(first + t));
  }
  e.suspend(self);
}

void named_barrier(const char* what, Site at, int id, int threads, bool wait) {
  Engine& e = engine();
  Thread& self = e.enter(what, at);
  if (id < 1 || id > 15 || threads < 32 || threads % 32 != 0 ||
      threads > (e.threads() + 31) / 32 * 32)
    kernel_error(std::string(what) +
                 ": barriers 1 to 15, of whole warps of the block: got barrier " +
                 std::to_string(id) + " of " + std::to_string(threads) + " threads");
  NamedBarrier& b = e.async.named[id];
  if (b.arrived > 0 && b.threads != threads)
    kernel_error(std::string(what) + ": barrier " + std::to_string(id) + " is of " +
                 std::to_string(b.threads) + " threads for those who came: got " +
                 std::to_string(threads));
  b.threads = threads;
  if (wait) {
    self.state = State::at_named;
    self.source = id;
  }
  if (++b.arrived == threads) {
    b.arrived = 0;
    for (int i = 0; i < e.threads(); i++)
      if (e.thread(i).state == State::at_named && e.thread(i).source == id) e.wake(e.thread(i));
  }
  if (wait) e.suspend(self);
}

int lane() { return engine().fibers() ? lane_of(engine().current()) : 0; }

void yield() {
  Engine& e = engine();
  if (!e.fibers()) return;
  Thread& self = e.enter("yield", {});
  e.wake(self);
  e.suspend(self);
}

}  // namespace lacuna::emu::detail
