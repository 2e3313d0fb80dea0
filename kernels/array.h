#pragma once
// What a kernel sees of a tensor: a pointer, a type, a shape. No ownership.
#include <initializer_list>
#include <ostream>
#include <string>

#include "dtype.h"
#include "error.h"

namespace lacuna {

enum class DeviceType : std::uint8_t { cpu, cuda, emu };

struct Device {
  DeviceType type = DeviceType::cpu;
  std::int8_t index = 0;
  friend bool operator==(const Device&, const Device&) = default;
};

/// "cpu", "emu", "cuda:0".
std::string to_string(Device device);
/// The device of such a text; "cuda" is the first one. Errors: no such name or number.
Device parse_device(const std::string& text);
inline std::ostream& operator<<(std::ostream& out, Device d) { return out << to_string(d); }

/// Work on one device happens in the order of its stream. Null is the backend's default stream.
struct Stream {
  void* handle = nullptr;
};

inline constexpr int kMaxDims = 8;

struct Array {
  void* data = nullptr;
  std::int64_t shape[kMaxDims] = {};
  std::int64_t strides[kMaxDims] = {};  // in elements
  std::int8_t ndim = 0;
  Dtype dtype = Dtype::f32;
  Device device;

  /// False for an optional argument that was not given.
  explicit operator bool() const { return ndim != 0 || data != nullptr; }

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  std::int64_t size() const {
    std::int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= shape[i];
    return n;
  }
  /// Size of dimension i; negative i counts from the back.
  std::int64_t dim(int i) const { return shape[i < 0 ? i + ndim : i]; }
  bool contiguous() const {
    std::int64_t expected = 1;
    for (int i = ndim - 1; i >= 0; i--) {
      if (shape[i] != 1 && strides[i] != expected) return false;
      expected *= shape[i];
    }
    return true;
  }
};

/// "input (8, 3, 32, 32) f32 cpu"; " strided" is added where it is not contiguous.
std::string describe(const char* name, const Array& a);

/// A named argument, for the checks below.
struct Arg {
  const char* name;
  const Array& array;
};

/// The arrays that check() hands to the checks below, each once and in order: "x (8, 128) f32 cuda:0, y ...".
std::string arguments_of(void (*check)(const void*), const void* args);

/// Every given array is on the device of the first; absent (optional) ones are passed over.
void check_same_device(const char* op, std::initializer_list<Arg> args);
/// Every given array has the dtype of the first.
void check_same_dtype(const char* op, std::initializer_list<Arg> args);
/// Every given array has the shape of the first.
void check_same_shape(const char* op, std::initializer_list<Arg> args);
/// Every given array is contiguous in row-major order.
void check_contiguous(const char* op, std::initializer_list<Arg> args);
/// Every given array is f32, f64 on cpu, or bf16 on cuda and emu.
void check_float_dtype(const char* op, std::initializer_list<Arg> args);
/// Every given array is f32, or f64 on cpu: arguments that are never stored as bf16.
void check_f32_dtype(const char* op, std::initializer_list<Arg> args);
/// The same device, dtype and contiguity, and a dtype as above: what most kernels ask for.
void check_float_arrays(const char* op, std::initializer_list<Arg> args);
/// Every given array is contiguous, on x's device and of the dtype that parameters and statistics have beside x.
void check_statistics(const char* op, Arg x, std::initializer_list<Arg> args);

}  // namespace lacuna
