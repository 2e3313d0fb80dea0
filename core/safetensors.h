#pragma once
// Files of named tensors in the safetensors format (github.com/huggingface/safetensors): eight bytes of header length,
// little-endian; a JSON header {"name": {"dtype", "shape", "data_offsets"}, ..., "__metadata__": {"key": "text"}}; then
// the values, row-major and little-endian, back to back.
//   dtypes  F32 BF16 F64 I32 I64 U8 BOOL; F16 is read as f32
// Reading is strict: whatever is malformed is an Error that names the file and says what is wrong. Writing goes through a
// temporary file (core/files.h), so that a full disk or a crash leaves the file of before.
#include <map>
#include <string>
#include <string_view>

#include "tensor.h"

namespace lacuna {

struct Safetensors {
  std::map<std::string, Tensor> tensors;        // on cpu, each with its own storage
  std::map<std::string, std::string> metadata;  // UTF-8
};

/// Only tensors whose names begin with `prefix` are copied; names stay whole.
Safetensors read_safetensors(const std::string& path, std::string_view prefix = "");
/// The metadata alone: reads the header only.
std::map<std::string, std::string> read_safetensors_metadata(const std::string& path);
/// The same from bytes in memory; `name` stands for the file in errors.
Safetensors parse_safetensors(std::string_view bytes, const std::string& name,
                              std::string_view prefix = "");

/// Tensors may be on any device and strided. The file's bytes depend on the contents alone; values are aligned to their
/// size. Throws as AtomicFile does, and where a tensor is undefined or text is not UTF-8.
void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace lacuna
