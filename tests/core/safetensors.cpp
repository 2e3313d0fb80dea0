#include "../../core/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "../../core/files.h"
#include "../../core/ops/shape.h"

namespace lacuna {
namespace {

// A file's bytes from its header and values.
std::string file_of(const std::string& header, const std::string& values = "") {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + values;
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

std::string message(const std::string& bytes) {
  try {
    parse_safetensors(bytes, "dir/weights.safetensors");
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

void expect_malformed(const std::string& bytes, const std::string& part) {
  const std::string text = message(bytes);
  EXPECT_EQ(text.rfind("[safetensors] \"dir/weights.safetensors\": ", 0), 0u) << text;
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

struct Temporary {
  std::string path = (std::filesystem::temp_directory_path() /
                      ("lacuna_" + std::to_string(::getpid()) + ".safetensors"))
                         .string();
  ~Temporary() { std::filesystem::remove(path); }
};

}  // namespace

TEST(safetensors, what_is_written_is_read) {
  const float inf = std::numeric_limits<float>::infinity();
  std::map<std::string, Tensor> tensors;
  const Tensor f32 = Tensor::of({1.5f, -0.0f, inf, 1e-45f, 5, 6}, {2, 3});
  tensors["f32"] = f32;
  tensors["f64"] = Tensor::from(std::vector<double>{0.1, -1e300}, {2});
  tensors["bf16"] = to(Tensor::of({1, -2.5f, 3}, {3}), Dtype::bf16);
  tensors["i32"] = Tensor::from(std::vector<std::int32_t>{-1, INT32_MAX}, {2, 1});
  tensors["i64"] = Tensor::from(std::vector<std::int64_t>{INT64_MIN, 7}, {2});
  tensors["u8"] = Tensor::from(std::vector<std::uint8_t>{0, 255, 3}, {3});
  tensors["bool"] = Tensor::from(std::vector<bool>{true, false, true}, {3});
  tensors["scalar"] = Tensor::scalar(4);
  tensors["empty"] = Tensor::zeros({0, 5});
  tensors["strided"] = transpose(f32);
  const std::map<std::string, std::string> metadata{{"config", "{\"a\": \"\xC3\xA9\\n\"}"},
                                                    {"", ""}};
  const Temporary file;
  write_safetensors(file.path, tensors, metadata);
  const Safetensors back = read_safetensors(file.path);
  EXPECT_EQ(back.metadata, metadata);
  EXPECT_EQ(read_safetensors_metadata(file.path), metadata);
  ASSERT_EQ(back.tensors.size(), tensors.size());
  for (const auto& [name, t] : tensors) {
    const Tensor& got = back.tensors.at(name);
    EXPECT_EQ(got.dtype(), t.dtype()) << name;
    EXPECT_EQ(got.shape(), t.shape()) << name;
    const Tensor want = contiguous(t);
    EXPECT_EQ(std::memcmp(got.array().data, want.array().data, t.numel() * size_of(t.dtype())), 0)
        << name;
  }
  const Safetensors some = read_safetensors(file.path, "f");
  EXPECT_EQ(some.tensors.size(), 2u);
  EXPECT_EQ(some.tensors.count("f64"), 1u);
  const std::string first = read_file(file.path);
  write_safetensors(file.path, back.tensors, back.metadata);
  EXPECT_EQ(read_file(file.path), first);
}

TEST(safetensors, the_bytes_are_those_of_the_format) {
  const Temporary file;
  write_safetensors(
      file.path,
      {{"b", Tensor::of({1}, {1})}, {"a", Tensor::from(std::vector<std::uint8_t>{7}, {1})}},
      {{"k", "v"}});
  std::string header =
      R"({"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  EXPECT_EQ(read_file(file.path), file_of(header, std::string("\0\0\x80\x3F\x07", 5)));
  write_safetensors(file.path, {});
  EXPECT_EQ(read_file(file.path), file_of("{}      "));
  EXPECT_TRUE(read_safetensors(file.path).tensors.empty());
}

TEST(safetensors, half_precision_is_read_as_f32) {
  const std::uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x83FF, 0x7BFF,
                                  0x7C00, 0xFC00, 0x7E01, 0x8000};
  const std::string values(reinterpret_cast<const char*>(halves), sizeof halves);
  const Tensor t =
      parse_safetensors(file_of("{\"x\":" + entry("F16", "[9]", "[0,18]") + "}", values), "x")
          .tensors.at("x");
  EXPECT_EQ(t.dtype(), Dtype::f32);
  const auto v = t.to_vector<float>();
  const float inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ((std::vector<float>(v.begin(), v.begin() + 7)),
            (std::vector<float>{1, -2, 0x1p-24f, -0x1.FF8p-15f, 65504, inf, -inf}));
  EXPECT_TRUE(std::isnan(v[7]));
  EXPECT_TRUE(v[8] == 0 && std::signbit(v[8]));
}

TEST(safetensors, malformed_files_are_errors_that_name_the_file) {
  const std::string four(4, 'x'), eight(8, 'x');
  const auto one = [](const std::string& e) { return "{\"t\":" + e + "}"; };
  expect_malformed("", "too short for a safetensors file: 0 bytes");
  expect_malformed("1234567", "too short");
  expect_malformed(std::string("PK\3\4 and so on"), "not a safetensors file");
  expect_malformed(std::string("\x10\0\0\0\0\0\0\0{}", 10),
                   "truncated: its header has 16 bytes, 2 follow");
  expect_malformed(std::string(8, '\xFF'), "not a safetensors file");
  expect_malformed(file_of(""), "not JSON");
  expect_malformed(file_of("{\"t\":"), "not JSON");
  expect_malformed(file_of("{} {}"), "not JSON");
  expect_malformed(file_of("\xFF\xFE"), "not JSON");
  expect_malformed(file_of("[]"), "the header is not a JSON object");
  expect_malformed(file_of(one("3")), "tensor \"t\": its entry is not a JSON object");
  expect_malformed(file_of(one("{}")), "it has no dtype");
  expect_malformed(file_of(one("{\"dtype\":1}")), "it has no dtype");
  expect_malformed(file_of(one("{\"dtype\":\"F32\"}")), "it has no shape");
  expect_malformed(file_of(one("{\"dtype\":\"F32\",\"shape\":[]}")),
                   "data_offsets are not two counts");
  expect_malformed(
      file_of(one("{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4],\"x\":1}"), four),
      "unknown key \"x\"");
  expect_malformed(file_of(one(entry("F8_E4M3", "[4]", "[0,4]")), four),
                   "dtype \"F8_E4M3\" is not one of");
  expect_malformed(file_of(one(entry("F32", "[1.0]", "[0,4]")), four), "not all counts");
  expect_malformed(file_of(one(entry("F32", "[-1]", "[0,4]")), four), "not all counts");
  expect_malformed(file_of(one(entry("F32", "[1]", "[0,4,8]")), four), "not two counts");
  expect_malformed(file_of(one(entry("F32", "[1]", "[-4,0]")), four), "not two counts");
  expect_malformed(file_of(one(entry("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]")), four),
                   "9 dimensions, at most 8");
  expect_malformed(file_of(one(entry("F32", "[2]", "[0,4]")), four),
                   "shape (2) of F32 needs 8 bytes, its data_offsets give 4");
  expect_malformed(file_of(one(entry("F32", "[1]", "[4,0]")), four), "leave the file's 4 bytes");
  expect_malformed(file_of(one(entry("F32", "[2]", "[0,8]")), four), "leave the file's 4 bytes");
  expect_malformed(file_of(one(entry("F32", "[1]", "[0,18446744073709551615]")), four),
                   "leave the file's");
  expect_malformed(file_of(one(entry("F32", "[18446744073709551615]", "[0,4]")), four),
                   "too large");
  expect_malformed(file_of(one(entry("F32", "[4611686018427387904,4]", "[0,0]"))), "too large");
  expect_malformed(file_of(one(entry("F32", "[0,4611686018427387904,4]", "[0,0]"))), "too large");
  expect_malformed(file_of(one(entry("F32", "[1]", "[4,8]")), eight),
                   "begins at byte 4, a gap after");
  expect_malformed(file_of("{\"a\":" + entry("F32", "[1]", "[0,4]") +
                               ",\"b\":" + entry("U8", "[5]", "[3,8]") + "}",
                           eight),
                   "tensor \"b\" begins at byte 3, inside the one before it, which ends at 4");
  expect_malformed(file_of("{\"a\":" + entry("F32", "[1]", "[0,4]") +
                               ",\"b\":" + entry("F32", "[1]", "[0,4]") + "}",
                           four),
                   "inside the one before it");
  expect_malformed(file_of(one(entry("F32", "[1]", "[0,4]")), eight),
                   "4 bytes after the last tensor");
  expect_malformed(file_of("{\"t\":" + entry("F32", "[0]", "[0,0]") +
                           ",\"t\":" + entry("U8", "[0]", "[0,0]") + "}"),
                   "the name \"t\" twice");
  expect_malformed(file_of("{\"__metadata__\":{\"k\":\"a\",\"k\":\"b\"}}"), "the name \"k\" twice");
  expect_malformed(file_of("{\"__metadata__\":[]}"), "__metadata__ is not a JSON object");
  expect_malformed(file_of("{\"__metadata__\":{\"k\":1}}"), "metadata \"k\" is not text");
  expect_malformed(file_of(one(entry("BOOL", "[4]", "[0,4]")), four), "neither 0 nor 1");
}

TEST(safetensors, files_that_cannot_be_read_or_written_are_errors) {
  EXPECT_THROW(read_safetensors("/nonexistent/x.safetensors"), Error);
  EXPECT_THROW(write_safetensors("/nonexistent/x.safetensors", {}), Error);
  const Temporary file;
  EXPECT_THROW(write_safetensors(file.path, {{"t", Tensor()}}), Error);
  EXPECT_THROW(write_safetensors(file.path, {{"__metadata__", Tensor::zeros({1})}}), Error);
  EXPECT_THROW(write_safetensors(file.path, {}, {{"k", "\xFF"}}), Error);
  EXPECT_FALSE(std::filesystem::exists(file.path));
  EXPECT_FALSE(std::filesystem::exists(file.path + ".tmp"));
}

}  // namespace lacuna
