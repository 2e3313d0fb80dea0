// Data as others published it. $LACUNA_DATA is a folder with fashion_mnist, photos_kodak and photos_skimage;
// $LACUNA_CIFAR10 is what `cifar10:` takes, with all 50,000 training records.
#include "../../datasets/describe.h"
#include "../../datasets/image_io.h"
#include "../../datasets/spec.h"
#include "support.h"

namespace lacuna::test {
namespace {

std::string place(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

}  // namespace

#define NEEDS(variable) \
  if (place(variable).empty()) GTEST_SKIP() << variable << " is not set"

TEST(real_data, cifar10) {
  NEEDS("LACUNA_CIFAR10");
  const auto train = open_source("cifar10:" + place("LACUNA_CIFAR10"), "train");
  ASSERT_EQ(train->size(), 50000);
  const SourceSummary s = summarize(*train);
  // The means and deviations that everybody's Normalize() has: 0.4914 0.4822 0.4465, 0.2470 0.2435 0.2616.
  const double mean[] = {0.4914, 0.4822, 0.4465}, deviation[] = {0.2470, 0.2435, 0.2616};
  for (int c = 0; c < 3; c++) {
    EXPECT_NEAR(s.fields[0].channels[c].mean / 255, mean[c], 1e-3);
    EXPECT_NEAR(s.fields[0].channels[c].std / 255, deviation[c], 1e-3);
  }
  for (const auto& label : s.labels) EXPECT_EQ(label.second, 5000) << label.first;
  double negative = 0;  // sum of x^2 over x < 0, where x = v / 127.5 - 1
  std::vector<std::int64_t> ids(1000);
  for (std::int64_t first = 0; first < train->size(); first += 1000) {
    std::iota(ids.begin(), ids.end(), first);
    const Tensor images = read_batch(*train, ids)["image"];
    const std::uint8_t* p = images.data<std::uint8_t>();
    for (std::int64_t i = 0; i < images.numel(); i++) {
      const double x = p[i] / 127.5 - 1;
      negative += x < 0 ? x * x : 0;
    }
  }
  EXPECT_NEAR(negative / (50000.0 * 3072), 0.1411, 5e-5);
}

TEST(real_data, fashion_mnist) {
  NEEDS("LACUNA_DATA");
  const auto test = open_source("idx:" + place("LACUNA_DATA") + "/fashion_mnist", "test");
  ASSERT_EQ(test->size(), 10000);
  const SourceSummary s = summarize(*test);
  EXPECT_EQ(s.fields[0].shape, (Shape{28, 28, 1}));
  EXPECT_NEAR(s.fields[0].channels[0].mean / 255, 0.2868, 1e-3);
  for (const auto& label : s.labels) EXPECT_EQ(label.second, 1000) << label.first;
  EXPECT_NE(error_of([&] {
              open_source("idx:" + place("LACUNA_DATA") + "/fashion_mnist", "train");
            }).find("[idx] needs train-images-idx3-ubyte"),
            std::string::npos);
}

TEST(real_data, kodak_photographs) {
  NEEDS("LACUNA_DATA");
  const std::string spec = "images:" + place("LACUNA_DATA") + "/photos_kodak";
  EXPECT_NE(error_of([&] { open_source(spec, "train"); }).find("all images must have one size"),
            std::string::npos);
  const auto source = open_source(spec + "?size=64", "train");
  ASSERT_EQ(source->size(), 20);
  const SourceSummary s = summarize(*source);
  EXPECT_EQ(s.fields[0].shape, (Shape{64, 64, 3}));
  EXPECT_TRUE(s.duplicates.empty() && s.constant.empty());
  // Averaging areas keeps the mean of what it keeps: compare with the middle square of the whole photograph.
  const Image photo = read_image(place("LACUNA_DATA") + "/photos_kodak/01.png");
  const Image small = resize_and_crop(photo, 64);
  const std::int64_t side = std::min(photo.height, photo.width);
  const std::int64_t top = (photo.height - side) / 2, left = (photo.width - side) / 2;
  double whole = 0, part = 0;
  for (std::int64_t y = 0; y < side; y++)
    for (std::int64_t x = 0; x < side * 3; x++)
      whole += photo.pixels[((top + y) * photo.width + left) * 3 + x];
  for (int v : small.pixels) part += v;
  EXPECT_NEAR(whole / (3.0 * static_cast<double>(side * side)), part / (3.0 * 64 * 64), 0.1);
}

TEST(real_data, photographs_of_all_kinds) {
  NEEDS("LACUNA_DATA");
  const auto source =
      open_source("images:" + place("LACUNA_DATA") + "/photos_skimage?size=48", "train");
  ASSERT_EQ(source->size(), 13);
  EXPECT_TRUE(summarize(*source).duplicates.empty());
  const Image rocket = read_image(place("LACUNA_DATA") + "/photos_skimage/rocket.jpg");
  EXPECT_EQ(rocket.channels, 3);
  EXPECT_EQ(rocket.height, 427);
  EXPECT_EQ(rocket.width, 640);
}

}  // namespace lacuna::test
