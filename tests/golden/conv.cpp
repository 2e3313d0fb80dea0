// Convolutions, poolings and embedding against PyTorch (conv.json), forward and backward, in f64 and f32.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "../../core/ops.h"
#include "../../core/tape.h"

namespace lacuna::test {
namespace {

using nlohmann::json;

Shape shape_of(const json& block) {
  const auto sizes = block.at("shape").get<std::vector<std::int64_t>>();
  return Shape(sizes.begin(), sizes.end());
}

Tensor tensor_of(const json& block, Dtype dtype) {
  return to(Tensor::from(block.at("values").get<std::vector<double>>(), shape_of(block)), dtype);
}

Pair pair_of(const json& options, const char* name, Pair otherwise) {
  if (!options.contains(name)) return otherwise;
  return {options.at(name).at(0).get<std::int64_t>(), options.at(name).at(1).get<std::int64_t>()};
}

Pool2dOptions pool_options(const json& o) {
  const Pair kernel = pair_of(o, "kernel_size", 1);
  return {.kernel = kernel,
          .stride = pair_of(o, "stride", kernel),
          .padding = pair_of(o, "padding", 0),
          .dilation = pair_of(o, "dilation", 1),
          .count_include_pad = o.value("count_include_pad", true)};
}

Tensor apply(const std::string& op, const json& o, const std::vector<Tensor>& x) {
  if (op == "conv2d")
    return conv2d(x[0], x[1], x[2],
                  {.stride = pair_of(o, "stride", 1),
                   .padding = pair_of(o, "padding", 0),
                   .dilation = pair_of(o, "dilation", 1),
                   .groups = o.value("groups", 1)});
  if (op == "conv_transpose2d")
    return conv_transpose2d(x[0], x[1], x[2],
                            {.stride = pair_of(o, "stride", 1),
                             .padding = pair_of(o, "padding", 0),
                             .output_padding = pair_of(o, "output_padding", 0),
                             .dilation = pair_of(o, "dilation", 1),
                             .groups = o.value("groups", 1)});
  if (op == "max_pool2d") return max_pool2d(x[0], pool_options(o));
  if (op == "avg_pool2d") return avg_pool2d(x[0], pool_options(o));
  if (op == "global_avg_pool") return global_avg_pool(x[0]);
  if (op == "embedding") return embedding(x[0], tensor_of(o.at("ids"), Dtype::i64));
  fail("golden", "no op called ", op);
}

// max |difference| over max |value|.
void expect_near(const Tensor& got, const json& want, double tolerance, const std::string& what) {
  ASSERT_TRUE(got.defined()) << what;
  ASSERT_EQ(got.shape(), shape_of(want)) << what;
  const auto values = want.at("values").get<std::vector<double>>();
  const auto mine = got.to_vector<double>();
  double scale = 0;
  for (const double v : values) scale = std::fmax(scale, std::fabs(v));
  ASSERT_GT(scale, 0) << what;
  for (std::size_t i = 0; i < values.size(); i++)
    ASSERT_TRUE(std::fabs(mine[i] - values[i]) <= tolerance * scale)
        << what << ", element " << i << ": " << mine[i] << ", PyTorch has " << values[i];
}

TEST(Golden, ConvolutionPoolingEmbedding) {
  std::ifstream in(LACUNA_GOLDEN_DIR "/conv.json");
  const json golden = json::parse(in);
  std::set<std::string> ops;
  for (const json& c : golden.at("cases")) {
    const std::string op = c.at("op");
    ops.insert(op);
    for (const Dtype dtype : {Dtype::f64, Dtype::f32}) {
      const double tolerance = dtype == Dtype::f64 ? 1e-14 : 1e-6;
      const std::string what = op + " " + c.at("name").get<std::string>() + " " + name_of(dtype);
      std::vector<Tensor> inputs;
      for (const json& block : c.at("inputs")) {
        inputs.push_back(tensor_of(block, dtype));
        inputs.back().requires_grad();
      }
      const Tensor y = apply(op, c.at("options"), inputs);
      expect_near(y, c.at("y"), tolerance, what + ": y");
      backward(y, tensor_of(c.at("dy"), dtype));
      for (std::size_t i = 0; i < inputs.size(); i++)
        expect_near(inputs[i].grad(), c.at("gradients").at(i), tolerance,
                    what + ": gradient " + std::to_string(i));
    }
  }
  EXPECT_EQ(ops.size(), 6u);
}

}  // namespace
}  // namespace lacuna::test
