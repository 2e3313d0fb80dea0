#include "graph.h"

#include <memory>
#include <vector>

#include "../graph_pool.h"
#include "memory.h"

namespace lacuna::emu {
namespace {

struct Graph {
  GraphPool pool;
  std::vector<std::function<void()>> work;
};
thread_local std::unique_ptr<Graph> current;

void free_memory(Graph& graph) {
  for (const auto& [block, size] : graph.pool.close()) release(block, size, 0);
}

}  // namespace

void begin_recording(int) {
  LACUNA_CHECK(!current, "graph", "this thread is recording one already");
  current = std::make_unique<Graph>();
}

void* end_recording() {
  LACUNA_CHECK(current, "graph", "this thread is not recording");
  GraphPool::current() = nullptr;
  return current.release();
}

void replay(void* graph) {
  for (const auto& work : static_cast<Graph*>(graph)->work) work();
}

void release_graph(void* graph) {
  const std::unique_ptr<Graph> last(static_cast<Graph*>(graph));
  free_memory(*last);
}

bool recording() { return current != nullptr; }

void record(std::function<void()> work) { current->work.push_back(std::move(work)); }

}  // namespace lacuna::emu
