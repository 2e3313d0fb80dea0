// Windows over a text for a model that predicts the next token.
#include <algorithm>

#include "cut.h"

namespace lacuna::text {
namespace {

class WindowsBase : public Source {
 public:
  WindowsBase(std::shared_ptr<const Corpus> corpus, const TextView& view)
      : corpus_(std::move(corpus)), view_(view) {
    LACUNA_CHECK(view.length >= 1, "text", "windows must have at least one token: got length ",
                 view.length);
    LACUNA_CHECK(corpus_->tokens.size() >= 2, "text", "needs at least two tokens: got ",
                 corpus_->tokens.size(), " in ", corpus_->name);
  }
  std::vector<Field> fields() const override {
    return {{"tokens", Dtype::i64, {view_.length + 1}}, {"length", Dtype::i64, {}}};
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    read_in_epoch(index, 0, out);
  }
  Vocabulary vocabulary() const override { return corpus_->vocabulary; }
  double entropy() const override { return corpus_->entropy; }
  std::string name() const override { return corpus_->name; }

 protected:
  void check_index(std::int64_t index) const {
    LACUNA_CHECK(index >= 0 && index < size(), "text", "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", corpus_->name);
  }
  // Tokens begin .. end - 1 of the text.
  void copy(std::int64_t begin, std::int64_t end, std::int64_t* to) const {
    corpus_->tokens.copy(begin, end, to);
    corpus_->check_tokens({to, static_cast<std::size_t>(end - begin)}, begin);
  }
  void finish(std::int64_t count, std::span<std::byte* const> out) const {
    auto* tokens = as<std::int64_t>(out[0]);
    std::fill(tokens + count, tokens + view_.length + 1, padding_of(corpus_->vocabulary));
    *as<std::int64_t>(out[1]) = count;
  }

  std::shared_ptr<const Corpus> corpus_;
  TextView view_;
};

// The targets are tokens 1 .. n - 1, as a ring of n - 1. Window i has `length` of them from phase + i * length on.
class Windows : public WindowsBase {
 public:
  using WindowsBase::WindowsBase;
  std::int64_t size() const override { return (targets() + view_.length - 1) / view_.length; }

  void read_in_epoch(std::int64_t index, std::int64_t epoch,
                     std::span<std::byte* const> out) const override {
    check_index(index);
    const std::int64_t ring = targets();
    const std::int64_t before = index * view_.length;
    const std::int64_t count = std::min(view_.length, ring - before);
    const std::int64_t first = (phase(epoch) + before) % ring;  // token `first` predicts the next
    auto* tokens = as<std::int64_t>(out[0]);
    const std::int64_t straight = std::min(count, ring - first);
    copy(first, first + straight + 1, tokens);
    copy(1, 1 + count - straight, tokens + straight + 1);
    finish(count + 1, out);
  }

 private:
  std::int64_t targets() const { return corpus_->tokens.size() - 1; }
  std::int64_t phase(std::int64_t epoch) const {
    if (epoch == 0) return 0;
    return Draws(RandomKey::of(view_.seed, stream_of("text.phase"), epoch), 0).below(targets());
  }
};

class Documents : public WindowsBase {
 public:
  using WindowsBase::WindowsBase;
  std::int64_t size() const override { return corpus_->document_count(); }

  void read_in_epoch(std::int64_t index, std::int64_t,
                     std::span<std::byte* const> out) const override {
    check_index(index);
    auto* tokens = as<std::int64_t>(out[0]);
    std::fill(tokens, tokens + lead(), corpus_->vocabulary.end);
    const std::int64_t count = std::min(length_of(index), room());
    const std::int64_t begin = corpus_->documents[index];
    copy(begin, begin + count, tokens + lead());
    finish(lead() + count, out);
  }
  std::string left_out() const override {
    return text::left_out(size(), room(), "documents",
                          [&](std::int64_t i) { return length_of(i); });
  }

 private:
  std::int64_t lead() const { return corpus_->vocabulary.end >= 0 ? 1 : 0; }
  std::int64_t room() const { return view_.length + 1 - lead(); }
  std::int64_t length_of(std::int64_t document) const {
    return corpus_->documents[document + 1] - corpus_->documents[document];
  }
};

}  // namespace

std::unique_ptr<Source> cut_windows(std::shared_ptr<const Corpus> corpus, const TextView& view) {
  return std::make_unique<Windows>(std::move(corpus), view);
}

std::unique_ptr<Source> cut_documents(std::shared_ptr<const Corpus> corpus, const TextView& view) {
  return std::make_unique<Documents>(std::move(corpus), view);
}

}  // namespace lacuna::text
