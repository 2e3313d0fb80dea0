#include "shapes.h"

#include <cstring>
#include <iterator>

#include "scene.h"

namespace lacuna {
namespace {

class Shapes : public Source {
 public:
  explicit Shapes(const ShapesOptions& options)
      : options_(options),
        key_(RandomKey::of(options.seed,
                           stream_of(options.train ? "shapes.train" : "shapes.test"))) {}
  std::int64_t size() const override { return options_.size; }
  std::vector<Field> fields() const override {
    return {{"image", Dtype::u8, {kSceneSide, kSceneSide, 3}},
            {"label", Dtype::i64, {}},
            {"factors", Dtype::f32, {kFactors}}};
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), "shapes", "sample ids are 0 to ", size() - 1,
                 ": got ", index);
    float factors[kFactors];
    render_scene(key_, index, reinterpret_cast<std::uint8_t*>(out[0]), factors);
    const auto label = static_cast<std::int64_t>(factors[kShape]);
    std::memcpy(out[1], &label, sizeof label);
    std::memcpy(out[2], factors, sizeof factors);
  }
  std::vector<std::string> classes() const override {
    return {std::begin(kShapeNames), std::end(kShapeNames)};
  }
  std::string name() const override { return options_.train ? "shapes (train)" : "shapes (test)"; }

 private:
  ShapesOptions options_;
  RandomKey key_;
};

}  // namespace

std::unique_ptr<Source> make_shapes(const ShapesOptions& options) {
  LACUNA_CHECK(options.size >= 1, "shapes", "needs at least one scene: got ", options.size);
  return std::make_unique<Shapes>(options);
}

}  // namespace lacuna
