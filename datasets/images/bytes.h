#pragma once
// Bytes from files, from gzip streams and from tar archives, read strictly: whatever does not fit the format is an
// Error that names the file.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../kernels/error.h"

struct z_stream_s;

namespace lacuna {

using ByteSpan = std::span<const std::uint8_t>;

/// Bytes in order; read() gives exactly what is asked for, or fails with what is wrong.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual void read(std::uint8_t* to, std::size_t count) = 0;
};

/// A regular file, read from front to back.
class File : public ByteStream {
 public:
  File(const char* op, const std::string& path);
  ~File() override;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::uint64_t size() const { return size_; }
  void read(std::uint8_t* to, std::size_t count) override;

 private:
  const char* op_;
  std::string path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

/// The same bytes, for what core's read_file() gave.
inline ByteSpan bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool is_gzip(ByteSpan bytes);

/// The contents of gzip data (RFC 1952, several members in a row allowed), of which `data` must stay alive.
class Gunzip : public ByteStream {
 public:
  Gunzip(const char* op, std::string name, ByteSpan data);
  ~Gunzip() override;
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;

  void read(std::uint8_t* to, std::size_t count) override;
  /// Up to `count` bytes; fewer only at the end, whose checksum has then been verified.
  std::size_t read_some(std::uint8_t* to, std::size_t count);

 private:
  const char* op_;
  std::string name_;
  ByteSpan rest_;
  std::unique_ptr<z_stream_s> z_;
  bool ended_ = false;
};

/// All of it; fails where it would be more than `limit` bytes.
std::vector<std::uint8_t> gunzip(const char* op, const std::string& name, ByteSpan data,
                                 std::uint64_t limit);

/// Walks a tar archive (POSIX ustar, v7 and GNU headers). For each regular file calls entry(path, size, stream),
/// which may read up to `size` bytes from the stream; links, folders and extended headers are passed over.
void read_tar(
    const char* op, const std::string& name, ByteStream& tar,
    const std::function<void(const std::string& path, std::uint64_t size, ByteStream&)>& entry);

}  // namespace lacuna
