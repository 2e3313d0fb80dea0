#include "sequential.h"

#include "layers/activation.h"
#include "layers/batch_norm.h"

namespace lacuna {

Tensor Sequential::forward(Context& context, const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i < layers_.size(); i++) {
    auto* layer = dynamic_cast<FusableLayer*>(layers_[i].get());
    Module* next = layer && i + 1 < layers_.size() ? layers_[i + 1].get() : nullptr;
    auto* norm = dynamic_cast<BatchNorm*>(next);
    if (auto* activation = dynamic_cast<FusableActivation*>(next)) {
      y = layer->forward(context, y, activation->epilogue());
      i++;
    } else if (norm && norm->of_batch(context)) {
      auto* relu = i + 2 < layers_.size() ? dynamic_cast<ReLU*>(layers_[i + 2].get()) : nullptr;
      ChannelMoments moments;
      y = layer->forward(context, y, moments);
      y = norm->forward(context, y, moments, relu ? Epilogue::relu : Epilogue::none);
      i += relu ? 2 : 1;
    } else {
      y = layers_[i]->forward(context, y);
    }
  }
  return y;
}

}  // namespace lacuna
