#pragma once
// Layers one after another. Children are named 0, 1, 2, ... as in PyTorch.
//
//   Sequential encoder(Conv2d({.in = 3, .out = 64, .kernel = 3, .padding = 1}), ReLU(), MaxPool2d({.kernel = 2}));
//
// An activation that follows a convolution or a linear layer is handed to that layer's kernel, which applies it before the
// result leaves the registers; the values are the same, a pass over memory is saved. So it is where a BatchNorm in training
// follows a convolution, which hands it the moments of its result, and a ReLU after that.
#include <memory>
#include <type_traits>

#include "../core/ops/batch_norm.h"
#include "../kernels/epilogue.h"
#include "module.h"

namespace lacuna {

/// A layer whose kernel can apply an activation to its result.
class FusableLayer : public Module {
 public:
  virtual Tensor forward(Context& context, const Tensor& x, Epilogue activation) = 0;
  Tensor forward(Context& context, const Tensor& x) override {
    return forward(context, x, Epilogue::none);
  }
  /// The same, with the moments of the result where the kernel can take them on its way; else they stay undefined.
  virtual Tensor forward(Context& context, const Tensor& x, ChannelMoments&) {
    return forward(context, x);
  }
};

/// A layer that is nothing but such an activation.
class FusableActivation : public Module {
 public:
  virtual Epilogue epilogue() const = 0;
};

class Sequential : public Module {
 public:
  template <class... Layers>
  requires(std::is_base_of_v<Module, Layers>&&...) explicit Sequential(Layers&&... layers) {
    (add(std::move(layers)), ...);
  }

  /// Appends a layer, and gives back where it now lives.
  template <class Layer>
  requires std::is_base_of_v<Module, Layer> Layer& add(Layer&& layer) {
    auto owned = std::make_unique<Layer>(std::move(layer));
    Layer& there = *owned;
    layers_.push_back(std::move(owned));
    return there;
  }
  /// Appends a layer made elsewhere.
  void add(std::unique_ptr<Module> layer) { layers_.push_back(std::move(layer)); }

  std::int64_t size() const { return static_cast<std::int64_t>(layers_.size()); }
  Module& operator[](std::int64_t i) { return *layers_.at(i); }

  Tensor forward(Context& context, const Tensor& x) override;
  void members(Members& m) override {
    for (std::size_t i = 0; i < layers_.size(); i++) m.child(std::to_string(i), *layers_[i]);
  }

 private:
  std::vector<std::unique_ptr<Module>> layers_;
};

}  // namespace lacuna
