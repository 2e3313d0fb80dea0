#include "bags.h"

#include <cstring>
#include <iterator>

#include "cached.h"
#include "scene.h"

namespace lacuna {
namespace {

class BagSource : public Source {
 public:
  BagSource(std::shared_ptr<const Source> pictures, Bags bags, std::uint64_t seed)
      : pictures_(std::move(pictures)), bags_(std::move(bags)), seed_(seed) {
    fields_ = pictures_->fields();
    for (std::size_t k = 0; k < fields_.size(); k++)
      if (fields_[k].name == "image") image_ = k;
    fields_.push_back(fields_[image_]);
    fields_.back().name = "partner";
  }
  std::int64_t size() const override { return static_cast<std::int64_t>(bags_.patients.size()); }
  std::vector<Field> fields() const override { return fields_; }
  std::vector<std::string> classes() const override { return pictures_->classes(); }
  std::string name() const override { return pictures_->name(); }
  std::string left_out() const override { return bags_.left_out; }

  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    read_in_epoch(index, 0, out);
  }
  void read_in_epoch(std::int64_t index, std::int64_t epoch,
                     std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), "bags", "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", name());
    const auto key =
        RandomKey::of(seed_, stream_of("bags.pick"), static_cast<std::uint64_t>(epoch));
    const Philox4 words = draw(key, 0, static_cast<std::uint64_t>(index));
    const auto one_of = [](const auto& list, std::uint32_t word) {
      return below(word, static_cast<std::uint32_t>(list.size()));
    };
    const auto& patient = bags_.patients[index];
    const auto& bag = bags_.pictures[patient[one_of(patient, words.v[0])]];
    const std::uint32_t first = one_of(bag, words.v[1]);
    std::uint32_t second = first;
    if (bag.size() > 1) {  // any of the others
      second = below(words.v[2], static_cast<std::uint32_t>(bag.size() - 1));
      if (second >= first) second++;
    }
    // The partner's other fields are read to where the first picture's come to lie.
    std::vector<std::byte*> places(out.begin(), out.end() - 1);
    places[image_] = out.back();
    pictures_->read(bag[second], places);
    places[image_] = out[image_];
    pictures_->read(bag[first], places);
  }

 private:
  std::shared_ptr<const Source> pictures_;
  Bags bags_;
  std::uint64_t seed_;
  std::vector<Field> fields_;
  std::size_t image_ = 0;
};

constexpr std::int64_t kBagsOfPatient = 2, kPicturesOfBag = 3;

class CasePictures : public Source {
 public:
  explicit CasePictures(const CasesOptions& o)
      : size_(o.size * kBagsOfPatient * kPicturesOfBag),
        train_(o.train),
        key_(RandomKey::of(o.seed, stream_of(o.train ? "cases.train" : "cases.test"))) {}
  std::int64_t size() const override { return size_; }
  std::vector<Field> fields() const override {
    return {{"image", Dtype::u8, {kSceneSide, kSceneSide, 3}},
            {"label", Dtype::i64, {}},
            {"factors", Dtype::f32, {kFactors}}};
  }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size_, "cases", "sample ids are 0 to ", size_ - 1, ": got ",
                 index);
    float factors[kFactors];
    render_scene(key_, index, reinterpret_cast<std::uint8_t*>(out[0]), factors,
                 index / (kBagsOfPatient * kPicturesOfBag));
    const auto label = static_cast<std::int64_t>(factors[kShape]);
    std::memcpy(out[1], &label, sizeof label);
    std::memcpy(out[2], factors, sizeof factors);
  }
  std::vector<std::string> classes() const override {
    return {std::begin(kShapeNames), std::end(kShapeNames)};
  }
  std::string name() const override { return train_ ? "cases (train)" : "cases (test)"; }

 private:
  std::int64_t size_;
  bool train_;
  RandomKey key_;
};

}  // namespace

std::unique_ptr<Source> make_bags(std::shared_ptr<const Source> pictures, Bags bags,
                                  std::uint64_t seed) {
  for (const auto& bag : bags.pictures)
    LACUNA_CHECK(!bag.empty(), "bags", "a bag has at least one picture: got an empty one");
  for (const auto& patient : bags.patients)
    LACUNA_CHECK(!patient.empty(), "bags", "a patient has at least one bag: got one without");
  return std::make_unique<BagSource>(std::move(pictures), std::move(bags), seed);
}

std::unique_ptr<Source> make_cases(const CasesOptions& o) {
  LACUNA_CHECK(o.size >= 1 && o.size <= 10'000'000, "cases",
               "there are 1 to 10,000,000 patients: got ", o.size);
  auto pictures = cached(std::make_unique<CasePictures>(o));
  if (o.pictures) return pictures;
  Bags bags;
  for (std::int64_t p = 0, picture = 0; p < o.size; p++) {
    auto& patient = bags.patients.emplace_back();
    for (std::int64_t b = 0; b < kBagsOfPatient; b++) {
      patient.push_back(static_cast<std::int64_t>(bags.pictures.size()));
      auto& bag = bags.pictures.emplace_back();
      for (std::int64_t i = 0; i < kPicturesOfBag; i++) bag.push_back(picture++);
    }
  }
  return make_bags(std::move(pictures), std::move(bags), o.seed);
}

}  // namespace lacuna
