#pragma once
// Positions of a row chosen by their random words: those below a threshold, or those with the smallest words, of equal words
// the first. A team (device/rows.cuh) has a row; a thread has fours of neighbouring positions, one Philox block each.
#include <device/draw.cuh>
#include <device/rows.cuh>

namespace lacuna::LACUNA_NS {

/// Of a count in each of the team's warps: the sum over the warps before this one, and over all.
struct Share {
  int before, all;
};
template <int kRows>
__device__ __forceinline__ Share share(WarpTeam<kRows>, int count) {
  return {0, count};
}
template <int kMax>
__device__ __forceinline__ Share share(BlockTeam<kMax>, int count) {
  LACUNA_SHARED(int, counts, [kWarp]);
  const unsigned warp = threadIdx.x / kWarp;
  if (threadIdx.x % kWarp == 0) counts[warp] = count;
  __syncthreads();
  Share s{0, 0};
  for (unsigned w = 0; w < blockDim.x / kWarp; w++) {
    s.before += w < warp ? counts[w] : 0;
    s.all += counts[w];
  }
  __syncthreads();  // before the next call may overwrite them
  return s;
}

/// Positions whose word is below `limit`, and the first `ties` of those whose word equals it.
struct Choice {
  std::uint64_t limit;
  std::int64_t ties;
};

/// Four positions: their words, and a bit for each that may be chosen.
struct OpenFour {
  Philox4 words;
  unsigned open;
};

/// A row of n positions. make(j) gives the OpenFour at j, with no bit beyond the row, for j beyond it, too. Words stay in
/// registers where V > 0; else they are drawn again for every pass.
template <class Team, int V, class Make>
class RowFours {
 public:
  __device__ RowFours(std::int64_t n, Make make) : n_(n), make_(make) {
    LACUNA_UNROLL
    for (int i = 0; i < V; i++) fours_[i] = make_(first_of(i));
  }

  /// The `count` smallest open words, or all where there are no more: `limit` is found bit by bit from above, which ends as
  /// soon as a trial divides the row as wanted.
  __device__ Choice smallest(std::int64_t count) {
    std::uint32_t limit = 0;
    std::int64_t under = 0;  // words below limit
    for (int bit = 31; bit >= 0; bit--) {
      const std::uint32_t trial = limit | std::uint32_t{1} << bit;
      const std::int64_t below = count_below(trial);
      if (below == count) return {trial, 0};
      if (below > count) continue;
      limit = trial;
      under = below;
    }
    return {limit, count - under};
  }

  /// f(j, bits, rank) for this thread's fours: which of them are chosen, and how many are chosen before position j.
  template <class F>
  __device__ void each_chosen(const Choice& choice, F&& f) {
    std::int64_t ties = 0, rank = 0;  // in the steps before
    each([&](const OpenFour& four, std::int64_t j) {
      unsigned chosen = bits(four, [&](std::uint32_t w) { return w < choice.limit; });
      if (choice.ties > 0) {
        const unsigned tied = bits(four, [&](std::uint32_t w) { return w == choice.limit; });
        const Share before = count_before(tied);
        std::int64_t number = ties + before.before;
        LACUNA_UNROLL
        for (int k = 0; k < 4; k++)
          if ((tied >> k & 1) && number++ < choice.ties) chosen |= 1u << k;
        ties += before.all;
      }
      const Share before = count_before(chosen);
      f(j, chosen, rank + before.before);
      rank += before.all;
    });
  }

 private:
  static __device__ std::int64_t first_of(std::int64_t step) {
    return (step * Team::threads() + Team::thread()) * 4;
  }

  template <class Test>
  static __device__ unsigned bits(const OpenFour& four, Test&& test) {
    unsigned result = 0;
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++)
      if ((four.open >> k & 1) && test(four.words.v[k])) result |= 1u << k;
    return result;
  }

  // f(four, j); as many calls in every thread of the team.
  template <class F>
  __device__ void each(F&& f) {
    if constexpr (V > 0) {
      LACUNA_UNROLL
      for (int i = 0; i < V; i++) f(fours_[i], first_of(i));
    } else {
      const std::int64_t steps = ceil_div(n_, std::int64_t{Team::threads()} * 4);
      for (std::int64_t i = 0; i < steps; i++) f(make_(first_of(i)), first_of(i));
    }
  }

  __device__ std::int64_t count_below(std::uint32_t limit) {
    int count = 0;
    each([&](const OpenFour& four, std::int64_t) {
      const unsigned below = bits(four, [&](std::uint32_t w) { return w < limit; });
      LACUNA_UNROLL
      for (int k = 0; k < 4; k++) count += __popc(__ballot_sync(kAllLanes, below >> k & 1));
    });
    return share(Team{}, count).all;
  }

  // Bits set in the threads before this one, and in all.
  static __device__ Share count_before(unsigned mine) {
    const unsigned lanes_before = (1u << Team::thread() % kWarp) - 1;
    int before = 0, all = 0;
    LACUNA_UNROLL
    for (int k = 0; k < 4; k++) {
      const unsigned lanes = __ballot_sync(kAllLanes, mine >> k & 1);
      before += __popc(lanes & lanes_before);
      all += __popc(lanes);
    }
    const Share s = share(Team{}, all);
    return {s.before + before, s.all};
  }

  std::int64_t n_;
  Make make_;
  OpenFour fours_[kKept<V>];
};

/// f(team, V, block): rows of up to 1,024 positions have a warp each, longer ones a block, of up to 8,192 in registers.
template <class F>
void by_positions(std::int64_t n, F&& f) {
  by_row_length<4, 8, 512, 4, 4>(n, f);
}

}  // namespace lacuna::LACUNA_NS
