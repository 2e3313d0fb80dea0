#pragma once
// Shared memory of the block that runs.
#include <cstddef>
#include <cstdint>
#include <string>
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

  // ---- as the copy engine and the tensor cores see it ----

  /// Of p in the block's 32-bit window, in which arrays lie one behind the other. Errors: not in shared memory.
  std::uint32_t address_of(const void* p, const char* what);
  /// The place of an address. Errors: the bytes are not all inside one array.
  char* at(std::uint32_t address, std::size_t bytes, const char* what);
  /// "full[1]": the array and the element of so many bytes that p is.
  std::string name_of(const void* p, std::size_t element);

  // The asynchronous proxy's view: a copy of the memory, brought up to date by fences.
  void fence();
  /// True where plain writes since the last fence are not in the view.
  bool stale(std::uint32_t address, std::size_t bytes, const char* what);
  /// A write of the copy engine, to memory and view.
  void write(std::uint32_t address, const void* from, std::size_t bytes, const char* what);

 private:
  struct Array {
    const void* key;
    const char* name;
    std::size_t bytes;
    char* block;  // as allocated
    char* data;
    std::uint32_t address;
    bool used;               // by the present block
    std::vector<char> view;  // empty until it is first asked for
  };
  Array* holding(const void* p);
  Array& holding(std::uint32_t address, std::size_t bytes, const char* what);
  char* view_of(std::uint32_t address, std::size_t bytes, const char* what);
  std::vector<Array> arrays_;
};

}  // namespace lacuna::emu::detail
