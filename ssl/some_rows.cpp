#include "some_rows.h"

namespace lacuna {
namespace {

class SomeRows : public Source {
 public:
  SomeRows(std::shared_ptr<const Source> source, std::vector<std::int64_t> rows)
      : source_(std::move(source)), rows_(std::move(rows)) {
    for (std::int64_t row : rows_)
      LACUNA_CHECK(row >= 0 && row < source_->size(), "rows", "sample ids are 0 to ",
                   source_->size() - 1, ": got ", row, " of ", source_->name());
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(rows_.size()); }
  std::vector<Field> fields() const override { return source_->fields(); }
  std::vector<std::string> classes() const override { return source_->classes(); }
  Vocabulary vocabulary() const override { return source_->vocabulary(); }
  std::string name() const override {
    return std::to_string(size()) + " samples of " + source_->name();
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    source_->read(row(index), out);
  }
  void read_in_epoch(std::int64_t index, std::int64_t epoch,
                     std::span<std::byte* const> out) const override {
    source_->read_in_epoch(row(index), epoch, out);
  }

 private:
  std::int64_t row(std::int64_t index) const {
    LACUNA_CHECK(index >= 0 && index < size(), "rows", "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", name());
    return rows_[static_cast<std::size_t>(index)];
  }

  std::shared_ptr<const Source> source_;
  std::vector<std::int64_t> rows_;
};

}  // namespace

std::unique_ptr<Source> some_rows(std::shared_ptr<const Source> source,
                                  std::vector<std::int64_t> rows) {
  return std::make_unique<SomeRows>(std::move(source), std::move(rows));
}

}  // namespace lacuna
