#pragma once
// One persistent pool of threads for all cpu kernels. The pieces that parallel_for hands out depend
// only on (n, grain), never on the number of threads; kernels whose pieces write disjoint outputs
// therefore give the same bits for any number.
#include <cstdint>

namespace lacuna::cpu {

/// Threads that a kernel may use, the caller's included. Default: the machine's, or LACUNA_THREADS.
int threads();
/// 1 to 1024. Not to be called while kernels run.
void set_threads(int count);

namespace detail {
void parallel_for(std::int64_t n, std::int64_t grain,
                  void (*call)(void*, std::int64_t, std::int64_t), void* body);
}

/// Calls body(begin, end) for every piece [k*grain, min((k+1)*grain, n)), on all threads, and
/// returns when all are done. Runs in the caller where it is called from inside a piece, or while
/// another thread holds the pool.
template <class Body>
void parallel_for(std::int64_t n, std::int64_t grain, Body&& body) {
  if (n <= 0) return;
  detail::parallel_for(
      n, grain < 1 ? 1 : grain,
      [](void* b, std::int64_t begin, std::int64_t end) { (*static_cast<Body*>(b))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

/// Elements a piece should have so that starting a thread pays: work that takes about `ns_each`
/// nanoseconds an element.
inline std::int64_t grain_for(double ns_each) {
  const double grain = 20000.0 / ns_each;
  return grain < 1 ? 1 : static_cast<std::int64_t>(grain);
}

}  // namespace lacuna::cpu
