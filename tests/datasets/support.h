#pragma once
// A folder that goes away, files in it, and the text of an error.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "../../core/batch.h"
#include "../errors.h"

namespace lacuna::test {

using Bytes = std::vector<std::uint8_t>;

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lacuna.XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file, folders before it included, and returns its path.
  std::string write(const std::string& name, const Bytes& bytes) const {
    const std::filesystem::path file = *this / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }
  std::string write(const std::string& name, const std::string& text) const {
    return write(name, Bytes(text.begin(), text.end()));
  }

 private:
  std::string path_;
};

/// `n` CIFAR-10 records: pixel j of plane c in record i is (7 i + 3 j + 50 c) % 256, its label (i + first) % 10.
inline Bytes cifar_records(int n, int first = 0) {
  Bytes bytes;
  for (int i = 0; i < n; i++) {
    bytes.push_back(static_cast<std::uint8_t>((i + first) % 10));
    for (int c = 0; c < 3; c++)
      for (int j = 0; j < 1024; j++)
        bytes.push_back(static_cast<std::uint8_t>(7 * i + 3 * j + 50 * c));
  }
  return bytes;
}

/// Samples 0, 1, ... n - 1 with their index as "value" () i64.
class Counting : public Source {
 public:
  explicit Counting(std::int64_t n) : n_(n) {}
  std::int64_t size() const override { return n_; }
  std::vector<Field> fields() const override { return {{"value", Dtype::i64, {}}}; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    if (before_read) before_read(index);
    std::memcpy(out[0], &index, sizeof index);
  }
  std::string name() const override { return "counting"; }
  std::function<void(std::int64_t)> before_read;

 private:
  std::int64_t n_;
};

}  // namespace lacuna::test
