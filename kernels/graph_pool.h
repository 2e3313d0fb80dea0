#pragma once
// Which memory a recorded graph holds, for the backends that record (kernels/backend.h, Recording). A graph's launches
// have the addresses of its memory in them, so until the graph goes that memory serves nothing else:
//   what is allocated during the recording    released meanwhile, it is handed out again, but only to this recording: the
//                                             replay runs in the same order
//   what was allocated before and is released in it    an earlier launch of the graph may read it in every replay
#include <cstddef>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lacuna {

class GraphPool {
 public:
  GraphPool() { current() = this; }
  GraphPool(const GraphPool&) = delete;
  GraphPool& operator=(const GraphPool&) = delete;

  /// The one that this thread records into, or null.
  static GraphPool*& current() {
    static thread_local GraphPool* pool = nullptr;
    return pool;
  }

  /// A block of that size which this recording has used and released, or null.
  void* reuse(std::size_t size) {
    const std::lock_guard lock(registry().mutex);
    std::vector<void*>& same = released_[size];
    if (same.empty()) return nullptr;
    void* const block = same.back();
    same.pop_back();
    blocks_[block].used = true;
    return block;
  }
  /// A block that was allocated for this recording.
  void add(void* block, std::size_t size) {
    const std::lock_guard lock(registry().mutex);
    hold(block, {size, true});
  }
  /// To be asked at every release: true where a graph keeps the block.
  static bool keep(void* block, std::size_t size) {
    const std::lock_guard lock(registry().mutex);
    const auto owner = registry().owner.find(block);
    if (owner != registry().owner.end()) {
      owner->second->blocks_[block].used = false;
      owner->second->released_[size].push_back(block);
      return true;
    }
    if (!current()) return false;
    current()->hold(block, {size, false});
    return true;
  }

  /// The graph goes: what nobody uses any more, which the caller releases. The rest become ordinary blocks.
  std::vector<std::pair<void*, std::size_t>> close() {
    const std::lock_guard lock(registry().mutex);
    std::vector<std::pair<void*, std::size_t>> unused;
    for (const auto& [block, state] : blocks_) {
      registry().owner.erase(block);
      if (!state.used) unused.emplace_back(block, state.size);
    }
    blocks_.clear();
    released_.clear();
    return unused;
  }

 private:
  struct Block {
    std::size_t size = 0;
    bool used = false;
  };
  struct Registry {
    std::mutex mutex;
    std::unordered_map<void*, GraphPool*> owner;
  };
  static Registry& registry() {
    static auto* r = new Registry;  // never destroyed: tensors in static storage may outlive it
    return *r;
  }
  void hold(void* block, Block state) {
    blocks_[block] = state;
    registry().owner[block] = this;
  }

  std::unordered_map<void*, Block> blocks_;
  std::map<std::size_t, std::vector<void*>> released_;
};

}  // namespace lacuna
