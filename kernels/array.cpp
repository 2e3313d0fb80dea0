#include "array.h"

#include <charconv>
#include <cstring>
#include <vector>

namespace lacuna {

std::string to_string(Device d) {
  switch (d.type) {
    case DeviceType::cpu:
      return "cpu";
    case DeviceType::emu:
      return "emu";
    case DeviceType::cuda:
      return "cuda:" + std::to_string(d.index);
  }
  return "?";
}

Device parse_device(const std::string& text) {
  const std::string name = text.substr(0, text.find(':'));
  Device device;
  if (name == "cuda")
    device.type = DeviceType::cuda;
  else if (name == "emu")
    device.type = DeviceType::emu;
  else
    LACUNA_CHECK(name == "cpu", "device", "no device \"", text,
                 "\": there are cpu, cuda, cuda:1, ... and emu");
  if (name.size() == text.size()) return device;
  LACUNA_CHECK(device.type == DeviceType::cuda, "device", "only cuda devices have numbers: got \"",
               text, '"');
  int index = -1;
  const char *begin = text.data() + name.size() + 1, *end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, index);
  LACUNA_CHECK(error == std::errc() && stop == end && index >= 0 && index < 128, "device",
               "the number of a device is 0, 1, ...: got \"", text, "\"");
  device.index = static_cast<std::int8_t>(index);
  return device;
}

std::string describe(const char* name, const Array& a) {
  std::string text = std::string(name) + " (";
  for (int i = 0; i < a.ndim; i++) text += (i ? ", " : "") + std::to_string(a.shape[i]);
  text += std::string(") ") + name_of(a.dtype) + " " + to_string(a.device);
  return a.contiguous() ? text : text + " strided";
}

namespace {
// Where the checks write down what they were given, while somebody asks.
struct Listing {
  std::vector<const char*> names;
  std::string text;
  void add(const Arg& arg) {
    for (const char* name : names)
      if (std::strcmp(name, arg.name) == 0) return;
    names.push_back(arg.name);
    text += (text.empty() ? "" : ", ") + describe(arg.name, arg.array);
  }
};
thread_local Listing* listing = nullptr;

void list(std::initializer_list<Arg> args) {
  if (!listing) return;
  for (const Arg& arg : args)
    if (arg.array) listing->add(arg);
}

std::string describe_all(std::initializer_list<Arg> args) {
  std::string text;
  for (const Arg& arg : args)
    if (arg.array) text += (text.empty() ? "" : ", ") + describe(arg.name, arg.array);
  return text;
}

template <class Same>
void check_against_first(const char* op, std::initializer_list<Arg> args, const char* rule,
                         Same same) {
  list(args);
  const Array* first = nullptr;
  for (const Arg& arg : args) {
    if (!arg.array) continue;
    if (!first) first = &arg.array;
    LACUNA_CHECK(same(*first, arg.array), op, rule, ": got ", describe_all(args));
  }
}
}  // namespace

std::string arguments_of(void (*check)(const void*), const void* args) {
  Listing found;
  listing = &found;
  try {
    check(args);
  } catch (const Error&) {  // what was found until then
  }
  listing = nullptr;
  return found.text;
}

void check_same_device(const char* op, std::initializer_list<Arg> args) {
  check_against_first(op, args, "arguments must be on one device",
                      [](const Array& a, const Array& b) { return a.device == b.device; });
}

void check_same_dtype(const char* op, std::initializer_list<Arg> args) {
  check_against_first(op, args, "arguments must have one dtype",
                      [](const Array& a, const Array& b) { return a.dtype == b.dtype; });
}

void check_same_shape(const char* op, std::initializer_list<Arg> args) {
  check_against_first(op, args, "arguments must have one shape",
                      [](const Array& a, const Array& b) {
                        if (a.ndim != b.ndim) return false;
                        for (int i = 0; i < a.ndim; i++)
                          if (a.shape[i] != b.shape[i]) return false;
                        return true;
                      });
}

void check_contiguous(const char* op, std::initializer_list<Arg> args) {
  list(args);
  for (const Arg& arg : args)
    LACUNA_CHECK(!arg.array || arg.array.contiguous(), op, arg.name, " must be contiguous: got ",
                 describe_all(args));
}

void check_float_arrays(const char* op, std::initializer_list<Arg> args) {
  check_same_device(op, args);
  check_same_dtype(op, args);
  check_contiguous(op, args);
  check_float_dtype(op, args);
}

void check_float_dtype(const char* op, std::initializer_list<Arg> args) {
  list(args);
  for (const Arg& arg : args) {
    if (!arg.array) continue;
    const bool ok = arg.array.dtype == Dtype::f32 ||
                    (arg.array.dtype == Dtype::f64) == (arg.array.device.type == DeviceType::cpu);
    LACUNA_CHECK(ok && is_floating(arg.array.dtype), op,
                 "floating-point arguments only (f32; f64 on cpu; bf16 on cuda and emu): got ",
                 describe_all(args));
  }
}

void check_statistics(const char* op, Arg x, std::initializer_list<Arg> args) {
  const Dtype dtype = statistics_dtype(x.array.dtype);
  for (const Arg& arg : args) {
    if (!arg.array) continue;
    check_same_device(op, {x, arg});
    LACUNA_CHECK(arg.array.dtype == dtype, op, arg.name, " must be ", name_of(dtype), " where ",
                 x.name, " is ", name_of(x.array.dtype), ": got ", describe_all({x, arg}));
    check_contiguous(op, {arg});
  }
}

void check_f32_dtype(const char* op, std::initializer_list<Arg> args) {
  list(args);
  for (const Arg& arg : args)
    LACUNA_CHECK(!arg.array || arg.array.dtype == Dtype::f32 ||
                     (arg.array.dtype == Dtype::f64 && arg.array.device.type == DeviceType::cpu),
                 op, "takes f32 (or f64 on cpu): got ", describe_all(args));
}

}  // namespace lacuna
