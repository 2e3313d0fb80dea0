#include "conv_autoencoder.h"

#include "registry.h"

namespace lacuna {

ConvEncoder::ConvEncoder(const Options& options)
    : Sequential(Conv2d({.in = options.channels, .out = 64, .kernel = 3, .padding = 1}),
                 MaxPool2d({.kernel = 2}), ReLU(),
                 Conv2d({.in = 64, .out = 128, .kernel = 3, .padding = 1}),
                 MaxPool2d({.kernel = 2}), ReLU()),
      options_(options) {
  LACUNA_CHECK(options.bottleneck >= 0, "conv_autoencoder",
               "the bottleneck must be at least 0: got ", options.bottleneck);
  if (options.bottleneck) add(Conv2d({.in = 128, .out = options.bottleneck, .kernel = 1}));
}

std::string ConvEncoder::architecture() const {
  return Architecture{"conv_encoder",
                      {{"channels", static_cast<double>(options_.channels)},
                       {"bottleneck", static_cast<double>(options_.bottleneck)}}}
      .to_json();
}

std::unique_ptr<Module> make_conv_encoder(const Architecture& a) {
  a.check_names({"channels", "bottleneck"});
  return std::make_unique<ConvEncoder>(ConvEncoder::Options{.channels = a.integer("channels"),
                                                            .bottleneck = a.integer("bottleneck")});
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
