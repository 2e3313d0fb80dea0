#include "conv_autoencoder.h"

namespace lacuna {

Sequential ConvAutoencoder::make_encoder(const Options& options) {
  LACUNA_CHECK(options.channels > 0 && options.bottleneck >= 0, "conv_autoencoder",
               "needs channels above 0 and a bottleneck of at least 0: got ", options.channels,
               " and ", options.bottleneck);
  Sequential layers(Conv2d({.in = options.channels, .out = 64, .kernel = 3, .padding = 1}), ReLU(),
                    MaxPool2d({.kernel = 2}),  //
                    Conv2d({.in = 64, .out = 128, .kernel = 3, .padding = 1}), ReLU(),
                    MaxPool2d({.kernel = 2}));
  if (options.bottleneck) layers.add(Conv2d({.in = 128, .out = options.bottleneck, .kernel = 1}));
  return layers;
}

Sequential ConvAutoencoder::make_decoder(const Options& options) {
  Sequential layers;
  if (options.bottleneck) {
    layers.add(Conv2d({.in = options.bottleneck, .out = 128, .kernel = 1}));
    layers.add(ReLU());
  }
  layers.add(ConvTranspose2d({.in = 128, .out = 64, .kernel = 2, .stride = 2}));
  layers.add(ReLU());
  layers.add(ConvTranspose2d({.in = 64, .out = options.channels, .kernel = 2, .stride = 2}));
  if (options.output == Output::sigmoid) layers.add(Sigmoid());
  if (options.output == Output::tanh) layers.add(Tanh());
  return layers;
}

}  // namespace lacuna
