#include "shadow.h"

#include "../kernels/copy.h"

namespace lacuna {
namespace {

std::int64_t elements(const Storage& storage) {
  return static_cast<std::int64_t>(storage.bytes() / size_of(Dtype::f32));
}

Tensor flat(const std::shared_ptr<Storage>& storage, Dtype dtype, std::int64_t n) {
  return Tensor(storage, {n}, {1}, 0, dtype);
}

}  // namespace

Tensor beside(const Tensor& parameter, Dtype activations) {
  if (!parameter.defined() || parameter.dtype() != Dtype::f32 || activations != Dtype::bf16)
    return parameter;
  const std::shared_ptr<Storage>& storage = parameter.storage();
  Storage::Shadow& shadow = storage->shadow();
  if (!shadow.storage || shadow.version != storage->version()) {
    const std::int64_t n = elements(*storage);
    if (!shadow.storage)
      shadow.storage = std::make_shared<Storage>(n * size_of(Dtype::bf16), storage->device());
    shadow.storage->bump_version();
    run<&KernelTable::copy>(
        Copy{flat(shadow.storage, Dtype::bf16, n).array(), flat(storage, Dtype::f32, n).array()},
        storage->device());
    shadow.version = storage->version();
  }
  return Tensor(shadow.storage, parameter.shape(), parameter.strides(), parameter.offset(),
                Dtype::bf16);
}

Array shadow_to_write(const Tensor& parameter) {
  const std::shared_ptr<Storage>& storage = parameter.storage();
  Storage::Shadow& shadow = storage->shadow();
  const bool whole =
      parameter.is_contiguous() && parameter.numel() == elements(*storage) && shadow.storage;
  if (!whole) return {};
  shadow.storage->bump_version();
  shadow.version = storage->version();
  return Tensor(shadow.storage, parameter.shape(), parameter.strides(), 0, Dtype::bf16).array();
}

}  // namespace lacuna
