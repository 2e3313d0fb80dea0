#pragma once
// Shared memory of the block that runs.
#include <cstddef>
#include <vector>

namespace lacuna::emu::detail {

class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { clear(); }

  void* get(const void* key, const char* name, std::size_t bytes, std::size_t alignment);
  /// The block has ended: the name of an array whose guard band was overwritten, else nullptr.
  const char* end_block();
  void clear();

 private:
  struct Array {
    const void* key;
    const char* name;
    std::size_t bytes;
    char* block;  // as allocated
    char* data;
    bool used;  // by the present block
  };
  std::vector<Array> arrays_;
};

}  // namespace lacuna::emu::detail
