#pragma once
// The four ways of cut_text().
#include <algorithm>
#include <string>

#include "../../kernels/random.h"
#include "corpus.h"

namespace lacuna::text {

std::unique_ptr<Source> cut_windows(std::shared_ptr<const Corpus> corpus, const TextView& view);
std::unique_ptr<Source> cut_documents(std::shared_ptr<const Corpus> corpus, const TextView& view);
std::unique_ptr<Source> cut_pairs(std::shared_ptr<const Corpus> corpus, const TextView& view);
std::unique_ptr<Source> cut_segments(std::shared_ptr<const Corpus> corpus, const TextView& view);

/// The random numbers of one row, one after the other.
class Draws {
 public:
  Draws(RandomKey key, std::int64_t row, std::uint64_t view = 0)
      : key_(key), row_(static_cast<std::uint64_t>(row)), view_(view) {}
  std::uint32_t word() { return draw_word(key_, element_++, row_, view_); }
  /// Uniform in 0 .. n - 1; n >= 1.
  std::int64_t below(std::int64_t n) {
    const std::uint64_t high = word();
    return static_cast<std::int64_t>((high << 32 | word()) % static_cast<std::uint64_t>(n));
  }
  /// Uniform in [0, 1).
  double uniform() { return uniform_of(word()); }

 private:
  RandomKey key_;
  std::uint64_t row_, view_, element_ = 0;
};

inline std::int64_t padding_of(const Vocabulary& v) { return v.pad >= 0 ? v.pad : 0; }

/// Source::left_out() of `count` things called `name` of which each may have `room` tokens and has length(i).
template <class Length>
std::string left_out(std::int64_t count, std::int64_t room, const char* name, Length&& length) {
  std::int64_t cut = 0, longest = 0;
  for (std::int64_t i = 0; i < count; i++) {
    const std::int64_t tokens = length(i);
    cut += tokens > room;
    longest = std::max(longest, tokens);
  }
  return cut == 0 ? ""
                  : std::to_string(cut) + " of " + std::to_string(count) + " " + name +
                        " have more than " + std::to_string(room) + " tokens, the longest " +
                        std::to_string(longest) + ": what does not fit is left out";
}

template <class T>
T* as(std::byte* bytes) {
  return reinterpret_cast<T*>(bytes);
}

}  // namespace lacuna::text
