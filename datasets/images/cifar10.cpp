// CIFAR-10, binary version: https://www.cs.toronto.edu/~kriz/cifar.html
#include <algorithm>
#include <cstring>
#include <filesystem>

#include "../../core/files.h"
#include "bytes.h"
#include "cifar10.h"
#include "sources.h"

namespace lacuna {
namespace {

namespace fs = std::filesystem;
constexpr const char* kCifar10Op = "cifar10";
constexpr std::size_t kPixels = 32 * 32, kImage = 3 * kPixels, kRecord = 1 + kImage;

void interleave(const std::uint8_t* planes, std::uint8_t* out) {
  const std::uint8_t *r = planes, *g = planes + kPixels, *b = planes + 2 * kPixels;
  for (std::size_t p = 0; p < kPixels; p += 4, out += 12) {  // four at a time: twice as fast as one
    const std::uint8_t four[12] = {r[p],     g[p],     b[p],     r[p + 1], g[p + 1], b[p + 1],
                                   r[p + 2], g[p + 2], b[p + 2], r[p + 3], g[p + 3], b[p + 3]};
    std::memcpy(out, four, 12);
  }
}

class Cifar10 : public Source {
 public:
  Cifar10(std::vector<Cifar10Batch> batches, std::string name)
      : batches_(std::move(batches)), name_(std::move(name)) {
    for (const auto& b : batches_) size_ += b.size();
  }
  std::int64_t size() const override { return size_; }
  std::vector<Field> fields() const override {
    return {{"image", Dtype::u8, {32, 32, 3}}, {"label", Dtype::i64, {}}};
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size_, kCifar10Op, "sample ids are 0 to ", size_ - 1,
                 ": got ", index, " of ", name_);
    auto batch = batches_.begin();
    for (; index >= batch->size(); ++batch) index -= batch->size();
    std::memcpy(out[0], batch->images.get() + index * kImage, kImage);
    const std::int64_t label = batch->labels[index];
    std::memcpy(out[1], &label, sizeof label);
  }
  std::vector<std::string> classes() const override {
    return {"airplane", "automobile", "bird",  "cat",  "deer",
            "dog",      "frog",       "horse", "ship", "truck"};
  }
  std::string name() const override { return name_; }

 private:
  std::vector<Cifar10Batch> batches_;
  std::int64_t size_ = 0;
  std::string name_;
};

// N of data_batch_N.bin, 0 for test_batch.bin, -1 for anything else.
int batch_number(const std::string& file) {
  if (file == "test_batch.bin") return 0;
  const std::string prefix = "data_batch_", suffix = ".bin";
  if (file.size() <= prefix.size() + suffix.size() || file.size() > 24 ||
      file.compare(0, prefix.size(), prefix) != 0 ||
      file.compare(file.size() - suffix.size(), suffix.size(), suffix) != 0)
    return -1;
  int n = 0;
  for (std::size_t i = prefix.size(); i < file.size() - suffix.size(); i++) {
    if (file[i] < '0' || file[i] > '9') return -1;
    n = 10 * n + (file[i] - '0');
  }
  return n > 0 ? n : -1;
}
bool wanted(int number, bool train) { return train ? number > 0 : number == 0; }

const char* what(bool train) {
  return train ? "needs data_batch_1.bin, data_batch_2.bin ... (any of them)"
               : "needs test_batch.bin";
}

std::vector<Cifar10Batch> read_folder(const fs::path& given, bool train) {
  fs::path folder = given;
  std::error_code error;
  if (fs::is_directory(given / "cifar-10-batches-bin", error)) folder /= "cifar-10-batches-bin";
  std::vector<std::pair<int, fs::path>> files;
  bool python = false;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const int number = batch_number(it->path().filename().string());
    if (wanted(number, train)) files.emplace_back(number, it->path());
    python |=
        it->path().filename() == "batches.meta" || it->path().filename() == "cifar-10-batches-py";
  }
  LACUNA_CHECK(!error, kCifar10Op, "the folder must be readable: ", folder.string(), ": ",
               error.message());
  LACUNA_CHECK(!files.empty(), kCifar10Op, what(train), ": found none in ", folder.string(),
               python ? " (it holds the Python version: take cifar-10-binary.tar.gz)" : "");
  std::sort(files.begin(), files.end());
  std::vector<Cifar10Batch> batches;
  for (const auto& [number, path] : files) {
    File file(kCifar10Op, path.string());
    batches.push_back(read_cifar10_batch(file, file.size(), path.string()));
  }
  return batches;
}

