// The engine's error texts.
#include <algorithm>
#include <cstring>
#include <sstream>

#include "engine_impl.h"

namespace lacuna::emu::detail {
namespace {

std::ostream& operator<<(std::ostream& out, const Index3& i) {
  return out << '(' << i.x << ", " << i.y << ", " << i.z << ')';
}

std::string place(Site at) {
  const char* slash = std::strrchr(at.file, '/');
  return std::string(slash ? slash + 1 : at.file) + ":" + std::to_string(at.line);
}

// "0-4, 7, 9-31"
std::string ranges(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t j = i;
    while (j + 1 < numbers.size() && numbers[j + 1] == numbers[j] + 1) j++;
    text += (i ? ", " : "") + std::to_string(numbers[i]);
    if (j > i) text.append("-").append(std::to_string(numbers[j]));
    i = j + 1;
  }
  return text;
}

}  // namespace

std::string Engine::what_it_does(const Thread& t) {
  if (t.state == State::left) return "left the kernel";
  std::ostringstream text;
  text << "waiting at " << t.what << " (" << place(t.site) << ")";
  if (t.state == State::at_warp) text << " for lanes 0x" << std::hex << t.mask;
  if (t.state == State::at_warpgroup) text << " for all of the warpgroup";
  if (t.state == State::at_named)
    text << ", barrier " << t.source << ", where " << async.named[t.source].arrived << " of "
         << async.named[t.source].threads << " have come";
  if (t.state == State::at_mbarrier || t.state == State::polling)
    text << " for parity " << t.source << " in "
         << phase_report(*this, *reinterpret_cast<const std::uint64_t*>(t.value));
  return text.str();
}

std::string Engine::where() const {
  std::ostringstream text;
  text << "kernel " << kernel_name(text_) << ", block " << blockIdx;
  return text.str();
}

std::string Engine::divergence_report() {
  std::vector<std::pair<std::string, std::vector<int>>>
      groups;  // in the order of their first thread
  bool deadlock = false;
  for (int i = 0; i < threads_; i++) {
    deadlock |= thread(i).state == State::at_mbarrier || thread(i).state == State::polling;
    const std::string what = what_it_does(thread(i));
    auto it =
        std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == what; });
    if (it == groups.end()) it = groups.insert(groups.end(), {what, {}});
    it->second.push_back(i);
  }
  std::ostringstream text;
  text << "[emu] " << (deadlock ? "deadlock" : "barrier divergence") << " in " << where() << ": of "
       << threads_ << " threads ";
  for (std::size_t i = 0; i < groups.size(); i++)
    text << (i ? "; " : "") << groups[i].second.size() << " (" << ranges(groups[i].second) << ") "
         << groups[i].first;
  return text.str();
}

void kernel_error(const std::string& text) {
  std::ostringstream thread;
  thread << ", thread " << threadIdx;
  fail("emu", text, ", in ", engine().where(), thread.str());
}

}  // namespace lacuna::emu::detail
