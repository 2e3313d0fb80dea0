#include "load_encoder.h"

#include "../core/safetensors.h"
#include "backbones/registry.h"

namespace lacuna {

std::unique_ptr<Module> load_encoder(const std::string& path, Device device) {
  const std::string prefix = "model.encoder.";
  const Safetensors file = read_safetensors(path, prefix);
  const auto described = file.metadata.find("encoder");
  LACUNA_CHECK(described != file.metadata.end() && !described->second.empty(), "load_encoder", '"',
               path,
               "\" does not say what encoder it holds (no \"encoder\" in its metadata): is it a "
               "checkpoint of lacuna train?");
  try {
    auto encoder = make_backbone(described->second);
    encoder->initialize(0, "encoder");
    encoder->load_state_dict(with_prefix(file.tensors, prefix));
    encoder->requires_grad(false);
    encoder->to(device);
    return encoder;
  } catch (const Error& e) {
    fail("load_encoder", '"', path, "\": ", e.what());
  }
}

}  // namespace lacuna
