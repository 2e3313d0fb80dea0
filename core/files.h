#pragma once
// Files that are there whole or not at all. What is on disk already stays as it was until the new contents are safe.
#include <string>
#include <string_view>

#include "../kernels/error.h"

namespace lacuna {

/// The system refused to read or write: a full disk, a broken device.
class IoError : public RunError {
 public:
  using RunError::RunError;
};

/// Throws "[op] cannot <doing> "path": <strerror(error)>": an Error where the path is to blame, else an IoError.
[[noreturn]] void fail_io(const char* op, const char* doing, const std::string& path, int error);

/// A file being written beside `path`, as path + ".tmp", that takes its place in commit(). Without one it is removed. A link is
/// followed; what is there and is no plain file (a device, a pipe) is refused.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  /// Syncs the file, renames it to `path` and syncs the folder.
  void commit();

 private:
  [[noreturn]] void fail_and_remove(const char* doing, int error);

  std::string path_, temporary_;
  int descriptor_ = -1;
};

/// Whether both paths lead to one file that is there.
bool same_file(const std::string& a, const std::string& b);

/// Writes a whole file through AtomicFile.
void write_file(const std::string& path, std::string_view contents);
/// The whole contents of a file.
std::string read_file(const std::string& path);

/// A file's bytes, mapped into memory for reading.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace lacuna
