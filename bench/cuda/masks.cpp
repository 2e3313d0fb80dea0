// What hides part of the input: a masked autoencoder's random subsets and its loss; and what input_masks.cpp has.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "../../kernels/patch_mse.h"
#include "../../kernels/random_subset.h"
#include "../../kernels/token_subset.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

constexpr RandomKey kKey = RandomKey::of(11, 11);

std::uint32_t word(RandomKey key, std::int64_t element, std::int64_t row) {
  return draw_word(key, static_cast<std::uint64_t>(element), static_cast<std::uint64_t>(row));
}

/// n samples of `length` patches, of which `count` stay, each a token of d numbers.
struct Patches {
  std::int64_t n, length, count, d;

  /// The kept positions of a row, by sorting.
  std::vector<std::int64_t> kept(std::int64_t row) const {
    std::vector<std::int64_t> order(static_cast<std::size_t>(length));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
      return word(kKey, a, row) < word(kKey, b, row);
    });
    order.resize(static_cast<std::size_t>(count));
    std::sort(order.begin(), order.end());
    return order;
  }
  std::string text() const {
    return " " + std::to_string(n) + "x" + std::to_string(length) + "->" + std::to_string(count) +
           " of " + std::to_string(d);
  }
  double whole() const { return static_cast<double>(n * length); }
  double shown() const { return static_cast<double>(n * count); }
};

enum Place : std::size_t { kRestored, kTokens, kShort, kFill, kKept, kPlaces, kHidden };

std::vector<Operand> operands_of(const Patches& p) {
  return {{{p.n, p.length, p.d}, Dtype::bf16}, {{p.n, p.length, p.d}, Dtype::bf16},
          {{p.n, p.count, p.d}, Dtype::bf16},  {{p.d}, Dtype::bf16},
          {{p.n, p.count}, Dtype::i64},        {{p.n, p.length}, Dtype::i64},
          {{p.n, p.length}, Dtype::u8}};
}

void draw_subset(const Arrays& a, How how) {
  call<&KernelTable::random_subset>(RandomSubset{a[kKept], a[kPlaces], a[kHidden], {}, kKey}, how);
}
void keep(const Arrays& a, How how) {
  call<&KernelTable::take_tokens>(TakeTokens{a[kShort], a[kTokens], a[kKept]}, how);
}
void restore(const Arrays& a, How how) {
  call<&KernelTable::take_tokens>(TakeTokens{a[kRestored], a[kShort], a[kPlaces], a[kFill]}, how);
}

/// The tokens back in their places, the mask token in the others. `kept_tokens`: what stands at a row's k-th place.
template <class F>
Sampled restored(const Patches& p, const DeviceArrays& a, F&& kept_token) {
  Sampled out;
  for (const std::int64_t e : places(p.n * p.length * p.d, 64)) {
    const std::int64_t column = e % p.d, j = e / p.d % p.length, row = e / p.d / p.length;
    const auto kept = p.kept(row);
    const auto found = std::find(kept.begin(), kept.end(), j);
    out.emplace_back(e, found == kept.end() ? a[kFill]->at(column)
                                            : kept_token(row, found - kept.begin(), j, column));
  }
  return out;
}

std::vector<Case> masked_autoencoder(const Patches& p) {
  const auto make = [&](const char* name, double bytes, auto kernel, auto reference) {
    return moves(name + p.text(), Dtype::bf16, bytes, operands_of(p), kernel, reference);
  };
  const double d = 2 * static_cast<double>(p.d);  // bytes of a token
  std::vector<Case> cases;
  cases.push_back(
      make("random_subset", 9 * p.whole() + 8 * p.shown(), draw_subset, [p](const DeviceArrays&) {
        Sampled out;
        for (const std::int64_t e : places(p.n * p.count, 16))
          out.emplace_back(e, static_cast<double>(p.kept(e / p.count)[e % p.count]));
        return out;
      }));
  cases.back().outputs[0].operand = kKept;
  const auto of_all = [p](auto value) {
    return [=](const DeviceArrays&) {
      Sampled out;
      for (const std::int64_t e : places(p.n * p.length, 32)) {
        const auto kept = p.kept(e / p.length);
        const auto found = std::find(kept.begin(), kept.end(), e % p.length);
        out.emplace_back(e, value(found == kept.end() ? -1 : found - kept.begin()));
      }
      return out;
    };
  };
  cases.back().outputs.push_back(
      {kPlaces, of_all([](std::int64_t place) { return static_cast<double>(place); })});
  cases.back().outputs.push_back(
      {kHidden, of_all([](std::int64_t place) { return static_cast<double>(place < 0); })});
  cases.back().op = "random_subset";

  cases.push_back(make("keep_tokens", p.shown() * (2 * d + 8), keep, [p](const DeviceArrays& a) {
    Sampled out;
    for (const std::int64_t e : places(p.n * p.count * p.d, 64)) {
      const std::int64_t row = e / p.d / p.count, from = p.kept(row)[e / p.d % p.count];
      out.emplace_back(e, a[kTokens]->at((row * p.length + from) * p.d + e % p.d));
    }
    return out;
  }));
  cases.back().prepare = draw_subset;
  cases.back().outputs[0].operand = kShort;

  cases.push_back(make("restore_tokens", p.whole() * (d + 8) + p.shown() * d, restore,
                       [p](const DeviceArrays& a) {
                         return restored(p, a, [&](auto row, auto k, auto, auto column) {
                           return a[kShort]->at((row * p.count + k) * p.d + column);
                         });
                       }));
  cases.back().prepare = draw_subset;

  cases.push_back(make(
      "mae: subset, keep, restore",
      9 * p.whole() + 8 * p.shown() + p.shown() * (2 * d + 8) + p.whole() * (d + 8) + p.shown() * d,
      [](const Arrays& a, How how) {
        draw_subset(a, how);
        keep(a, how);
        restore(a, how);
      },
      [p](const DeviceArrays& a) {
        return restored(p, a, [&](auto row, auto, auto j, auto column) {
          return a[kTokens]->at((row * p.length + j) * p.d + column);
        });
      }));
  cases.back().op = "mae_masks";
  for (Case& c : cases) c.settings = {{"count", static_cast<double>(p.count)}};
  return cases;
}

