#include "safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "files.h"
#include "ops/shape.h"
#include "tape.h"

namespace lacuna {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the limit of the format's own reader
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are copied as they are");

template <class... Parts>
[[noreturn]] void malformed(const std::string& file, const Parts&... parts) {
  fail("safetensors", '"', file, "\": ", parts...);
}

struct Kind {
  const char* name;
  Dtype dtype;
  std::size_t bytes;  // of one element in the file
};
constexpr Kind kKinds[] = {{"F64", Dtype::f64, 8}, {"I64", Dtype::i64, 8},
                           {"F32", Dtype::f32, 4}, {"I32", Dtype::i32, 4},
                           {"F16", Dtype::f32, 2}, {"BF16", Dtype::bf16, 2},
                           {"U8", Dtype::u8, 1},   {"BOOL", Dtype::boolean, 1}};

const Kind& kind_of(Dtype dtype) {
  return *std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) {
    return k.dtype == dtype && k.bytes == size_of(dtype);
  });
}

float float_of_half(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t{h & 0x8000u} << 16, mantissa = h & 0x3FFu;
  const std::uint32_t exponent = h >> 10 & 0x1Fu;
  std::uint32_t bits;
  float value;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24, exact in f32
    value = static_cast<float>(mantissa) * 0x1p-24f;
    std::memcpy(&bits, &value, 4);
    bits |= sign;
  } else {
    bits = sign | (exponent == 31 ? 0xFFu : exponent + 112) << 23 | mantissa << 13;
  }
  std::memcpy(&value, &bits, 4);
  return value;
}

struct Entry {
  std::string name;
  const Kind* kind;
  Shape shape;
  std::uint64_t begin, end;  // in the values
};

struct Header {
  std::vector<Entry> entries;  // in the order of the values
  std::map<std::string, std::string> metadata;
  std::string_view values;
};

// JSON that forbids the same key twice in one object, which the parser alone would let pass.
json parse_json(std::string_view text, const std::string& file) {
  std::vector<std::set<std::string>> keys;
  std::optional<std::string> twice;
  const json::parser_callback_t watch = [&](int, json::parse_event_t event, json& value) {
    switch (event) {
      case json::parse_event_t::object_start:
        keys.emplace_back();
        break;
      case json::parse_event_t::object_end:
        keys.pop_back();
        break;
      case json::parse_event_t::key:
        if (!keys.back().insert(value.get<std::string>()).second && !twice)
          twice = value.get<std::string>();
        break;
      default:
        break;
    }
    return true;
  };
  json header;
  try {
    header = json::parse(text.begin(), text.end(), watch);
  } catch (const json::exception& e) {
    malformed(file, "the header is not JSON: ", e.what());
  }
  if (twice) malformed(file, "the header has the name \"", *twice, "\" twice");
  if (!header.is_object()) malformed(file, "the header is not a JSON object");
  return header;
}

Entry parse_entry(const std::string& name, const json& about, std::uint64_t room,
                  const std::string& file) {
  const auto bad = [&](const auto&... parts) {
    malformed(file, "tensor \"", name, "\": ", parts...);
  };
  if (!about.is_object()) bad("its entry is not a JSON object");
  for (const auto& [key, value] : about.items())
    if (key != "dtype" && key != "shape" && key != "data_offsets")
      bad("its entry has an unknown key \"", key, '"');
  const auto dtype = about.find("dtype"), sizes = about.find("shape"),
             offsets = about.find("data_offsets");
  if (dtype == about.end() || !dtype->is_string()) bad("it has no dtype");
  if (sizes == about.end() || !sizes->is_array()) bad("it has no shape");
  const auto is_count = [](const json& v) { return v.is_number_unsigned(); };
  if (offsets == about.end() || !offsets->is_array() || offsets->size() != 2 ||
      !is_count((*offsets)[0]) || !is_count((*offsets)[1]))
    bad("its data_offsets are not two counts");

  Entry entry{
      name, nullptr, {}, (*offsets)[0].get<std::uint64_t>(), (*offsets)[1].get<std::uint64_t>()};
  const auto kind = std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& k) {
    return dtype->get_ref<const std::string&>() == k.name;
  });
  if (kind == std::end(kKinds))
    bad("dtype ", dtype->dump(-1, ' ', false, json::error_handler_t::replace),
        " is not one of F64, I64, F32, I32, F16, BF16, U8, BOOL");
  entry.kind = &*kind;
  if (sizes->size() > kMaxDims)
    bad("it has ", sizes->size(), " dimensions, at most ", kMaxDims, " are supported");
  std::int64_t extent =
      static_cast<std::int64_t>(kind->bytes);  // were sizes of 0 ones: strides must fit, too
  bool empty = false;
  for (const json& size : *sizes) {
    if (!is_count(size)) bad("its shape is not all counts");
    const auto n = size.get<std::uint64_t>();
    if (n > static_cast<std::uint64_t>(INT64_MAX) ||
        __builtin_mul_overflow(extent, std::max<std::int64_t>(1, static_cast<std::int64_t>(n)),
                               &extent))
      bad("its shape is too large");
    empty |= n == 0;
    entry.shape.push_back(static_cast<std::int64_t>(n));
  }
  const std::uint64_t bytes = empty ? 0 : static_cast<std::uint64_t>(extent);
  if (entry.begin > entry.end || entry.end > room)
    bad("its data_offsets [", entry.begin, ", ", entry.end, "] leave the file's ", room,
        " bytes of values");
  if (entry.end - entry.begin != bytes)
    bad("shape ", entry.shape, " of ", kind->name, " needs ", bytes,
        " bytes, its data_offsets give ", entry.end - entry.begin);
  return entry;
}

