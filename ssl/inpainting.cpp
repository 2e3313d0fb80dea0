// Inpainting autoencoder: hide part of a picture, encode what is left, decode the whole.
//
//   x       = the picture on [-1, 1] (on [0, 1] in mode `unit`)
//   hidden  = a random half of the values (task.mask has other shapes of holes)
//   loss    = mean((decoder(encoder(fill(x, hidden))) - x)^2), over all values or the hidden ones
//
// The network is nn/backbones/conv_autoencoder.h: 109,251 parameters, trained by Adam at 1e-3 with 4 pictures a step.
// The modes differ in the output's scale:
//
//   literal  a sigmoid, in (0, 1), is regressed onto [-1, 1]. The negative half is out of reach: no weights get below
//            the mean of x^2 over the negative values. Kept because the recipe is often written so; the log shows the floor.
//   tanh     a tanh, in (-1, 1).
//   unit     a sigmoid, and pictures on [0, 1]. The loss is multiplied by 4, the square of the scales' ratio, so that all
//            modes report errors on [-1, 1]; Adam does not notice a constant factor.
//
// Denoising is task.mask=none task.noise=0.1; plain autoencoding is task.mask=none. See Vincent et al., "Extracting and
// composing robust features with denoising autoencoders", ICML 2008; Pathak et al., "Context encoders", CVPR 2016.
#include <cmath>
#include <limits>
#include <mutex>

#include "../core/ops/elementwise.h"
#include "../core/ops/mask_image.h"
#include "../core/ops/pointwise_loss.h"
#include "../core/ops/pool2d.h"
#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../kernels/cpu/parallel.h"
#include "../nn/backbones/conv_autoencoder.h"
#include "reconstruct.h"

namespace lacuna {
namespace {

struct Mode {
  const char* name;
  double low, high;  // the scale of input and target
  ConvAutoencoder::Output output;
  double loss_scale;  // to errors on [-1, 1]
};
constexpr Mode kModes[] = {
    {"literal", -1, 1, ConvAutoencoder::Output::sigmoid, 1},
    {"tanh", -1, 1, ConvAutoencoder::Output::tanh, 1},
    {"unit", 0, 1, ConvAutoencoder::Output::sigmoid, 4},
};

template <class T, std::size_t N>
T numbered(const std::string& text, const char* const (&names)[N]) {
  for (std::size_t i = 0; i < N; i++)
    if (text == names[i]) return static_cast<T>(i);
  fail("inpainting", "no such choice: ", text);  // Settings has checked it
}
constexpr const char* kKinds[] = {"none", "value", "pixel", "block", "centre", "region"};
constexpr const char* kFills[] = {"zero", "mean", "noise"};

std::vector<std::string> all_of(const char* const* begin, const char* const* end) {
  return {begin, end};
}

// How often each of the 256 values occurs in each channel of a whole source: every mean below is exact.
std::vector<std::vector<std::int64_t>> histograms(const Source& source, std::int64_t channels,
                                                  const std::string& field) {
  std::vector<std::vector<std::int64_t>> counts(channels, std::vector<std::int64_t>(256));
  std::mutex mutex;
  cpu::parallel_for(source.size(), 512, [&](std::int64_t begin, std::int64_t end) {
    // Two tables in turns: neighbours are often alike, and a count waits for the one before it in the same place.
    std::vector<std::int64_t> mine(2 * channels * 256);
    std::vector<std::vector<std::byte>> buffers;
    std::vector<std::byte*> out;
    std::size_t image = 0;
    for (const Field& f : source.fields()) {
      if (f.name == field) image = buffers.size();
      buffers.emplace_back(f.shape.numel() * size_of(f.dtype));
    }
    for (auto& b : buffers) out.push_back(b.data());
    for (std::int64_t i = begin; i < end; i++) {
      source.read(i, out);
      const auto* pixel = reinterpret_cast<const std::uint8_t*>(buffers[image].data());
      const std::size_t pixels = buffers[image].size() / channels;
      for (std::size_t p = 0; p < pixels; p++, pixel += channels) {
        std::int64_t* table = mine.data() + (p & 1) * channels * 256;
        for (std::int64_t c = 0; c < channels; c++) table[c * 256 + pixel[c]]++;
      }
    }
    std::lock_guard lock(mutex);  // whole numbers: the order does not matter
    for (std::int64_t c = 0; c < channels; c++)
      for (int v = 0; v < 256; v++)
        counts[c][v] += mine[c * 256 + v] + mine[(channels + c) * 256 + v];
  });
  return counts;
}

class Inpainting : public Task, public Reconstructs {
 public:
  Inpainting(const Settings& s, const Field& image) : channels_(image.shape.back()) {
    for (const Mode& m : kModes)
      if (s.text("task.mode") == m.name) mode_ = &m;
    mask_.kind = numbered<MaskKind>(s.text("task.mask"), kKinds);
    mask_.fill = numbered<MaskFill>(s.text("task.fill"), kFills);
    mask_.ratio = s.number("task.mask_ratio");
    mask_.block = s.integer("task.block");
    mask_.noise = s.number("task.noise") * (mode_->high - mode_->low) / 2;
    mask_.low = mode_->low;
    mask_.high = mode_->high;
    only_hidden_ = s.text("task.loss") == "hidden";
    LACUNA_CHECK(!(only_hidden_ && mask_.kind == MaskKind::none), "inpainting",
                 "task.loss=hidden needs something hidden: task.mask is none");
    LACUNA_CHECK(!(only_hidden_ && mask_.ratio == 0), "inpainting",
                 "task.loss=hidden needs something hidden: task.mask_ratio is 0");
    LACUNA_CHECK(image.shape[0] % 4 == 0 && image.shape[1] % 4 == 0, "inpainting",
                 "the network needs pictures whose sides are multiples of 4 (images:DIR?size=N "
                 "resizes): got ",
                 image.shape);
    network_ = std::make_unique<ConvAutoencoder>(
        ConvAutoencoder::Options{.channels = channels_,
                                 .bottleneck = s.integer("model.bottleneck"),
                                 .output = mode_->output});
  }

