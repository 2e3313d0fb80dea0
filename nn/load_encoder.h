#pragma once
// An encoder out of a checkpoint, in one call:
//
//   std::unique_ptr<Module> encoder = load_encoder("run/checkpoint.safetensors");
//   Context context{.training = false};
//   Tensor code = encoder->forward(context, images);
#include <memory>
#include <string>

#include "module.h"

namespace lacuna {

/// Builds the backbone that the file's metadata "encoder" describes (Module::architecture) and loads the tensors that are
/// named model.encoder.*; nothing else of the file is copied. Parameters are frozen: call requires_grad(true) on it to train
/// on. Errors name the file: not a checkpoint, an unknown backbone, tensors that do not fit.
std::unique_ptr<Module> load_encoder(const std::string& path, Device device = {});

}  // namespace lacuna
