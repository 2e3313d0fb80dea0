#include "models.h"

#include <memory>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/backbones/bert.h"
#include "../../nn/backbones/conv_autoencoder.h"
#include "../../nn/backbones/gpt.h"
#include "../../nn/optim/adam.h"
#include "../../nn/optim/clip.h"
#include "../../nn/optim/sgd.h"
#include "../../ssl/simclr.h"
#include "../../ssl/text.h"

namespace lacuna::bench {
namespace {

// What every step needs, kept alive by the function that makes one.
template <class Model>
struct Training {
  Model model;
  std::unique_ptr<Optimizer> optimizer;
  Context context = {};

  template <class... Options>
  explicit Training(const Options&... options) : model(options...) {
    model.initialize(0);
  }
  double update(const Tensor& loss, double clip = 0) {
    backward(loss);
    optimizer->step(clip > 0 ? clip_scale(global_norm(optimizer->parameters()), clip) : 1);
    optimizer->zero_grad();
    context.epoch++;  // other masks
    return loss.item();
  }
  /// Weight decay of matrices only.
  template <class Rule, class Options>
  void use(const Options& options) {
    std::map<std::string, bool> vectors;
    for (const NamedTensor& p : model.parameters()) vectors[p.name] = p.tensor.ndim() < 2;
    optimizer = std::make_unique<Rule>(
        model.parameters(), options,
        std::vector<ParameterGroup>{
            {.holds = [=](const std::string& name) { return vectors.at(name); },
             .weight_decay = 0}});
  }
};

Tensor random_tokens(const Shape& shape, std::int64_t kinds) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < ids.size(); i++)
    ids[i] =
        static_cast<std::int64_t>(below(draw_word({1}, i, 0), static_cast<std::uint32_t>(kinds)));
  return Tensor::from(ids, shape);
}

std::function<double()> autoencoder(std::int64_t batch) {
  auto t = std::make_shared<Training<ConvAutoencoder>>(
      ConvAutoencoder::Options{.output = ConvAutoencoder::Output::sigmoid});
  t->optimizer = std::make_unique<Adam>(t->model.parameters(), Adam::Options{.lr = 1e-3});
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(batch) * 32 * 32 * 3);
  for (std::size_t i = 0; i < pixels.size(); i++)
    pixels[i] = static_cast<std::uint8_t>(draw_word({1}, i, 0));
  return [t, pictures = Tensor::from(pixels, {batch, 32, 32, 3})] {
    const MaskedImage image = mask_image(pictures, {}, t->context, "mask");
    return t->update(mse_loss(t->model.forward(t->context, image.masked), image.target));
  };
}

std::function<double()> gpt(std::int64_t batch, std::int64_t layers, std::int64_t width,
                            std::int64_t heads, std::int64_t context) {
  auto t = std::make_shared<Training<GptModel>>(GptOptions{.vocabulary = 65,
                                                           .context = context,
                                                           .width = width,
                                                           .layers = layers,
                                                           .heads = heads,
                                                           .bias = false,
                                                           .gelu_tanh = false,
                                                           .dropout = 0});
  t->use<AdamW>(Adam::Options{.lr = 1e-3, .beta2 = 0.99, .weight_decay = 0.1});
  const Tensor windows = random_tokens({batch, context + 1}, 65);
  return [t, seen = slice(windows, 1, 0, context),
          next = contiguous(slice(windows, 1, 1, context + 1))] {
    const Tensor loss = cross_entropy(t->model.forward(t->context, seen), next);
    return t->update(loss, 1);
  };
}

std::function<double()> bert_mini(std::int64_t batch) {
  constexpr std::int64_t kWords = 30522, kLength = 128;
  BertOptions options = bert_size("mini");
  options.vocabulary = kWords;
  auto t = std::make_shared<Training<BertModel>>(options);
  t->use<AdamW>(
      Adam::Options{.lr = 1e-4, .eps = 1e-6, .weight_decay = 0.01, .bias_correction = false});
  const MaskTokensOptions mask{.mask_id = 103, .vocabulary = kWords, .exact = true};
  const Tensor words = random_tokens({batch, kLength}, kWords);
  const Tensor pairs = random_tokens({batch}, 2);
  std::vector<std::int64_t> segments(static_cast<std::size_t>(batch * kLength));
  for (std::size_t i = 0; i < segments.size(); i++) segments[i] = i % kLength >= kLength / 2;
  return [=, kinds = Tensor::from(segments, {batch, kLength}),
          lengths = Tensor::full({batch}, kLength, Dtype::i64)] {
    const MaskedTokens masked = mask_tokens(words, mask, t->context, "mask", lengths);
    const Targets targets = labelled(masked.labels, mask.ignore_index);
    const Tensor hidden = t->model.encoder.forward(t->context, masked.tokens, kinds, lengths);
    const Tensor loss =
        cross_entropy(t->model.token_scores(t->context, targets.rows_of(hidden)), targets.tokens) +
        cross_entropy(t->model.pair_scores(t->context, hidden), pairs);
    return t->update(loss, 1);
  };
}

std::function<double()> simclr(std::int64_t batch) {
  auto t = std::make_shared<Training<SimclrModel>>(ResNetOptions{}, ProjectionOptions{},
                                                   std::int64_t{0});
  t->use<Sgd>(Sgd::Options{
      .lr = 0.06 * static_cast<double>(batch) / 256, .momentum = 0.9, .weight_decay = 5e-4});
  const Shape shape{2 * batch, 32, 32, 3};
  std::vector<float> pixels(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < pixels.size(); i++)
    pixels[i] = static_cast<float>(draw_word({1}, i, 0) >> 8) * 0x1p-24f;
  return [t, views = Tensor::from(pixels, shape)] {
    const Tensor h = t->model.encoder.forward(t->context, views);
    return t->update(nt_xent(t->model.projection.forward(t->context, h), 0.5));
  };
}

}  // namespace

std::function<double()> make_step(const std::string& name, std::int64_t batch) {
  if (name == "autoencoder") return autoencoder(batch);
  if (name == "gpt") return gpt(batch, 4, 128, 4, 64);
  if (name == "gpt-384") return gpt(batch, 6, 384, 6, 256);
  if (name == "simclr") return simclr(batch);
  if (name == "bert-mini") return bert_mini(batch);
  return nullptr;
}

}  // namespace lacuna::bench
