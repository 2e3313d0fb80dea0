// The first twenty steps of the inpainting recipe against PyTorch: same weights, pictures and masks (recipe.py).
#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops.h"
#include "../../core/safetensors.h"
#include "../../core/tape.h"
#include "../../nn/backbones/conv_autoencoder.h"
#include "../../nn/optim/adam.h"

namespace lacuna {

TEST(golden, inpainting_recipe) {
  const Safetensors golden = read_safetensors(LACUNA_GOLDEN_DIR "/recipe.safetensors");
  ConvAutoencoder model({.output = ConvAutoencoder::Output::sigmoid});
  model.initialize(0);
  model.load_state_dict(with_prefix(golden.tensors, "weight."));
  Adam adam(model.parameters(), {.lr = 1e-3});
  const auto losses = golden.tensors.at("losses").to_vector<double>();
  const auto chosen = golden.tensors.at("chosen").to_vector<std::int64_t>();
  const auto kept = golden.tensors.at("kept_bits").to_vector<std::uint8_t>();
  const Tensor pictures = golden.tensors.at("pictures");
  Context context;
  double worst = 0;
  for (std::size_t step = 0; step < losses.size(); step++) {
    std::vector<Tensor> rows;
    for (int i = 0; i < 4; i++)
      rows.push_back(slice(pictures, 0, chosen[step * 4 + i], chosen[step * 4 + i] + 1));
    const Tensor x = affine(to(concat(rows, 0), Dtype::f32), 1 / 127.5, -1);
    std::vector<float> bits(x.numel());
    for (std::size_t i = 0; i < bits.size(); i++) {
      const std::size_t bit = step * bits.size() + i;
      bits[i] = static_cast<float>(kept[bit / 8] >> bit % 8 & 1);
    }
    const Tensor loss = mse_loss(model.forward(context, x * Tensor::from(bits, x.shape())), x);
    const double error = std::fabs(loss.item() / losses[step] - 1);
    worst = std::max(worst, error);
    EXPECT_LE(error, 1e-6) << "step " << step << ": " << loss.item() << " here, " << losses[step]
                           << " there";
    adam.zero_grad();
    backward(loss);
    if (step == 0) {
      for (const NamedTensor& p : model.parameters()) {
        const auto mine = p.tensor.grad().to_vector<double>(),
                   theirs = golden.tensors.at("grad." + p.name).to_vector<double>();
        double difference = 0, largest = 0;
        for (std::size_t i = 0; i < mine.size(); i++) {
          difference = std::max(difference, std::fabs(mine[i] - theirs[i]));
          largest = std::max(largest, std::fabs(theirs[i]));
        }
        EXPECT_LE(difference / largest, 1e-5) << p.name;
      }
    }
    adam.step();
  }
  RecordProperty("largest_relative_error", std::to_string(worst));
  std::printf("largest relative difference of a loss: %.2e\n", worst);
}

}  // namespace lacuna
