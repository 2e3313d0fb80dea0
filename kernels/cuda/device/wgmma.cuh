#pragma once
// Products of a warpgroup (PTX ISA, wgmma.mma_async): D (64, N) += A (64, 16) B (16, N), bf16 with f32 sums, where N is 64, 128
// or 256. B, and A unless it is in registers, are read from shared memory as descriptors say (shared_layout.cuh). Warp w of
// the four holds rows 16 w .. 16 w + 15 as in mma.cuh; with g = lane / 4 and t = lane % 4:
//   d[4 j], d[4 j + 1]  D(g, 8 j + 2 t), D(g, 8 j + 2 t + 1);      d[4 j + 2], d[4 j + 3]  the same of row g + 8
//   a[0], a[1]  A(g, 2 t ..), A(g + 8, 2 t ..);      a[2], a[3]  the same of k + 8; two bf16 a register
//
// The order of things: wgmma_fence(d); products into d; wgmma_commit(); ...; wgmma_wait<n>(d). In between nobody touches d, and
// what the products read of shared memory stays. d is an array of its own, with indices known when it is compiled.
#include <device/shared_layout.cuh>
#include <device/warpgroup.cuh>

namespace lacuna::cuda {

#define LACUNA_D8(i)                                                                          \
  "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), \
      "+f"(d[i + 6]), "+f"(d[i + 7])
#define LACUNA_D32(i) LACUNA_D8(i), LACUNA_D8(i + 8), LACUNA_D8(i + 16), LACUNA_D8(i + 24)
#define LACUNA_D64(i) LACUNA_D32(i), LACUNA_D32(i + 32)
#define LACUNA_S32                                                       \
  "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15" \
  ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define LACUNA_S64                                                                   \
  LACUNA_S32                                                                         \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47" \
  ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define LACUNA_S128                                                                              \
  LACUNA_S64                                                                                     \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"             \
  ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"             \
  ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111" \
  ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, " \
  "%127"
// n, the registers of D by number, the operands that follow them by number, the registers of D.
#define LACUNA_WGMMA_SHARED(n, registers, a_, b_, p_, ta_, tb_, ...)                              \
  LACUNA_SM90A("{\n.reg .pred p;\nsetp.ne.b32 p, " p_ ", 0;\nwgmma.mma_async.sync.aligned.m64n" n \
               "k16.f32.bf16.bf16 {" registers "}, " a_ ", " b_ ", p, 1, 1, " ta_ ", " tb_ ";\n}" \
               : __VA_ARGS__                                                                      \
               : "l"(a), "l"(b), "r"(static_cast<int>(accumulate)), "n"(static_cast<int>(kA)),    \
                 "n"(static_cast<int>(kB)))
#define LACUNA_WGMMA_REGISTERS(n, registers, a0_, a1_, a2_, a3_, b_, p_, tb_, ...)                \
  LACUNA_SM90A("{\n.reg .pred p;\nsetp.ne.b32 p, " p_ ", 0;\nwgmma.mma_async.sync.aligned.m64n" n \
               "k16.f32.bf16.bf16 {" registers "}, {" a0_ ", " a1_ ", " a2_ ", " a3_ "}, " b_     \
               ", p, 1, 1, " tb_ ";\n}"                                                           \
               : __VA_ARGS__                                                                      \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b),                              \
                 "r"(static_cast<int>(accumulate)), "n"(static_cast<int>(kB)))

/// D = A B, or += with `accumulate`; A and B in shared memory.
template <int N, Major kA = Major::k, Major kB = Major::k>
__device__ __forceinline__ void wgmma(float (&d)[N / 2], std::uint64_t a, std::uint64_t b,
                                      bool accumulate = true) {
  static_assert(N == 64 || N == 128 || N == 256);
  if constexpr (N == 64)
    LACUNA_WGMMA_SHARED("64", LACUNA_S32, "%32", "%33", "%34", "%35", "%36", LACUNA_D32(0));
  else if constexpr (N == 128)
    LACUNA_WGMMA_SHARED("128", LACUNA_S64, "%64", "%65", "%66", "%67", "%68", LACUNA_D64(0));
  else
    LACUNA_WGMMA_SHARED("256", LACUNA_S128, "%128", "%129", "%130", "%131", "%132", LACUNA_D64(0),
                        LACUNA_D64(64));
}

/// The same with A in registers, which may be written again behind the wait.
template <int N, Major kB = Major::k>
__device__ __forceinline__ void wgmma(float (&d)[N / 2], const std::uint32_t (&a)[4],
                                      std::uint64_t b, bool accumulate = true) {
  static_assert(N == 64 || N == 128 || N == 256);
  if constexpr (N == 64)
    LACUNA_WGMMA_REGISTERS("64", LACUNA_S32, "%32", "%33", "%34", "%35", "%36", "%37", "%38",
                           LACUNA_D32(0));
  else if constexpr (N == 128)
    LACUNA_WGMMA_REGISTERS("128", LACUNA_S64, "%64", "%65", "%66", "%67", "%68", "%69", "%70",
                           LACUNA_D64(0));
  else
    LACUNA_WGMMA_REGISTERS("256", LACUNA_S128, "%128", "%129", "%130", "%131", "%132", "%133",
                           "%134", LACUNA_D64(0), LACUNA_D64(64));
}

#undef LACUNA_WGMMA_REGISTERS
#undef LACUNA_WGMMA_SHARED
#undef LACUNA_S128
#undef LACUNA_S64
#undef LACUNA_S32
#undef LACUNA_D64
#undef LACUNA_D32
#undef LACUNA_D8

/// For the compiler: what came before has its values now, what follows starts from here.
template <int R>
__device__ __forceinline__ void pin(float (&d)[R]) {
  LACUNA_UNROLL
  for (int i = 0; i < R; i++) asm volatile("" : "+f"(d[i])::"memory");
}

/// Before the first product, and after d or registers of A were written: the products see it.
template <int R>
__device__ __forceinline__ void wgmma_fence(float (&d)[R]) {
  pin(d);
  LACUNA_SM90A("wgmma.fence.sync.aligned;" ::: "memory");
}
/// The products since the last commit are a group.
__device__ __forceinline__ void wgmma_commit() {
  LACUNA_SM90A("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/// Until all but the last kPending groups are done: with shared memory, and with d where none of them writes it.
template <int kPending, int R>
__device__ __forceinline__ void wgmma_wait(float (&d)[R]) {
  LACUNA_SM90A("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
  pin(d);
}

}  // namespace lacuna::cuda