  Module& model() override { return *network_; }
  Module& encoder() override { return network_->encoder; }

  void prepare(const Source& train) override {
    const auto counts = histograms(train, channels_, "image");
    double n = 0, mean = 0, square = 0, negative = 0;
    mask_.mean.assign(channels_, 0);
    for (std::int64_t c = 0; c < channels_; c++) {
      double channel_n = 0, channel_sum = 0;
      for (int v = 0; v < 256; v++) {
        const double x = v / 127.5 - 1, k = static_cast<double>(counts[c][v]);
        channel_n += k;
        channel_sum += k * (mode_->low + (mode_->high - mode_->low) * v / 255);
        mean += k * x;
        square += k * x * x;
        if (x < 0) negative += k * x * x;
      }
      n += channel_n;
      // An f32, so that what state() keeps is what was trained with.
      mask_.mean[c] = static_cast<float>(channel_n > 0 ? channel_sum / channel_n : 0);
    }
    mean /= n;
    square /= n;
    const bool literal = std::string(mode_->name) == "literal";
    // An untrained decoder gives about 0 before its activation: 0.5 after a sigmoid (0 on [-1, 1] in mode unit), 0 after tanh.
    loss_start_ = literal ? 0.25 - mean + square : square;
    // Of a random subset of the values there is no exact bound but 0.
    loss_floor_ = literal && !only_hidden_ ? negative / n : 0;
  }
  bool repeats() const override { return true; }
  // What is measured of the training data, for those who use the network without it.
  std::map<std::string, Tensor> state() override {
    if (mask_.mean.empty()) return {};
    const std::vector<float> mean(mask_.mean.begin(), mask_.mean.end());
    return {{"mean", Tensor::from(mean, {channels_})}};
  }
  void load_state(const std::map<std::string, Tensor>& state) override {
    const auto mean = state.find("mean");
    if (mean == state.end()) return;
    LACUNA_CHECK(mean->second.shape() == Shape{channels_}, "inpainting",
                 "the checkpoint's state.task.mean must have one value a channel: got ",
                 describe("mean", mean->second), " for ", channels_, " channels");
    mask_.mean = mean->second.to_vector<double>();
  }

  double loss_start() const override { return loss_start_; }
  double loss_floor() const override { return loss_floor_; }

  Losses step(Context& context, const Batch& batch, int) override {
    const MaskedImage image = hide(context, batch);
    const Tensor output = network_->forward(context, image.masked);
    const auto error = [&](bool hidden) {
      const Tensor loss =
          hidden ? mse_loss(output, image.target, image.hidden) : mse_loss(output, image.target);
      return mode_->loss_scale == 1 ? loss : loss * mode_->loss_scale;
    };
    Losses losses{error(only_hidden_), {}};
    if (mask_.kind != MaskKind::none) {
      NoGrad guard;
      losses.parts[only_hidden_ ? "loss_all" : "loss_hidden"] = error(!only_hidden_);
    }
    return losses;
  }

