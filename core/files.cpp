#include "files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace lacuna {
namespace {

bool path_is_to_blame(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EACCES:
    case EPERM:
    case EROFS:
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
      return true;
    default:
      return false;
  }
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Opens for reading and gives the size; fails for anything but a plain file. O_NONBLOCK: a pipe without a writer, too.
int open_to_read(const std::string& path, std::size_t& size) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) fail_io("read", "open", path, errno);
  struct stat about;
  if (::fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
    const int error = S_ISDIR(about.st_mode) ? EISDIR : EINVAL;
    ::close(descriptor);
    fail_io("read", "read", path, error);
  }
  size = static_cast<std::size_t>(about.st_size);
  return descriptor;
}

// Where a link leads.
std::string followed(std::string path) {
  struct stat about;
  if (::lstat(path.c_str(), &about) != 0 || !S_ISLNK(about.st_mode)) return path;
  char* target = ::realpath(path.c_str(), nullptr);
  if (target) path = target;
  ::free(target);
  return path;
}

}  // namespace

bool same_file(const std::string& a, const std::string& b) {
  struct stat one, two;
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &two) == 0 && one.st_dev == two.st_dev &&
         one.st_ino == two.st_ino;
}

void fail_io(const char* op, const char* doing, const std::string& path, int error) {
  const std::string text =
      std::string("[") + op + "] cannot " + doing + " \"" + path + "\": " + std::strerror(error);
  if (path_is_to_blame(error)) throw Error(text);
  throw IoError(text);
}

AtomicFile::AtomicFile(std::string path)
    : path_(followed(std::move(path))), temporary_(path_ + ".tmp") {
  struct stat about;
  if (::stat(path_.c_str(), &about) == 0 && !S_ISREG(about.st_mode)) {
    if (S_ISDIR(about.st_mode)) fail_io("write", "write", path_, EISDIR);
    fail("write", "\"", path_, "\" is no plain file: it would be replaced by one");
  }
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail_io("write", "create", temporary_, errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail_and_remove(const char* doing, int error) {
  ::close(descriptor_);
  descriptor_ = -1;
  ::unlink(temporary_.c_str());
  fail_io("write", doing, path_, error);
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  LACUNA_CHECK(descriptor_ >= 0, "write", "the file was committed already: ", path_);
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(descriptor_, at, std::min(bytes, std::size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail_and_remove("write", n < 0 ? errno : ENOSPC);
    at += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

void AtomicFile::commit() {
  LACUNA_CHECK(descriptor_ >= 0, "write", "the file was committed already: ", path_);
  if (::fsync(descriptor_) != 0) fail_and_remove("write", errno);
  const int descriptor = descriptor_;
  descriptor_ = -1;
  // Some file systems find out only now that there is no room.
  if (::close(descriptor) != 0 && errno != EINTR) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_io("write", "write", path_, error);
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail_io("write", "rename to", path_, error);
  }
  const std::string folder = folder_of(path_);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return;  // a folder that may be written but not read: the rename itself is done
  const int result = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  if (result != 0 && error != EINVAL) fail_io("write", "sync the folder of", path_, error);
}

void write_file(const std::string& path, std::string_view contents) {
  AtomicFile file(path);
  file.write(contents.data(), contents.size());
  file.commit();
}

std::string read_file(const std::string& path) {
  std::size_t size = 0;
  const int descriptor = open_to_read(path, size);
  std::string contents(size, '\0');
  std::size_t at = 0;
  while (at < size) {
    const ssize_t n =
        ::read(descriptor, contents.data() + at, std::min(size - at, std::size_t{1} << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      ::close(descriptor);
      fail_io("read", "read", path, error);
    }
    if (n == 0) break;  // it became shorter meanwhile
    at += static_cast<std::size_t>(n);
  }
  ::close(descriptor);
  contents.resize(at);
  return contents;
}

MappedFile::MappedFile(const std::string& path) {
  const int descriptor = open_to_read(path, size_);
  if (size_ > 0) {
    data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int error = errno;
    if (data_ == MAP_FAILED) {
      data_ = nullptr;
      ::close(descriptor);
      fail_io("read", "map", path, error);
    }
  }
  ::close(descriptor);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace lacuna
