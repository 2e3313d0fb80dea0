#include "../../core/ops/embedding.h"

#include <gtest/gtest.h>

#include "../../core/tape.h"
#include "../errors.h"
#include "case.h"

namespace lacuna::test {
namespace {

void one(const std::string& name, std::int64_t n, std::int64_t d, const Shape& ids,
         std::int64_t below = 0) {
  add({.name = "embedding/" + name,
       .inputs = {{{n, d}}, {ids, 0, static_cast<double>(below ? below : n), Dtype::i64, false}},
       .apply = [](const Tensors& t) { return embedding(t[0], t[1]); },
       .reference =
           [d](const Tensors& t) {
             const auto v = t[0].to_vector<double>();
             std::vector<double> y;
             for (const std::int64_t id : t[1].to_vector<std::int64_t>())
               y.insert(y.end(), v.begin() + id * d, v.begin() + (id + 1) * d);
             return y;
           }});
}

const Register embedding_cases([] {
  for (int n : kSizes) {
    const std::string size = std::to_string(n);
    one("ids=" + size, 5, 3, {n});
    one("dim=" + size, 5, n, {2, 4});
    if (n > 0) one("rows=" + size, n, 3, {2, 3});  // nothing can be picked from nothing: errors
  }
  one("tokens", 11, 70, {3, 2, 4});
  one("one_id", 5, 3, {});
  one("often", 300, 260, {400}, 2);  // two rows get all there is
});

Tensor ids(const std::vector<std::int64_t>& values, const Shape& shape, Device device = {}) {
  return Tensor::from(values, shape, device);
}

}  // namespace

TEST(embedding, repeated_ids_add_up_and_padding_does_not_learn) {
  for (const Device device : {Device{}, Device{DeviceType::emu, 0}}) {
    if (!find_backend(device.type)) continue;
    for (const std::int64_t padding : {-1, 2}) {
      Tensor weight = Tensor::full({3, 2}, 7, Dtype::f32, device);
      weight.requires_grad();
      const Tensor y = embedding(weight, ids({2, 0, 2, 2}, {4}, device), padding);
      EXPECT_EQ(y.to_vector<float>(), std::vector<float>(8, 7));
      backward(y, Tensor::from<float>({1, 10, 2, 20, 3, 30, 4, 40}, {4, 2}, device));
      EXPECT_EQ(weight.grad().to_vector<float>(), padding == 2
                                                      ? (std::vector<float>{2, 20, 0, 0, 0, 0})
                                                      : (std::vector<float>{2, 20, 0, 0, 8, 80}));
    }
  }
}

TEST(embedding, sums_come_in_the_order_of_the_ids) {
  Tensor weight = Tensor::zeros({2, 1});
  weight.requires_grad();
  // 1e8 + 1 - 1e8 is 0 in f32, and 1e8 - 1e8 + 1 is 1.
  backward(embedding(weight, ids({0, 1, 0, 1, 0, 1}, {6})),
           Tensor::of({1e8f, 1e8f, 1, -1e8f, -1e8f, 1}, {6, 1}));
  EXPECT_EQ(weight.grad().to_vector<float>(), (std::vector<float>{0, 1}));
}

TEST(embedding, errors) {
  const Tensor x = Tensor::zeros({4, 3});
  EXPECT_EQ(error_of([&] {
              embedding(x, ids({0, 1, 2, 3, 0, 4}, {2, 3}));
            }),
            "[embedding] index must be at least 0 and below 4: got 4 at (1, 2) of index (2, 3) i64 "
            "cpu");
  EXPECT_EQ(error_of([&] {
              embedding(Tensor::zeros({0, 3}), ids({0}, {1}));
            }),
            "[embedding] index must be at least 0 and below 0: got 0 at (0) of index (1) i64 cpu");
  EXPECT_EQ(error_of([&] { embedding(x, Tensor::zeros({2})); }),
            "[embedding] index must be i64: got index (2) f32 cpu");
  EXPECT_EQ(error_of([&] { embedding(Tensor::zeros({4}), ids({0}, {1})); }),
            "[embedding] needs weight (n, d) and ids: got weight (4) f32 cpu, ids (1) i64 cpu");
  EXPECT_EQ(error_of([&] { embedding(x, ids({0}, {1}), 4); }),
            "[embedding] the padding id must be below 4: got 4");
}

}  // namespace lacuna::test
