// The course's rungs (bench/lab) on emu, and that its check sees what may be wrong with one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "../../bench/lab/arrays.h"
#include "../../kernels/emu/engine.h"

namespace lacuna::lab {
namespace {

constexpr Device kEmu{DeviceType::emu};

TEST(Lab, EveryRungAgreesWithF64InAnyOrderOfThreads) {
  for (const std::uint64_t seed : {1, 2}) {
    emu::set_seed(seed);
    each_family([&](auto family) {
      const auto& rungs = family.rungs(DeviceType::emu);
      EXPECT_GE(rungs.size(), 4u) << family.name;
      EXPECT_EQ(rungs.back().name, "library") << family.name;
      for (const auto& rung : rungs) {
        int taken = 0;
        for (const auto& problem : family.small()) {
          try {
            EXPECT_LE(error_of(problem, rung, kEmu), rung.tolerance)
                << family.name << ' ' << rung.name << ' ' << problem.name << ", seed " << seed;
            taken++;
          } catch (const Error& e) {  // wgmma's tensor maps want multiples of 8
            EXPECT_NE(std::string(e.what()).find("multiples of 8"), std::string::npos) << e.what();
          }
        }
        EXPECT_GT(taken, 0) << family.name << ' ' << rung.name;
      }
    });
  }
  emu::set_seed(1);
}

enum Fault { none, column_late, term_missing, rows_for_columns, unwritten };

// A rung in plain C++, which may as emu's memory is the host's.
template <Fault kFault>
void product(const Matmul& p, Stream) {
  const std::int64_t m = p.c.dim(0), n = p.c.dim(1), depth = p.a.dim(1);
  const auto *a = p.a.as<bf16>(), *w = p.b.as<bf16>();
  for (std::int64_t i = 0; i < m; i++)
    for (std::int64_t j = 0; j < n; j++) {
      if (kFault == unwritten && i == m - 1 && j == n - 1) continue;
      float sum = 0;
      for (std::int64_t k = kFault == term_missing; k < depth; k++)
        sum += static_cast<float>(a[i * depth + k]) * static_cast<float>(w[j * depth + k]);
      const std::int64_t to = kFault == column_late ? (j + 1) % n : j;
      p.c.as<bf16>()[kFault == rows_for_columns ? j * m + i : i * n + to] = bf16(sum);
    }
}

template <Fault kFault>
double worst() {
  double error = 0;
  for (const auto& problem : Family<Matmul>::small())
    error = std::max(error, error_of(problem, Rung<Matmul>{"", &product<kFault>, 0}, kEmu));
  return error;
}

TEST(Lab, AWrongIndexIsSeen) {
  EXPECT_LE(worst<none>(), 1e-5);
  EXPECT_GT(worst<column_late>(), 0.1);
  EXPECT_GT(worst<term_missing>(), 0.1);
  EXPECT_GT(worst<rows_for_columns>(), 0.1);
  EXPECT_TRUE(std::isinf(worst<unwritten>()));
}

// In any family: a rung that does nothing, and one whose results are shifted by an element.
template <class Args>
void nothing(const Args&, Stream) {}

Array first_output(const Matmul& a) { return a.c; }
Array first_output(const Conv2dForward& a) { return a.y; }
Array first_output(const AttentionForward& a) { return a.y; }
Array first_output(const InfoNceForward& a) { return a.loss; }

template <class Args>
void shifted(const Args& args, Stream stream) {
  ladder<Args>(DeviceType::emu).back().run(args, stream);
  const Array out = first_output(args);
  const auto unit = static_cast<std::ptrdiff_t>(size_of(out.dtype));
  char* const p = out.as<char>();
  std::rotate(p, p + unit, p + out.size() * unit);
}

TEST(Lab, EveryFamilySeesWhatIsNotWrittenOrMisplaced) {
  each_family([](auto family) {
    using Args = typename decltype(family)::Arguments;
    for (const auto& problem : family.small()) {
      EXPECT_TRUE(std::isinf(error_of(problem, Rung<Args>{"", &nothing<Args>, 0}, kEmu)))
          << family.name << ' ' << problem.name;
      if (problem.operands[0].shape.back() == 1) continue;  // one element
      EXPECT_GT(error_of(problem, Rung<Args>{"", &shifted<Args>, 0}, kEmu), 0.1)
          << family.name << ' ' << problem.name;
    }
  });
}

}  // namespace
}  // namespace lacuna::lab
