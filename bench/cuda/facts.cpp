#include "facts.h"

#include <cstdio>

#include "cublaslt.h"

namespace lacuna::bench {

nlohmann::ordered_json facts(const Roof& roof) {
  cudaDeviceProp device{};
  check(cudaGetDeviceProperties(&device, 0), "cudaGetDeviceProperties");
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  return {{"device", device.name},
          {"driver", driver},
          {"runtime", runtime},
          {"cublaslt", CublasLt::version()},
          {"copy_bytes_per_second", roof.copy_bytes},
          {"bf16_flops", roof.bf16_flops},
          {"tf32_flops", roof.tf32_flops},
          {"f32_flops", roof.f32_flops}};
}

Roof roof_of(const std::string& json) {
  const auto facts = nlohmann::json::parse(json);
  return {facts.at("copy_bytes_per_second"), facts.at("f32_flops"), facts.at("tf32_flops"),
          facts.at("bf16_flops")};
}

std::string number(double v, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, v);
  return text;
}

}  // namespace lacuna::bench
