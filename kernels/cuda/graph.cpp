// A recording is a stream capture: the launches, fills and copies of one thread become the nodes of a graph, in order.
// Capture is relaxed, because memory may have to be allocated on the way. The default stream cannot be captured, so that
// a recording has a stream of its own; its graph is launched into the default stream, between the work around it.
#include "graph.h"

#include <memory>

#include "../graph_pool.h"
#include "check.h"
#include "memory.h"

namespace lacuna::cuda {
namespace {

struct Graph {
  GraphPool pool;
  int index = 0;
  cudaStream_t stream = nullptr;
  cudaGraphExec_t launchable = nullptr;

  ~Graph() {
    GraphPool::current() = nullptr;
    if (launchable)
      cudaGraphExecDestroy(launchable);  // one that still runs is destroyed when it has
    if (stream) cudaStreamDestroy(stream);
    for (const auto& [block, size] : pool.close()) release(block, size, index);
  }
};
thread_local std::unique_ptr<Graph> current;

}  // namespace

void begin_recording(int index) {
  LACUNA_CHECK(!current, "graph", "this thread is recording one already");
  check(cudaSetDevice(index), "graph");
  auto graph = std::make_unique<Graph>();
  graph->index = index;
  check(cudaStreamCreateWithFlags(&graph->stream, cudaStreamNonBlocking), "graph");
  check(cudaStreamBeginCapture(graph->stream, cudaStreamCaptureModeRelaxed), "graph");
  current = std::move(graph);
}

void* end_recording() {
  LACUNA_CHECK(current, "graph", "this thread is not recording");
  std::unique_ptr<Graph> graph = std::move(current);
  GraphPool::current() = nullptr;
  cudaGraph_t captured = nullptr;
  check(cudaStreamEndCapture(graph->stream, &captured), "graph");
  const cudaError_t error = cudaGraphInstantiate(&graph->launchable, captured, 0);
  cudaGraphDestroy(captured);
  check(error, "graph");
  return graph.release();
}

void replay(void* graph) {
  Graph& g = *static_cast<Graph*>(graph);
  check(cudaSetDevice(g.index), "graph");
  check(cudaGraphLaunch(g.launchable, nullptr), "graph");
  if (synchronous()) check(cudaStreamSynchronize(nullptr), "graph");
}

void release_graph(void* graph) { delete static_cast<Graph*>(graph); }

bool recording() { return current != nullptr; }

cudaStream_t stream_of(Stream stream) {
  if (stream.handle) return static_cast<cudaStream_t>(stream.handle);
  return current ? current->stream : nullptr;
}

}  // namespace lacuna::cuda
