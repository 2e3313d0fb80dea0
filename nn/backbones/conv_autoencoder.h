#pragma once
// A small convolutional autoencoder for images whose sides are multiples of 4. With no bottleneck (109,251 parameters):
//   encoder   conv 3x3 -> 64, maxpool 2, ReLU, conv 3x3 -> 128, maxpool 2, ReLU      (N, H, W, 3) to (N, H/4, W/4, 128)
//   decoder   transposed conv 2x2 stride 2 -> 64, ReLU, transposed conv 2x2 stride 2 -> 3, output activation
// ReLU after the pooling gives what ReLU before it does, value and gradient, and the large image before the pooling is nothing
// that backward asks for.
// Its code of 128 H/4 W/4 = 8 H W values is larger than the image's 3 H W. A bottleneck of b channels makes it a true one for
// b below 48: a 1x1 convolution to b ends the encoder (index 6), and one back to 128 and a ReLU begin the decoder.
#include "../layers/activation.h"
#include "../layers/conv2d.h"
#include "../layers/conv_transpose2d.h"
#include "../layers/pool2d.h"

namespace lacuna {

/// The encoder by itself, a backbone.
class ConvEncoder : public Sequential {
 public:
  struct Options {
    std::int64_t channels = 3;    // of the image
    std::int64_t bottleneck = 0;  // channels of the code; 0: none, the code has 128
  };
  explicit ConvEncoder(const Options& options);
  std::string architecture() const override;

 private:
  Options options_;
};

class ConvAutoencoder : public Module {
 public:
  enum class Output : std::uint8_t { linear, sigmoid, tanh };
  struct Options {
    std::int64_t channels = 3;    // of the image
    std::int64_t bottleneck = 0;  // channels of the code; 0: none, the code has 128
    Output output = Output::sigmoid;
  };

  ConvEncoder encoder;
  Sequential decoder;

  explicit ConvAutoencoder(const Options& options)
      : encoder({.channels = options.channels, .bottleneck = options.bottleneck}),
        decoder(make_decoder(options)) {}

  Tensor forward(Context& context, const Tensor& x) override {
    LACUNA_CHECK(x.ndim() == 4 && x.dim(1) % 4 == 0 && x.dim(2) % 4 == 0, "conv_autoencoder",
                 "needs images (N, H, W, C) whose sides are multiples of 4: got ",
                 describe("x", x));
    return decoder.forward(context, encoder.forward(context, x));
  }
  void members(Members& m) override {
    m.child("encoder", encoder);
    m.child("decoder", decoder);
  }

 private:
  static Sequential make_decoder(const Options&);
};

}  // namespace lacuna
