// What the cases in tests/ops do not reach of gather and scatter_add on a device: bf16 and other types, uneven buffers, long
// runs of one destination, bad indices, any order of threads.
#include "../../kernels/index.h"

#include "../../kernels/embedding.h"
#include "kernel_check.h"

namespace lacuna::test {
namespace {

constexpr DeviceType kType = DeviceType::emu;

struct Shape {
  std::int64_t outer, n, m, inner;
  bool list = true;  // one index for every outer and inner place
  double skew = 1;   // above 1: small destinations come more often
  std::size_t skip = 0;
};

std::vector<std::int64_t> drawn_index(const Shape& s) {
  const std::size_t size = count({s.list ? 1 : s.outer, s.m, s.list ? 1 : s.inner});
  std::vector<std::int64_t> index;
  for (const float u : drawn(size, 9, 0, 1))
    index.push_back(std::min(
        s.n - 1, static_cast<std::int64_t>(std::pow(u, s.skew) * static_cast<double>(s.n))));
  return index;
}

Array seen_as_rows(Array index, const Shape& s) {
  if (!s.list) return index;
  Array a = row_major(index.data, Dtype::i64, index.device, {s.outer, s.m, s.inner});
  a.strides[0] = a.strides[2] = 0;
  a.strides[1] = 1;
  return a;
}

template <class T>
void check_gather(const Shape& s) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " inner " + std::to_string(s.inner));
  const Sizes from{s.outer, s.n, s.inner}, to{s.outer, s.m, s.inner};
  Twin<T> x(kType, from, drawn(count(from), 1, 0, 100), s.skip), y(kType, to, s.skip);
  Twin<std::int64_t> index(kType, s.list ? Sizes{s.m} : to, drawn_index(s));
  run_both<&KernelTable::gather>(kType, [&](bool device) {
    return Gather{y.on(device), x.on(device), seen_as_rows(index.on(device), s)};
  });
  y.expect_close("y", 0);
}

template <class T>
void check_scatter_add(const Shape& s) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " (" + std::to_string(s.outer) + ", " +
               std::to_string(s.n) + " <- " + std::to_string(s.m) + ", " + std::to_string(s.inner) +
               ")" + (s.list ? "" : " by element"));
  const Sizes into{s.outer, s.n, s.inner}, from{s.outer, s.m, s.inner};
  Twin<T> y(kType, into, drawn(count(into), 1), s.skip),
      source(kType, from, drawn(count(from), 2), s.skip);
  Twin<std::int64_t> index(kType, s.list ? Sizes{s.m} : from, drawn_index(s));
  run_both<&KernelTable::scatter_add>(kType, [&](bool device) {
    return ScatterAdd{y.on(device), source.on(device), seen_as_rows(index.on(device), s)};
  });
  y.expect_close("y", 3e-6);
}

TEST(EmuIndex, GatherAgreesWithCpu) {
  for (const std::int64_t inner : {1, 3, 8, 32})
    for (const bool list : {true, false})
      for (const std::size_t skip : {0, 1}) {
        const Shape s{3, 20, 11, inner, list, 1, skip};
        check_gather<float>(s);
        check_gather<std::int32_t>(s);
        check_gather<std::int64_t>(s);
        check_gather<std::uint8_t>(s);
      }
}

TEST(EmuIndex, ScatterAddAgreesWithCpuF64) {
  for (const std::int64_t inner : {1, 3, 8, 32})
    for (const bool list : {true, false})
      for (const std::size_t skip : {0, 1}) {
        const Shape s{3, 20, 111, inner, list, 1, skip};
        check_scatter_add<float>(s);
        if (HasFatalFailure()) return;
      }
  for (const std::int64_t n : {1, 2, 255, 256, 257, 70000}) {  // one, two and three passes
    check_scatter_add<float>({1, n, 2000, 4, true, 3});
    check_scatter_add<float>({2, n, 700, 3, true, 8});
    if (HasFatalFailure()) return;
  }
  check_scatter_add<float>({1, 5, 32, 4});
  check_scatter_add<float>({1, 1, 64, 4});
  check_scatter_add<float>({1, 1, 96, 1});
  check_scatter_add<float>({70, 5, 1, 4, false});  // nothing to sort
  check_scatter_add<float>({70, 5, 1, 1, false});
}

