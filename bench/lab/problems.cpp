// The shapes: small ones whose sizes are no multiples of a tile, and the anchors.
#include <cmath>

#include "../../kernels/row_major.h"
#include "course.h"

namespace lacuna::lab {
namespace {

using Given = std::vector<Array>;

std::string joined(std::initializer_list<std::int64_t> sizes, const char* with = "x") {
  std::string text;
  for (const std::int64_t s : sizes) text += (text.empty() ? "" : with) + std::to_string(s);
  return text;
}

/// c (m, n) = a (m, k) times the transpose of w (n, k): a linear layer.
Problem<Matmul> gemm(std::int64_t m, std::int64_t n, std::int64_t k) {
  return {joined({m, n, k}),
          1,
          {{{m, n}}, {{m, k}}, {{n, k}}},
          2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k),
          [](const Given& a) {
            return Matmul{a[0], a[1], transposed(a[2]), {}};
          }};
}

struct Layer {
  std::int64_t n, size, ci, co, stride = 1, kernel = 3, padding = 1;  // size x size pixels
};

Problem<Conv2dForward> conv(const Layer& l) {
  Window2d window;
  for (int axis = 0; axis < 2; axis++)
    window.stride[axis] = l.stride, window.padding[axis] = l.padding;
  const std::int64_t out = window.output(l.size, l.kernel, 0);
  return {
      joined({l.ci, l.co}, "->") + " " + joined({l.size, l.size}) + " batch " +
          std::to_string(l.n) + (l.stride > 1 ? " stride " + std::to_string(l.stride) : ""),
      1,
      {{{l.n, out, out, l.co}}, {{l.n, l.size, l.size, l.ci}}, {{l.co, l.kernel, l.kernel, l.ci}}},
      2.0 * static_cast<double>(l.n * out * out * l.co) *
          static_cast<double>(l.kernel * l.kernel * l.ci),
      [window](const Given& a) {
        return Conv2dForward{a[0], a[1], a[2], {}, window};
      }};
}

Problem<AttentionForward> attention(std::int64_t b, std::int64_t h, std::int64_t sq,
                                    std::int64_t sk, std::int64_t d) {
  const std::vector<std::int64_t> queries{b, h, sq, d}, keys{b, h, sk, d};
  return {joined({b, h, sq, sk, d}),
          2,
          {{queries}, {{b, h, sq}, Dtype::f32}, {queries}, {keys}, {keys}},
          4.0 * static_cast<double>(b * h * sq) * static_cast<double>(sk * d),
          [d](const Given& a) {
            const double scale = 1 / std::sqrt(static_cast<double>(d));
            return AttentionForward{a[0], a[1], a[2], a[3], a[4], scale};
          }};
}

// The positive of a row is the column after its own. Rows are not of length 1 here: the temperature makes up for it, so
// that scores are about as large as SimCLR's.
Problem<InfoNceForward> info_nce(std::int64_t m, std::int64_t count, std::int64_t depth,
                                 std::int64_t self) {
  std::vector<std::int64_t> positive;
  for (std::int64_t i = 0; i < m; i++) positive.push_back((self + i + 1) % count);
  return {joined({m, count, depth}) + (self < 0 ? "" : " self " + std::to_string(self)),
          2,
          {{{m}, Dtype::f32},
           {{m}, Dtype::f32},
           {{m, depth}},
           {{count, depth}},
           {{m}, Dtype::i64, positive}},
          2.0 * static_cast<double>(m) * static_cast<double>(count) * static_cast<double>(depth),
          [depth, self](const Given& a) {
            return InfoNceForward{
                a[0], a[1], a[2], a[3], a[4], std::sqrt(static_cast<double>(depth)) / 3, self};
          }};
}

}  // namespace

std::vector<Problem<Matmul>> Family<Matmul>::small() {
  return {gemm(1, 1, 1),     gemm(33, 45, 70), gemm(130, 67, 40),
          gemm(64, 132, 33), gemm(5, 3, 257),  gemm(130, 72, 136)};
}
std::vector<Problem<Matmul>> Family<Matmul>::anchors() {
  return {gemm(4096, 4096, 4096), gemm(8192, 8192, 8192)};
}

std::vector<Problem<Conv2dForward>> Family<Conv2dForward>::small() {
  return {conv({2, 5, 3, 5}), conv({2, 9, 16, 70}), conv({3, 8, 8, 64, 2}),
          conv({1, 6, 7, 2, 1, 5, 0})};
}
std::vector<Problem<Conv2dForward>> Family<Conv2dForward>::anchors() {
  return {conv({256, 56, 64, 64}), conv({256, 28, 128, 128}), conv({256, 14, 256, 256}),
          conv({256, 7, 512, 512})};
}

std::vector<Problem<AttentionForward>> Family<AttentionForward>::small() {
  return {attention(1, 1, 1, 1, 1),     attention(2, 3, 33, 70, 40), attention(1, 2, 65, 129, 64),
          attention(1, 1, 70, 40, 128), attention(1, 2, 5, 67, 31),  attention(1, 1, 7, 9, 100)};
}
std::vector<Problem<AttentionForward>> Family<AttentionForward>::anchors() {
  return {attention(1, 16, 8192, 8192, 128), attention(16, 12, 1024, 1024, 64)};
}

std::vector<Problem<InfoNceForward>> Family<InfoNceForward>::small() {
  return {info_nce(1, 2, 3, 0), info_nce(33, 70, 45, -1), info_nce(65, 130, 16, 3),
          info_nce(129, 129, 40, 0)};
}
std::vector<Problem<InfoNceForward>> Family<InfoNceForward>::anchors() {
  return {info_nce(8192, 8192, 128, 0), info_nce(1024, 1024, 128, 0)};
}

}  // namespace lacuna::lab
