// BERT's masked tokens, and pictures with holes of every shape.
#include "../../kernels/mask_image.h"
#include "../../kernels/mask_tokens.h"
#include "cases.h"

namespace lacuna::bench {
namespace {

constexpr RandomKey kKey = RandomKey::of(11, 11), kOtherKey = RandomKey::of(11, 12);

std::uint32_t word(RandomKey key, std::int64_t element, std::int64_t row) {
  return draw_word(key, static_cast<std::uint64_t>(element), static_cast<std::uint64_t>(row));
}

Case mask_tokens(std::int64_t rows, std::int64_t n) {
  MaskTokens m;
  m.mask_id = 103, m.vocabulary = 30522, m.key = kKey, m.replace_key = kOtherKey;
  const auto sample = [=](const DeviceArrays& a, auto&& value) {
    Sampled out;
    for (const std::int64_t e : places(rows * n, 256)) {
      const std::int64_t row = e / n, j = e % n;
      const bool chosen = BernoulliThreshold(m.probability)(word(kKey, j, row));
      out.emplace_back(
          e, static_cast<double>(value(row, j, static_cast<std::int64_t>(a[2]->at(e)), chosen)));
    }
    return out;
  };
  Case c = moves(
      "mask_tokens " + std::to_string(rows) + "x" + std::to_string(n), Dtype::f32,
      24.0 * static_cast<double>(rows * n),
      {{{rows, n}, Dtype::i64},
       {{rows, n}, Dtype::i64},
       {{rows, n}, Dtype::i64, Values::below, m.vocabulary}},
      [m](const Arrays& a, How how) {
        MaskTokens args = m;
        args.masked = a[0], args.labels = a[1], args.tokens = a[2];
        call<&KernelTable::mask_tokens>(args, how);
      },
      [=](const DeviceArrays& a) {
        const TokenRule rule(m);
        return sample(a, [&](std::int64_t row, std::int64_t j, std::int64_t token, bool chosen) {
          return chosen ? rule.replace(token, word(kOtherKey, 2 * j, row),
                                       word(kOtherKey, 2 * j + 1, row))
                        : token;
        });
      });
  c.outputs.push_back({1, [=](const DeviceArrays& a) {
                         return sample(a, [&](auto, auto, std::int64_t token, bool chosen) {
                           return chosen ? token : m.ignore_index;
                         });
                       }});
  c.op = "mask_tokens";
  c.settings = {{"mask_id", m.mask_id}, {"vocabulary", m.vocabulary}, {"p", m.probability}};
  return c;
}

/// Whether element e of pictures (n, size, size, 3) is hidden.
bool hides(const MaskImage& m, const DeviceArray& ids, std::int64_t size, std::int64_t e) {
  const std::int64_t image = e / 3 / size / size, h = e / 3 / size % size, w = e / 3 % size;
  const auto sample = static_cast<std::uint64_t>(ids.at(2 * image)),
             view = static_cast<std::uint64_t>(ids.at(2 * image + 1));
  if (m.kind == MaskKind::region) {
    const Rectangle r = hidden_rectangle(m.kind, m.ratio, size, size, m.key, sample, view);
    return h >= r.top && h < r.bottom && w >= r.left && w < r.right;
  }
  const std::int64_t cells = (size + m.block - 1) / m.block;
  const std::int64_t unit = m.kind == MaskKind::value   ? e % (size * size * 3)
                            : m.kind == MaskKind::pixel ? h * size + w
                                                        : h / m.block * cells + w / m.block;
  return BernoulliThreshold(m.ratio)(
      draw_word(m.key, static_cast<std::uint64_t>(unit), sample, view));
}

Case mask_image(std::int64_t n, std::int64_t size, MaskKind kind, const char* name) {
  MaskImage m;
  m.kind = kind, m.block = 16, m.ratio = 0.5, m.key = kKey, m.fill_key = m.noise_key = kOtherKey;
  const std::int64_t values = n * size * size * 3;
  const std::vector<std::int64_t> shape{n, size, size, 3};
  const auto look_at = [=](auto value) {
    return [=](const DeviceArrays& a) {
      Sampled out;
      for (const std::int64_t e : places(values, 64))
        out.emplace_back(e, value(a[3]->at(e) * m.scale + m.shift, hides(m, *a[4], size, e)));
      return out;
    };
  };
  Case c = moves(
      std::string("mask_image ") + name + " " + std::to_string(n) + "x" + std::to_string(size) +
          "x" + std::to_string(size) + "x3",
      Dtype::bf16, 8.0 * static_cast<double>(values),  // u8 to f32, bf16 and u8
      {{shape, Dtype::bf16},
       {shape, Dtype::f32},
       {shape, Dtype::u8},
       {shape, Dtype::u8, Values::below, 256},
       {{n, 2}, Dtype::i64, Values::below, 2}},
      [m](const Arrays& a, How how) {
        MaskImage args = m;
        args.masked = a[0], args.target = a[1], args.hidden = a[2], args.pixels = a[3],
        args.ids = a[4];
        call<&KernelTable::mask_image>(args, how);
      },
      look_at([](double target, bool hidden) { return hidden ? 0 : target; }));
  c.outputs.push_back({1, look_at([](double target, bool) { return target; })});
  c.outputs.push_back({2, look_at([](double, bool hidden) { return hidden ? 1.0 : 0.0; })});
  c.op = "mask_image";
  c.settings = {{"ratio", m.ratio},
                {"kind", static_cast<double>(kind)},
                {"block", static_cast<double>(m.block)},
                {"scale", m.scale},
                {"shift", m.shift}};
  return c;
}

}  // namespace

std::vector<Case> input_mask_cases(bool small) {
  std::vector<Case> cases;
  cases.push_back(small ? mask_tokens(16, 128) : mask_tokens(1024, 512));
  for (const auto& [kind, name] : {std::pair{MaskKind::value, "value"},
                                   {MaskKind::pixel, "pixel"},
                                   {MaskKind::block, "block"},
                                   {MaskKind::region, "region"}})
    cases.push_back(mask_image(small ? 4 : 256, small ? 32 : 224, kind, name));
  return cases;
}

}  // namespace lacuna::bench