  // The code's average over places: as many numbers for pictures of any size, and what is in a picture rather than where. The
  // code as it is has more values than the picture itself.
  Tensor represent(Context& context, const Batch& batch) override {
    const MaskOptions whole{
        .kind = MaskKind::none, .low = mode_->low, .high = mode_->high, .mean = mask_.mean};
    const MaskedImage image =
        mask_image(pixels_of(batch), whole, context, "inpainting.mask", context.activations);
    return to(global_avg_pool(network_->encoder.forward(context, image.masked)), Dtype::f32);
  }

  Reconstruction reconstruct(Context& context, const Batch& batch) override {
    NoGrad guard;
    const MaskedImage image = hide(context, batch);
    const Tensor output = network_->forward(context, image.masked);
    const double scale = 2 / (mode_->high - mode_->low), shift = -1 - scale * mode_->low;
    const auto common = [&](const Tensor& t) {
      const Tensor values = to(t, Dtype::f32);
      return to(scale == 1 ? values : affine(values, scale, shift), Device{});
    };
    return {common(image.target), common(image.masked), common(output), to(image.hidden, Device{})};
  }

  std::vector<Picture> pictures(Context& context, const Batch& batch) override {
    const Reconstruction r = reconstruct(context, batch);
    std::vector<Picture> result;
    const std::pair<const char*, const Tensor*> columns[] = {
        {"original", &r.original}, {"masked", &r.masked}, {"reconstructed", &r.output}};
    for (const auto& [name, images] : columns)
      for (std::int64_t i = 0; i < images->dim(0); i++)
        result.push_back(
            {name, to(clamp(affine(select(*images, 0, i), 127.5, 128.0), 0, 255), Dtype::u8)});
    return result;
  }

 private:
  const Tensor& pixels_of(const Batch& batch) const {
    const Tensor& pixels = batch["image"];
    LACUNA_CHECK(pixels.dim(-1) == channels_, "inpainting", "the network was made for ", channels_,
                 " channels: got ", describe("image", pixels));
    return pixels;
  }
  MaskedImage hide(const Context& context, const Batch& batch) const {
    return mask_image(pixels_of(batch), mask_, context, "inpainting.mask", context.activations);
  }

  const Mode* mode_ = nullptr;
  std::int64_t channels_;
  MaskOptions mask_;
  bool only_hidden_ = false;
  std::unique_ptr<ConvAutoencoder> network_;
  double loss_start_ = std::numeric_limits<double>::quiet_NaN(), loss_floor_ = loss_start_;
};

void declare_inpainting(Settings& s) {
  s.declare("task.mode", std::string("literal"),
            "scale of the output: literal (the recipe: sigmoid onto [-1, 1]), tanh, unit ([0, 1])",
            {"literal", "tanh", "unit"});
  s.declare("task.mask", std::string("value"),
            "what is hidden as one: none, value, pixel, block, centre, region",
            all_of(std::begin(kKinds), std::end(kKinds)));
  s.declare("task.mask_ratio", 0.5, "share that is hidden", 0, 1);
  s.declare("task.block", std::int64_t{4}, "side of a hidden block, in pixels (mask=block)", 1,
            4096);
  s.declare("task.fill", std::string("zero"),
            "what the network is given in the gap: zero (mid-grey; mode=unit: black), mean (of the "
            "channel), noise",
            all_of(std::begin(kFills), std::end(kFills)));
  s.declare("task.noise", 0.0,
            "standard deviation of noise on what stays visible, on the [-1, 1] scale", 0, 10);
  s.declare("task.loss", std::string("all"),
            "where the error counts: all values, or the hidden ones", {"all", "hidden"});
  s.declare("model.bottleneck", std::int64_t{0},
            "channels of the code; a true bottleneck below 48; 0: the recipe's 128", 0, 128);
  // The recipe's own.
  s.declare("train.batch_size", std::int64_t{4}, "samples a step", 1, 1 << 20);
  s.declare("train.epochs", std::int64_t{5}, "passes over the data", 0, 1e9).resumable = true;
  s.declare("optim.optimizer", std::string("adam"), "adam, adamw, lamb, lars or sgd",
            optimizer_names());
  s.declare("optim.lr", 1e-3, "learning rate", 0, 1e6);
}

std::unique_ptr<Task> make_inpainting(const Settings& settings, const DataInfo& data) {
  for (const Field& f : data.fields)
    if (f.name == "image" && f.dtype == Dtype::u8 && f.shape.size() == 3)
      return std::make_unique<Inpainting>(settings, f);
  fail("inpainting", "needs pictures: the data has no field \"image\" of (H, W, C) u8");
}

}  // namespace

extern const TaskInfo inpainting_task{"inpainting",
                                      "autoencoder that fills in hidden parts of pictures",
                                      declare_inpainting, make_inpainting};

}  // namespace lacuna
