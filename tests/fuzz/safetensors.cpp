// Any bytes at all, read as a safetensors file: tensors or an Error, nothing else.
#include "../../core/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    const auto file =
        lacuna::parse_safetensors({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const auto& [name, tensor] : file.tensors) tensor.to_vector<float>();
  } catch (const lacuna::Error&) {
  }
  return 0;
}
