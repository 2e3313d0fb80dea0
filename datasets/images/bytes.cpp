#include "bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "../../core/files.h"

namespace lacuna {

File::File(const char* op, const std::string& path) : op_(op), path_(path) {
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_io(op, "open", path, errno);
  struct stat info {};
  const bool regular = ::fstat(descriptor_, &info) == 0 && S_ISREG(info.st_mode);
  if (!regular) {
    ::close(descriptor_);
    fail(op, "must be a regular file: got ", path);
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

File::~File() { ::close(descriptor_); }

void File::read(std::uint8_t* to, std::size_t count) {
  while (count > 0) {
    const ssize_t got = ::read(descriptor_, to, count);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io(op_, "read", path_, errno);
    LACUNA_CHECK(got > 0, op_, "the file became shorter while it was read: ", path_);
    to += got;
    count -= static_cast<std::size_t>(got);
  }
}

bool is_gzip(ByteSpan bytes) { return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

Gunzip::Gunzip(const char* op, std::string name, ByteSpan data)
    : op_(op), name_(std::move(name)), rest_(data), z_(std::make_unique<z_stream_s>()) {
  LACUNA_CHECK(is_gzip(data), op_, "gzip data must begin with 1f 8b: got ", data.size(),
               " other bytes in ", name_);
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  LACUNA_CHECK(inflateInit2(z_.get(), kGzipOnly) == Z_OK, op_, "zlib did not start");
}

Gunzip::~Gunzip() { inflateEnd(z_.get()); }

std::size_t Gunzip::read_some(std::uint8_t* to, std::size_t count) {
  constexpr std::size_t kMost = std::numeric_limits<unsigned>::max() / 2;  // zlib counts in 32 bits
  std::size_t done = 0;
  while (done < count && !ended_) {
    const auto give = static_cast<unsigned>(std::min(rest_.size(), kMost));
    const auto want = static_cast<unsigned>(std::min(count - done, kMost));
    z_->next_in = const_cast<unsigned char*>(rest_.data());
    z_->avail_in = give;
    z_->next_out = to + done;
    z_->avail_out = want;
    const int status = inflate(z_.get(), Z_NO_FLUSH);
    rest_ = rest_.subspan(give - z_->avail_in);
    done += want - z_->avail_out;
    if (status == Z_STREAM_END) {
      ended_ = !is_gzip(rest_);  // zeros or nothing may follow the last member
      if (!ended_) inflateReset(z_.get());
    } else if (status == Z_BUF_ERROR || (status == Z_OK && rest_.empty() && z_->avail_out > 0)) {
      fail(op_, "gzip data must be whole: it ends too early in ", name_);
    } else {
      LACUNA_CHECK(status == Z_OK, op_, "gzip data must be valid: ", z_->msg ? z_->msg : "damaged",
                   " in ", name_);
    }
  }
  return done;
}

void Gunzip::read(std::uint8_t* to, std::size_t count) {
  LACUNA_CHECK(read_some(to, count) == count, op_, "the unpacked data ends too early in ", name_);
}

std::vector<std::uint8_t> gunzip(const char* op, const std::string& name, ByteSpan data,
                                 std::uint64_t limit) {
  Gunzip stream(op, name, data);
  std::vector<std::uint8_t> out;
  for (std::size_t chunk = std::size_t{1} << 16;; chunk = out.size()) {
    const std::size_t before = out.size();
    out.resize(before + chunk);
    const std::size_t got = stream.read_some(out.data() + before, chunk);
    out.resize(before + got);
    LACUNA_CHECK(out.size() <= limit, op, "unpacks to more than ", limit, " bytes: ", name);
    if (got < chunk) return out;
  }
}

}  // namespace lacuna