TEST(EmuIndex, ScatterAddInBf16RoundsOnce) {
  const std::int64_t n = 7, m = 300, inner = 16;
  const Shape s{1, n, m, inner};
  Twin<bf16> y(kType, {1, n, inner}, drawn(n * inner, 1)),
      source(kType, {1, m, inner}, drawn(m * inner, 2));
  Twin<std::int64_t> index(kType, {m}, drawn_index(s));
  run_both<&KernelTable::scatter_add>(kType, [&](bool device) {
    return ScatterAdd{y.on(device), source.on(device), seen_as_rows(index.on(device), s)};
  });
  y.expect_close("y", 1e-6);
}

template <class T>
void check_embedding(std::int64_t n, std::int64_t m, std::int64_t d, double skew,
                     std::int64_t padding) {
  SCOPED_TRACE(std::string(name_of(dtype_of<T>)) + " (" + std::to_string(n) + " <- " +
               std::to_string(m) + ", " + std::to_string(d) + ")");
  Twin<T> dweight(kType, {n, d}), dy(kType, {m, d}, drawn(m * d, 2));
  Twin<std::int64_t> ids(kType, {m}, drawn_index({1, n, m, d, true, skew}));
  run_both<&KernelTable::embedding_backward>(kType, [&](bool device) {
    return EmbeddingBackward{dweight.on(device), dy.on(device), ids.on(device), padding};
  });
  dweight.expect_close("dweight", 3e-6);
}

TEST(EmuIndex, EmbeddingBackwardWritesEveryRow) {
  check_embedding<float>(300, 700, 8, 3, 0);
  check_embedding<float>(70000, 200, 3, 3, -1);
  check_embedding<float>(5, 0, 4, 1, -1);
  check_embedding<bf16>(40, 900, 16, 4, 1);
  Twin<float> dweight(kType, {3, 2}), dy(kType, {4, 2}, drawn(8, 1));
  Twin<std::int64_t> ids(kType, {4}, std::vector<std::int64_t>{1, -1, 3, 1});  // two bad ones
  run<&KernelTable::embedding_backward>(
      EmbeddingBackward{dweight.on(true), dy.on(true), ids.on(true)}, Device{kType});
  const auto got = dweight.values(), from = dy.values();
  EXPECT_EQ(got, (std::vector<float>{0, 0, from[0] + from[6], from[1] + from[7], 0, 0}));
}

TEST(EmuIndex, BadIndicesTouchNothing) {
  for (const std::int64_t m : {1, 6}) {
    std::vector<std::int64_t> places(m, 1);
    places[0] = -1;
    if (m > 1) places[3] = 4, places[5] = std::int64_t{1} << 40;
    Twin<std::int64_t> index(kType, {m}, places);
    const Shape s{2, 4, m, 3};
    Twin<float> x(kType, {2, 4, 3}, drawn(24, 1)), y(kType, {2, m, 3});
    run<&KernelTable::gather>(Gather{y.on(true), x.on(true), seen_as_rows(index.on(true), s)},
                              Device{kType});
    run<&KernelTable::scatter_add>(
        ScatterAdd{x.on(true), y.on(true), seen_as_rows(index.on(true), s)}, Device{kType});
    EXPECT_TRUE(y.intact() && x.intact());
    for (std::int64_t i = 0; i < m; i++)
      EXPECT_EQ(std::isnan(y.values()[i * 3]), i % 3 == 0 || i == 5) << i;
    for (const float v : x.values()) EXPECT_FALSE(std::isnan(v));
  }
}

TEST(EmuIndex, SameBitsForEveryOrderOfThreads) {
  const Shape s{2, 9, 700, 3, false, 3};
  expect_same_for_every_order([&] {
    Twin<float> y(kType, {2, 9, 3}, drawn(54, 1)), source(kType, {2, 700, 3}, drawn(4200, 2));
    Twin<std::int64_t> index(kType, {2, 700, 3}, drawn_index(s));
    run<&KernelTable::scatter_add>(
        ScatterAdd{y.on(true), source.on(true), seen_as_rows(index.on(true), s)}, Device{kType});
    return y.values();
  });
}

}  // namespace
}  // namespace lacuna::test
