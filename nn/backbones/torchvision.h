#pragma once
// Weights of torchvision's ResNets, and ours. Names agree; there a convolution's weight is (out, in, kh, kw), each norm counts
// its batches (num_batches_tracked, which nothing here asks for), and a linear layer of classes (fc) ends the network.
#include "../state.h"
#include "resnet.h"

namespace lacuna {

/// Whether the names are those of such a network.
bool is_torchvision_resnet(const StateDict& theirs);

/// Their tensors as model.encoder has them: "encoder." before the names. The fc is left out.
StateDict from_torchvision(const StateDict& theirs);

/// "encoder.*" of ours under their names, for load_state_dict() of a torchvision ResNet whose fc is an nn.Identity() (and, with the
/// stem for small pictures, conv1 a 3x3 convolution and maxpool an nn.Identity()). `batches` is what norms are to have counted.
StateDict to_torchvision(const StateDict& ours, std::int64_t batches = 0);

/// What such a network was made with, from its shapes under our names with "encoder.". Fails where no ResNet here has them.
ResNetOptions resnet_options_of(const StateDict& ours);

}  // namespace lacuna