/// One number of a patch, normalised as the loss wants it.
double normalised(const DeviceArray& target, std::int64_t row, std::int64_t size, std::int64_t j) {
  double mean = 0, variance = 0;
  for (std::int64_t k = 0; k < size; k++) mean += target.at(row * size + k) / size;
  for (std::int64_t k = 0; k < size; k++)
    variance +=
        (target.at(row * size + k) - mean) * (target.at(row * size + k) - mean) / (size - 1);
  return (target.at(row * size + j) - mean) / std::sqrt(variance + 1e-6);
}

// Half of the patches are hidden. The forward pass is right where its loss, over few patches, and its gradient are.
Case patch_mse(std::int64_t rows, std::int64_t size, bool backward) {
  const double moved = 2.0 * static_cast<double>(rows * size);
  const Operand patches{{rows, size}, Dtype::bf16}, number{{}, Dtype::f32, Values::magnitudes};
  const auto forward = [](const Arrays& a, How how) {
    call<&KernelTable::patch_mse_forward>(PatchMseForward{a[5], a[1], a[2], a[3], a[4], a[6]}, how);
  };
  Case c = moves(
      std::string("patch_mse ") + (backward ? "backward " : "forward ") + std::to_string(rows) +
          "x" + std::to_string(size),
      Dtype::bf16, (backward ? 2 : 1) * moved,  // of two arrays, half; all of the gradient
      {patches,
       {{rows, 2}, Dtype::f32},
       number,
       patches,
       patches,
       number,
       {{rows}, Dtype::u8, Values::below, 2},
       number},
      [=](const Arrays& a, How how) {
        if (!backward) return forward(a, how);
        call<&KernelTable::patch_mse_backward>(
            PatchMseBackward{a[0], a[7], a[1], a[2], a[3], a[4], a[6]}, how);
      },
      [=](const DeviceArrays& a) {
        double hidden = 0, loss = 0;
        for (std::int64_t r = 0; r < rows; r++) hidden += a[6]->at(r);
        Sampled out;
        if (backward) {
          for (const std::int64_t e : places(rows * size, 32)) {
            const double difference = a[3]->at(e) - normalised(*a[4], e / size, size, e % size);
            out.emplace_back(e, a[6]->at(e / size) * a[7]->at(0) / hidden * 2 / size * difference);
          }
          return out;
        }
        for (std::int64_t r = 0; r < rows; r++) {
          if (a[6]->at(r) == 0) continue;
          double mean = 0, square = 0, prediction = 0, both = 0;  // sums, one pass over the row
          for (std::int64_t k = 0; k < size; k++) {
            const double t = a[4]->at(r * size + k), q = a[3]->at(r * size + k);
            mean += t, square += t * t, prediction += q * q, both += q * t;
          }
          double total = 0;
          for (std::int64_t k = 0; k < size; k++) total += a[3]->at(r * size + k);
          const double n = static_cast<double>(size), m = mean / n, centred = square - n * m * m,
                       rstd = 1 / std::sqrt(centred / (n - 1) + 1e-6);
          loss += (prediction - 2 * rstd * (both - m * total) + rstd * rstd * centred) / n;
        }
        out.emplace_back(0, loss / hidden);
        return out;
      });
  c.op = backward ? "patch_mse_backward" : "patch_mse_forward";
  if (backward)
    c.prepare = forward;
  else
    c.outputs[0].operand = 5;
  return c;
}

}  // namespace

std::vector<Case> mask_cases(bool small) {
  std::vector<Case> cases =
      masked_autoencoder(small ? Patches{8, 64, 16, 96} : Patches{256, 196, 49, 768});
  for (const bool backward : {false, true})
    cases.push_back(patch_mse(small ? 40 : 256 * 196, 768, backward));
  for (Case& c : input_mask_cases(small)) cases.push_back(std::move(c));
  return cases;
}

}  // namespace lacuna::bench
