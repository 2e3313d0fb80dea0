// Products of warpgroups: D is held aside and NaN from its first product to the wait that ends its last one, which
// multiplies what shared memory holds by then.
#include <algorithm>
#include <cstring>

#include "engine_impl.h"

namespace lacuna::emu::detail {
namespace {

using Product = Products::Product;
using Warpgroup = Products::Warpgroup;

constexpr const char* kWhat = "wgmma.mma_async";
constexpr int kRows = 64, kDeep = 16, kMaxColumns = 256;

Warpgroup& warpgroup(Engine& e) {
  Warpgroup& w = e.async.products.warpgroups[e.current().number / 128];
  w.used = true;
  return w;
}

std::string in_line(Site at) { return ", of the product in line " + std::to_string(at.line); }

// ---- operands in shared memory ----

struct Descriptor {
  std::uint32_t start, leading, stride, base;
  Swizzle swizzle;
};
Descriptor decode(std::uint64_t bits) {
  const auto field = [&](int at) { return static_cast<std::uint32_t>(bits >> at & 0x3fff) << 4; };
  const auto mode = static_cast<int>(bits >> 62);
  return {field(0), field(16), field(32), static_cast<std::uint32_t>(bits >> 49 & 7),
          static_cast<Swizzle>((4 - mode) & 3)};
}

// The address, before the swizzle, of the unit of 8 elements that holds (line, k): line is a row of A, a column of B.
std::uint32_t unit_address(const Descriptor& d, Major major, int line, int k) {
  const auto units = static_cast<int>(span(d.swizzle) / 16);
  const auto u32 = [](int v) { return static_cast<std::uint32_t>(v); };
  const bool plain = d.swizzle == Swizzle::none;
  if (major == Major::k) {
    const int unit = k / 8;
    return d.start + u32(line % 8 * units * 16) + u32(line / 8) * d.stride +
           u32(unit) * (plain ? d.leading : 16);
  }
  const int unit = line / 8;
  if (plain) return d.start + u32(k % 8 * 16) + u32(k / 8) * d.leading + u32(unit) * d.stride;
  return d.start + u32(unit % units * 16) + u32(unit / units) * d.leading +
         u32(k % 8 * units * 16) + u32(k / 8) * d.stride;
}

void check_descriptor(std::uint64_t bits, const char* operand) {
  const Descriptor d = decode(bits);
  if (d.base != 0)
    kernel_error(std::string(kWhat) + ": a base offset of " + std::to_string(d.base) +
                 " in the descriptor of " + operand + ", which emu does not know");
  // Bits above the pattern's line must be those of a pattern that starts at the tile.
  const std::uint32_t pattern = 8 * span(d.swizzle);
  if (d.swizzle != Swizzle::none && d.start % pattern >= span(d.swizzle))
    kernel_error(std::string(kWhat) + ": " + operand + " starts at address " +
                 std::to_string(d.start) + ", inside a swizzle pattern of " +
                 std::to_string(pattern) + " bytes");
}

/// to[k][line] for lines lines.
void read_operand(Engine& e, std::uint64_t bits, Major major, int lines, float* to, int pitch,
                  const Product& p, const char* name) {
  const Descriptor d = decode(bits);
  const int line_step = major == Major::k ? 1 : 8, k_step = major == Major::k ? 8 : 1;
  for (int line = 0; line < lines; line += line_step)
    for (int k = 0; k < kDeep; k += k_step) {
      const std::uint32_t address = swizzled(unit_address(d, major, line, k), d.swizzle);
      if (e.shared.stale(address, 16, kWhat))
        kernel_error(std::string(kWhat) + ": " + name +
                     " is in shared memory that was written without fence.proxy.async behind it" +
                     in_line(p.site));
      std::uint16_t v[8];
      std::memcpy(v, e.shared.at(address, 16, kWhat), 16);
      for (int i = 0; i < 8; i++) {
        const std::uint32_t word = std::uint32_t{v[i]} << 16;
        const int k_i = major == Major::k ? k + i : k, line_i = major == Major::k ? line : line + i;
        std::memcpy(&to[k_i * pitch + line_i], &word, 4);
      }
    }
}

/// A register holds k = 2 t, 2 t + 1 of row g: the layout of mma.cuh, 16 rows a warp.
void read_registers(const Product& p, float (*a)[kRows]) {
  for (int t = 0; t < 128; t++)
    for (int r = 0; r < 4; r++)
      for (int half = 0; half < 2; half++) {
        const int lane = t % 32, row = t / 32 * 16 + lane / 4 + r % 2 * 8;
        const int k = lane % 4 * 2 + r / 2 * 8 + half;
        const std::uint32_t v = p.a_registers[t][r];
        const std::uint32_t word = half ? v & 0xffff0000u : v << 16;
        std::memcpy(&a[k][row], &word, 4);
      }
}

// ---- D ----

int sums(const Product& p) { return p.shape.n / 2; }

void poison(Product& p) {
  p.held.resize(static_cast<std::size_t>(128 * sums(p)));
  for (int t = 0; t < 128; t++) {
    std::memcpy(&p.held[static_cast<std::size_t>(t * sums(p))], p.d[t], sizeof(float) * sums(p));
    std::memset(p.d[t], 0xff, sizeof(float) * sums(p));
  }
}

void give_back(Product& p) {
  if (p.held.empty()) return;
  for (int t = 0; t < 128; t++) {
    for (int i = 0; i < sums(p); i++) {
      std::uint32_t word;
      std::memcpy(&word, &p.d[t][i], 4);
      if (word != 0xffffffffu)
        kernel_error(std::string(kWhat) + ": d was written before the wait" + in_line(p.site));
    }
    std::memcpy(p.d[t], &p.held[static_cast<std::size_t>(t * sums(p))], sizeof(float) * sums(p));
  }
  p.held.clear();
}

void multiply(Engine& e, Product& p) {
  static thread_local float a[kDeep][kRows], b[kDeep][kMaxColumns], c[kRows][kMaxColumns];
  const int n = p.shape.n;
  if (p.shape.a_in_registers)
    read_registers(p, a);
  else
    read_operand(e, p.a, p.shape.a, kRows, a[0], kRows, p, "A");
  read_operand(e, p.b, p.shape.b, n, b[0], kMaxColumns, p, "B");
  give_back(p);
  // Sum 4 j + r of lane 4 g + t is row g + 8 (r / 2), column 8 j + 2 t + r % 2.
  const auto each = [&](auto f) {
    for (int t = 0; t < 128; t++)
      for (int i = 0; i < sums(p); i++)
        f(p.d[t][i], c[t / 32 * 16 + t % 32 / 4 + i % 4 / 2 * 8][i / 4 * 8 + t % 4 * 2 + i % 2]);
  };
  each([&](float& d, float& sum) { sum = p.accumulate ? d : 0.0f; });
  for (int i = 0; i < kRows; i++)
    for (int k = 0; k < kDeep; k++)
      for (int j = 0; j < n; j++) c[i][j] += a[k][i] * b[k][j];
  each([&](float& d, const float& sum) { d = sum; });
}

bool first_into_its_d(const Warpgroup& w, const Product& p) {
  for (const auto& other : w.pending) {
    if (other.get() == &p) return true;
    if (other->d[0] == p.d[0]) return false;
  }
  return true;
}

// Were these sums left alone since the last wait that completed them?
bool untouched(const Warpgroup& w, const Product& p) {
  const auto it = std::find_if(w.done.begin(), w.done.end(),
                               [&](const auto& done) { return done.first == p.d[0]; });
  if (it == w.done.end() || it->second.size() != static_cast<std::size_t>(128 * sums(p)))
    return false;
  for (int t = 0; t < 128; t++)
    if (std::memcmp(p.d[t], &it->second[static_cast<std::size_t>(t * sums(p))],
                    sizeof(float) * sums(p)) != 0)
      return false;
  return true;
}

void remember(Warpgroup& w, const Product& p) {
  auto it = std::find_if(w.done.begin(), w.done.end(),
                         [&](const auto& done) { return done.first == p.d[0]; });
  if (it == w.done.end()) it = w.done.insert(it, {p.d[0], {}});
  it->second.resize(static_cast<std::size_t>(128 * sums(p)));
  for (int t = 0; t < 128; t++)
    std::memcpy(&it->second[static_cast<std::size_t>(t * sums(p))], p.d[t],
                sizeof(float) * sums(p));
}

// ---- what the last of the warpgroup to come does ----

void start(void* const* threads) {
  Engine& e = engine();
  Warpgroup& w = warpgroup(e);
  const auto of = [&](int t) -> const ProductThread& {
    return *static_cast<const ProductThread*>(threads[t]);
  };
  const ProductThread& first = of(0);
  auto p = std::make_unique<Product>();
  p->shape = first.shape;
  p->a = first.a;
  p->b = first.b;
  p->accumulate = first.accumulate;
  p->group = -1;
  for (int t = 0; t < 128; t++) {
    if (of(t).a != first.a || of(t).b != first.b || of(t).accumulate != first.accumulate)
      kernel_error(std::string(kWhat) + ": descriptors differ between threads of the warpgroup");
    p->d[t] = of(t).d;
    if (first.shape.a_in_registers)
      std::memcpy(p->a_registers[t], of(t).a_registers, sizeof(p->a_registers[t]));
  }
  p->site = e.current().site;
  if (!first.shape.a_in_registers) check_descriptor(p->a, "A");
  check_descriptor(p->b, "B");
  const bool first_product = first_into_its_d(w, *p);
  if (!w.fenced && (first.shape.a_in_registers || (first_product && !untouched(w, *p))))
    kernel_error(std::string(kWhat) + ": no wgmma.fence behind the writes of its registers");
  if (first_product) poison(*p);
  w.pending.push_back(std::move(p));
}

void finish(Engine& e, Warpgroup& w, int pending) {
  const int last = w.groups - pending;
  const auto awaited = [&](const auto& p) { return p->group >= 0 && p->group < last; };
  for (const auto& p : w.pending)
    if (awaited(p)) multiply(e, *p);
  for (const auto& p : w.pending)
    if (awaited(p)) remember(w, *p);
  w.pending.erase(std::remove_if(w.pending.begin(), w.pending.end(), awaited), w.pending.end());
  for (const auto& p : w.pending)
    if (p->held.empty() && first_into_its_d(w, *p)) poison(*p);
}

}  // namespace

void product(const ProductThread& mine, Site at) {
  warpgroup_collective(kWhat, at, const_cast<ProductThread*>(&mine), start);
}

void product_fence(Site at) {
  warpgroup_collective("wgmma.fence", at, nullptr,
                       [](void* const*) { warpgroup(engine()).fenced = true; });
}

void product_commit(Site at) {
  warpgroup_collective("wgmma.commit_group", at, nullptr, [](void* const*) {
    Warpgroup& w = warpgroup(engine());
    for (const auto& p : w.pending)
      if (p->group < 0) p->group = w.groups;
    w.groups++;
    w.fenced = false;
  });
}

void product_wait(int pending, Site at) {
  warpgroup_collective("wgmma.wait_group", at, &pending, [](void* const* threads) {
    Engine& e = engine();
    finish(e, warpgroup(e), *static_cast<const int*>(threads[0]));
  });
}

void Products::clear() {
  for (Warpgroup& w : warpgroups)
    if (w.used) w = Warpgroup();
}

void Products::end_block() const {
  for (const Warpgroup& w : warpgroups)
    if (!w.pending.empty())
      kernel_error("the block has ended, but not a wgmma: no " +
                   std::string(w.pending[0]->group < 0 ? "commit_group" : "wait_group") +
                   " behind it" + in_line(w.pending[0]->site));
}

}  // namespace lacuna::emu::detail
