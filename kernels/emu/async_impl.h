#pragma once
// The state behind async.h, of one block. Included by the engine's own files only.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async.h"

namespace lacuna::emu::detail {

class Engine;

/// mbarrier.cpp. The state of a barrier is in its 64 bits, in shared memory.
struct Mbarriers {
  std::vector<std::pair<int, std::uint64_t*>> fresh;  // by whom initialised, not yet fenced
};
/// Throws where the barrier is not initialised, or that is not fenced.
void check_fenced(Engine& e, const std::uint64_t& bits, const char* what);
/// The bytes have come; the phase may end.
void complete_bytes(Engine& e, std::uint64_t& bits, std::int64_t bytes);
/// "full[0]'s phase of parity 0, which lacks 1 of 1 arrivals and 4096 bytes"
std::string phase_report(Engine& e, const std::uint64_t& bits);

/// tma.cpp
class TensorCopies {
 public:
  struct Load {
    BoxCopy copy;
    std::uint32_t to;
    std::uint64_t* barrier;
    Index3 thread;
    Site site;
  };
  struct Store {
    BoxCopy copy;
    std::uint32_t from;
    int thread, group;  // -1: not committed
    bool read;
    std::vector<char> box;
    Index3 index;
    Site site;
  };
  std::vector<Load> loads;
  std::vector<Store> stores;
  std::vector<int> groups = std::vector<int>(kMaxThreads);  // committed by each thread
  bool committed = false;                                   // by any

  bool loads_for(const std::uint64_t* barrier) const;
  /// One of the loads under way, drawn at random, comes. False where there is none.
  bool deliver(Engine& e);
  void clear();
  /// Errors: what nobody waited for. Writes what was read.
  void end_block(Engine& e);
};

/// wgmma.cpp
class Products {
 public:
  struct Product {
    ProductShape shape;
    std::uint64_t a, b;
    bool accumulate;
    int group;  // -1: not committed
    float* d[128];
    std::uint32_t a_registers[128][4];
    std::vector<float>
        held;  // D while it is poisoned: of the first product under way that writes it
    Site site;
  };
  struct Warpgroup {
    std::vector<std::unique_ptr<Product>> pending;
    int groups = 0;
    bool fenced = false, used = false;
    std::vector<std::pair<float*, std::vector<float>>> done;  // sums as the last wait left them
  };
  Warpgroup warpgroups[kMaxThreads / 128];

  void clear();
  void end_block() const;
};

struct NamedBarrier {
  int threads = 0, arrived = 0;
};

struct AsyncWork {
  Mbarriers mbarriers;
  TensorCopies copies;
  Products products;
  NamedBarrier named[16];

  void begin_block() {
    mbarriers.fresh.clear();
    copies.clear();
    products.clear();
    for (NamedBarrier& b : named) b = {};
  }
  void end_block(Engine& e) {
    copies.end_block(e);
    products.end_block();
  }
};

}  // namespace lacuna::emu::detail
