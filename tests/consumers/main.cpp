// What a program that embeds Lacuna does: tensors, a gradient, an encoder out of a checkpoint.
#include <lacuna/core/ops/elementwise.h>
#include <lacuna/core/ops/reduce.h>
#include <lacuna/core/safetensors.h>
#include <lacuna/core/tape.h>
#include <lacuna/core/tensor.h>
#include <lacuna/nn/backbones/conv_autoencoder.h>
#include <lacuna/nn/load_encoder.h>
#include <lacuna/nn/optim/adam.h>

#include <cstdio>

using namespace lacuna;

int main() {
  Tensor x = Tensor::of({1, 2, 3}, {3});
  x.requires_grad();
  backward(sum(x * x));
  if (x.grad().to_vector<float>() != std::vector<float>{2, 4, 6}) return 1;

  ConvAutoencoder model({});
  model.initialize(1);
  Adam adam(model.parameters(), {});
  Context context;
  const Tensor image = Tensor::full({1, 8, 8, 3}, 0.5);
  backward(sum(square(model.forward(context, image) - image)));
  adam.step();

  StateDict state;
  insert_with_prefix(state, "model.", model.state_dict());
  write_safetensors("consumer.safetensors", state, {{"encoder", model.encoder.architecture()}});
  const auto encoder = load_encoder("consumer.safetensors");
  const Tensor code = encoder->forward(context, image);
  if (code.to_vector<float>() != model.encoder.forward(context, image).to_vector<float>()) return 2;

  try {
    load_encoder("nothing.safetensors");
    return 3;
  } catch (const Error& e) {
    std::printf("%s\nlacuna is embedded\n", e.what());
  }
  return 0;
}
