#pragma once
// The training steps that are compared; bench/torch_step.py has their twins.
#include <functional>
#include <string>

namespace lacuna::bench {

/// A step of such a model on a batch of so many samples, which gives its loss; null for an unknown name.
///   autoencoder  the inpainting recipe on 32x32 pictures
///   gpt          nanoGPT's setting for a processor: 4 layers of 128, 4 heads, 64 tokens of 65 kinds, no biases, AdamW, clipping
///   gpt-384      its larger one: 6 layers of 384, 6 heads, 256 tokens; without dropout
///   simclr       ResNet-18 with the stem for small pictures and a head of 512, 1024, 128 on two views of each sample, which are
///                given; NT-Xent, SGD with momentum, decay of matrices only
///   bert-mini    4 layers of 256, 4 heads, 128 tokens of 30,522 kinds, hidden tokens and next sentences, dropout 0.1, AdamW
std::function<double()> make_step(const std::string& name, std::int64_t batch);

}  // namespace lacuna::bench