Header parse_header(std::string_view bytes, const std::string& file) {
  if (bytes.size() < 8)
    malformed(file, "too short for a safetensors file: ", bytes.size(), " bytes");
  std::uint64_t length;
  std::memcpy(&length, bytes.data(), 8);
  if (length > kMaxHeader)
    malformed(file, "not a safetensors file: its header would have ", length, " bytes");
  if (length > bytes.size() - 8)
    malformed(file, "truncated: its header has ", length, " bytes, ", bytes.size() - 8, " follow");
  Header header;
  header.values = bytes.substr(8 + length);
  const json all = parse_json(bytes.substr(8, length), file);
  for (const auto& [name, about] : all.items()) {
    if (name != "__metadata__") {
      header.entries.push_back(parse_entry(name, about, header.values.size(), file));
      continue;
    }
    if (!about.is_object()) malformed(file, "__metadata__ is not a JSON object");
    for (const auto& [key, value] : about.items()) {
      if (!value.is_string()) malformed(file, "metadata \"", key, "\" is not text");
      header.metadata[key] = value.get<std::string>();
    }
  }
  // Every byte of the values belongs to exactly one tensor.
  std::sort(header.entries.begin(), header.entries.end(), [](const Entry& a, const Entry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t at = 0;
  for (const Entry& entry : header.entries) {
    if (entry.begin != at)
      malformed(file, "tensor \"", entry.name, "\" begins at byte ", entry.begin,
                entry.begin < at ? ", inside the one before it, which ends at "
                                 : ", a gap after the one before it, which ends at ",
                at);
    at = entry.end;
  }
  if (at != header.values.size())
    malformed(file, header.values.size() - at, " bytes after the last tensor");
  return header;
}

Tensor read_values(const Entry& entry, const char* values, const std::string& file) {
  Tensor t = Tensor::empty(entry.shape, entry.kind->dtype);
  const std::int64_t n = t.numel();
  if (n == 0) return t;
  const char* from = values + entry.begin;
  if (entry.kind->bytes != size_of(t.dtype())) {  // F16
    for (std::int64_t i = 0; i < n; i++) {
      std::uint16_t half;
      std::memcpy(&half, from + 2 * i, 2);
      t.data<float>()[i] = float_of_half(half);
    }
    return t;
  }
  if (t.dtype() == Dtype::boolean)
    for (std::int64_t i = 0; i < n; i++)
      if (static_cast<unsigned char>(from[i]) > 1)
        malformed(file, "tensor \"", entry.name, "\": a BOOL is neither 0 nor 1");
  std::memcpy(t.array().data, from, entry.end - entry.begin);
  return t;
}

}  // namespace

Safetensors parse_safetensors(std::string_view bytes, const std::string& name,
                              std::string_view prefix) {
  Header header = parse_header(bytes, name);
  Safetensors out;
  out.metadata = std::move(header.metadata);
  for (const Entry& entry : header.entries)
    if (entry.name.starts_with(prefix))
      out.tensors[entry.name] = read_values(entry, header.values.data(), name);
  return out;
}

Safetensors read_safetensors(const std::string& path, std::string_view prefix) {
  const MappedFile file(path);
  return parse_safetensors(file.bytes(), path, prefix);
}

std::map<std::string, std::string> read_safetensors_metadata(const std::string& path) {
  const MappedFile file(path);
  return parse_header(file.bytes(), path).metadata;
}

void write_safetensors(const std::string& path, const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  NoGrad guard;
  struct Item {
    const std::string* name;
    Tensor tensor;
  };
  std::vector<Item> items;
  for (const auto& [name, tensor] : tensors) {
    LACUNA_CHECK(tensor.defined(), "safetensors", "tensor \"", name, "\" is undefined");
    LACUNA_CHECK(name != "__metadata__", "safetensors", "a tensor cannot be named __metadata__");
    items.push_back({&name, tensor.detach()});
  }
  // Wide types first: every tensor then begins at a multiple of its element's size.
  std::stable_sort(items.begin(), items.end(), [](const Item& a, const Item& b) {
    return size_of(a.tensor.dtype()) > size_of(b.tensor.dtype());
  });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const Item& item : items) {
    const std::uint64_t bytes = item.tensor.numel() * size_of(item.tensor.dtype());
    auto& entry = header[*item.name];
    entry["dtype"] = kind_of(item.tensor.dtype()).name;
    entry["shape"] =
        std::vector<std::int64_t>(item.tensor.shape().begin(), item.tensor.shape().end());
    entry["data_offsets"] = {at, at + bytes};
    at += bytes;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception&) {
    fail("safetensors", "names and metadata must be UTF-8, writing \"", path, '"');
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  LACUNA_CHECK(text.size() <= kMaxHeader, "safetensors", "names and metadata must stay below ",
               kMaxHeader, " bytes: got ", text.size(), ", writing \"", path, '"');

  AtomicFile file(path);
  const std::uint64_t length = text.size();
  file.write(&length, 8);
  file.write(text.data(), text.size());
  for (const Item& item : items) {
    const Tensor packed = to(contiguous(item.tensor), Device{});
    file.write(packed.array().data, packed.numel() * size_of(packed.dtype()));
  }
  file.commit();
}

}  // namespace lacuna
