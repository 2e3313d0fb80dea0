#include "sequential.h"

namespace lacuna {

Tensor Sequential::forward(Context& context, const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i < layers_.size(); i++) {
    auto* layer = dynamic_cast<FusableLayer*>(layers_[i].get());
    auto* next = layer && i + 1 < layers_.size()
                     ? dynamic_cast<FusableActivation*>(layers_[i + 1].get())
                     : nullptr;
    if (next) {
      y = layer->forward(context, y, next->epilogue());
      i++;
    } else {
      y = layers_[i]->forward(context, y);
    }
  }
  return y;
}

}  // namespace lacuna