std::vector<Cifar10Batch> read_archive(const std::string& path, bool train) {
  const std::string file = read_file(path);
  const ByteSpan packed = bytes_of(file);
  LACUNA_CHECK(is_gzip(packed), kCifar10Op, "must be a folder or a .tar.gz: got ", packed.size(),
               " bytes that are not gzip in ", path);
  Gunzip unpacked(kCifar10Op, path, packed);
  return read_cifar10_tar(unpacked, path, train);
}

}  // namespace

Cifar10Batch read_cifar10_batch(ByteStream& bytes, std::uint64_t size, const std::string& name) {
  LACUNA_CHECK(size > 0 && size % kRecord == 0, kCifar10Op, "a batch file holds whole records of ",
               kRecord, " bytes: got ", size, " bytes (", size / kRecord, " records and ",
               size % kRecord, " bytes) in ", name);
  const auto count = static_cast<std::size_t>(size / kRecord);
  constexpr std::size_t kChunk = 256;  // records, so that they are converted while in the cache
  std::vector<std::uint8_t> records(std::min(count, kChunk) * kRecord);
  Cifar10Batch batch;
  // Never zeroed, and mapped only as it is filled: a size that the file does not keep costs nothing.
  batch.images = std::make_unique_for_overwrite<std::uint8_t[]>(count * kImage);
  for (std::size_t done = 0; done < count;) {
    const std::size_t now = std::min(count - done, kChunk);
    bytes.read(records.data(), now * kRecord);
    for (std::size_t i = 0; i < now; i++, done++) {
      const std::uint8_t* record = records.data() + i * kRecord;
      LACUNA_CHECK(record[0] <= 9, kCifar10Op, "labels are 0 to 9: got ",
                   static_cast<int>(record[0]), " in record ", done, " of ", name);
      batch.labels.push_back(record[0]);
      interleave(record + 1, batch.images.get() + done * kImage);
    }
  }
  return batch;
}

std::vector<Cifar10Batch> read_cifar10_tar(ByteStream& tar, const std::string& name, bool train) {
  std::vector<std::pair<int, Cifar10Batch>> found;
  read_tar(
      kCifar10Op, name, tar, [&](const std::string& path, std::uint64_t size, ByteStream& bytes) {
        const int number = batch_number(path.substr(path.find_last_of('/') + 1));
        if (!wanted(number, train)) return;
        for (const auto& f : found)
          LACUNA_CHECK(f.first != number, kCifar10Op, "each batch may be there once: got a second ",
                       path, " in ", name);
        constexpr std::uint64_t kMost = std::uint64_t{1} << 28;  // a header may promise anything
        LACUNA_CHECK(size <= kMost, kCifar10Op, "a batch in an archive may have up to ", kMost,
                     " bytes: got ", size, " in ", name, ":", path);
        found.emplace_back(number, read_cifar10_batch(bytes, size, name + ":" + path));
      });
  LACUNA_CHECK(!found.empty(), kCifar10Op, what(train), ": found none in ", name);
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Cifar10Batch> batches;
  for (auto& f : found) batches.push_back(std::move(f.second));
  return batches;
}

std::unique_ptr<Source> open_cifar10(const std::string& place, bool train) {
  std::error_code error;  // what is neither is said when it is opened
  const bool folder = fs::is_directory(place, error);
  auto batches = folder ? read_folder(place, train) : read_archive(place, train);
  return std::make_unique<Cifar10>(std::move(batches),
                                   "cifar10:" + place + (train ? " (train)" : " (test)"));
}

}  // namespace lacuna
