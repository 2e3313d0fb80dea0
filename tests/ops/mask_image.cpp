// Cases of mask_image: what is hidden is filled, and what is not is the picture. Its laws are in tests/core/mask_image.cpp.
#include "../../core/ops/mask_image.h"

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "case.h"

namespace lacuna::test {
namespace {

MaskedImage masked(const Tensor& pixels, MaskKind kind, Dtype dtype) {
  MaskOptions options;
  options.kind = kind;
  return mask_image(pixels, options, Context{}, "test", dtype);
}

void mask_case(const std::string& name, const Shape& shape, MaskKind kind) {
  // The second input says which dtype is under test: pixels are always u8.
  add({.name = "mask_image/" + name,
       .inputs = {{shape, 0, 256, Dtype::u8, false}, {{1}}},
       .apply =
           [kind](const Tensors& x) {
             const MaskedImage m = masked(x[0], kind, x[1].dtype());
             return concat({m.target, m.masked});
           },
       .reference =
           [kind](const Tensors& x) {
             const auto hidden = masked(x[0], kind, Dtype::f64).hidden.to_vector<double>();
             std::vector<double> y;
             for (const double pixel : x[0].to_vector<double>()) y.push_back(pixel / 127.5 - 1);
             for (std::size_t i = 0; i < hidden.size(); i++) y.push_back(hidden[i] ? 0 : y[i]);
             return y;
           },
       .gradient = false});
}

const Register cases([] {
  mask_case("none", {2, 8, 9, 3}, MaskKind::none);
  mask_case("value", {2, 8, 9, 3}, MaskKind::value);
  mask_case("pixel", {2, 8, 9, 3}, MaskKind::pixel);
  mask_case("block", {2, 8, 9, 3}, MaskKind::block);
  mask_case("centre", {2, 8, 9, 3}, MaskKind::centre);
  mask_case("region", {2, 8, 9, 3}, MaskKind::region);
  for (int n : kSizes) {
    mask_case("batch=" + std::to_string(n), {n, 2, 2, 3}, MaskKind::value);
    if (n > 0) mask_case("width=" + std::to_string(n), {1, 2, n, 3}, MaskKind::value);
  }
});

}  // namespace
}  // namespace lacuna::test
