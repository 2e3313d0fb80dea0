#include "cached.h"

#include <atomic>
#include <cstring>

namespace lacuna {
namespace {

class Cached : public Source {
 public:
  Cached(std::unique_ptr<Source> source, std::vector<std::size_t> bytes, std::size_t row)
      : source_(std::move(source)), bytes_(std::move(bytes)), row_(row) {
    const auto n = static_cast<std::size_t>(source_->size());
    memory_ = std::make_unique_for_overwrite<std::byte[]>(n * row_);
    state_ = std::make_unique<std::atomic<std::uint8_t>[]>(n);
  }
  std::int64_t size() const override { return source_->size(); }
  std::vector<Field> fields() const override { return source_->fields(); }
  std::vector<std::string> classes() const override { return source_->classes(); }
  std::string name() const override { return source_->name(); }

  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    if (index < 0 || index >= size()) return source_->read(index, out);  // which says what is wrong
    std::atomic<std::uint8_t>& state = state_[index];
    std::byte* memory = memory_.get() + index * row_;
    if (state.load(std::memory_order_acquire) == kReady) {
      for (std::size_t k = 0; k < out.size(); memory += bytes_[k++])
        std::memcpy(out[k], memory, bytes_[k]);
      return;
    }
    source_->read(index, out);
    std::uint8_t empty = kEmpty;
    if (!state.compare_exchange_strong(empty, kFilling)) return;  // another thread keeps its copy
    for (std::size_t k = 0; k < out.size(); memory += bytes_[k++])
      std::memcpy(memory, out[k], bytes_[k]);
    state.store(kReady, std::memory_order_release);
  }

 private:
  enum : std::uint8_t { kEmpty, kFilling, kReady };
  std::unique_ptr<Source> source_;
  std::vector<std::size_t> bytes_;  // of each field
  std::size_t row_;
  std::unique_ptr<std::byte[]> memory_;
  std::unique_ptr<std::atomic<std::uint8_t>[]> state_;
};

}  // namespace

std::unique_ptr<Source> cached(std::unique_ptr<Source> source, std::int64_t limit) {
  std::vector<std::size_t> bytes;
  std::size_t row = 0;
  for (const Field& f : source->fields()) {
    bytes.push_back(f.shape.numel() * size_of(f.dtype));
    row += bytes.back();
  }
  if (source->size() == 0 || row > static_cast<std::size_t>(limit / source->size())) return source;
  return std::make_unique<Cached>(std::move(source), std::move(bytes), row);
}

}  // namespace lacuna
