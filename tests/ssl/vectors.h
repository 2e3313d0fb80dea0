#pragma once
// Vectors and pictures of which the right answer is known.
#include <cstring>

#include "../../core/batch.h"
#include "../../kernels/random.h"

namespace lacuna {

inline float normal_word(std::uint64_t stream, std::int64_t i) {
  return normal_of(draw_word({stream}, static_cast<std::uint64_t>(i), 0));
}

/// n vectors of d numbers, of class i % classes: a middle of the class at `distance`, and noise of deviation 1.
inline Tensor clusters(std::int64_t n, std::int64_t d, std::int64_t classes, double distance,
                       std::uint64_t stream) {
  std::vector<float> x(static_cast<std::size_t>(n * d));
  for (std::int64_t i = 0; i < n; i++)
    for (std::int64_t c = 0; c < d; c++)
      x[static_cast<std::size_t>(i * d + c)] = static_cast<float>(
          distance * normal_word(77, (i % classes) * d + c) + normal_word(stream, i * d + c));
  return Tensor::from(x, {n, d});
}

inline std::vector<std::int64_t> turns(std::int64_t n, std::int64_t classes) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < n; i++) labels.push_back(i % classes);
  return labels;
}

/// 8x8 pictures of one colour and some noise; the class is the colour.
class Colours : public Source {
 public:
  explicit Colours(std::int64_t n, std::uint64_t stream = 1) : n_(n), stream_(stream) {}
  std::vector<std::string> names = {"red", "green", "blue"};

  std::int64_t size() const override { return n_; }
  std::vector<Field> fields() const override {
    return {{"image", Dtype::u8, {8, 8, 3}}, {"label", Dtype::i64, {}}};
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    const std::int64_t label = index % 3;
    for (std::int64_t i = 0; i < 8 * 8 * 3; i++)
      out[0][i] = static_cast<std::byte>((i % 3 == label ? 160 : 60) +
                                         below(draw_word({stream_}, static_cast<std::uint64_t>(i),
                                                         static_cast<std::uint64_t>(index)),
                                               40));
    std::memcpy(out[1], &label, 8);
  }
  std::vector<std::string> classes() const override { return names; }
  std::string name() const override { return "colours"; }

 private:
  std::int64_t n_;
  std::uint64_t stream_;
};

}  // namespace lacuna
