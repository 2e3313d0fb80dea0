// Scenes from signed distances: negative inside a shape, positive outside, so that an edge is blended over one pixel
// and a shadow over several. Only + - * / and sqrt, which round alike everywhere.
#include "scene.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>

namespace lacuna {
namespace {

constexpr int kSide = kSceneSide;

struct Vec2 {
  float x = 0, y = 0;
};
Vec2 operator-(Vec2 a, Vec2 b) { return {a.x - b.x, a.y - b.y}; }
float dot(Vec2 a, Vec2 b) { return a.x * b.x + a.y * b.y; }
float length(Vec2 a) { return std::sqrt(dot(a, a)); }

struct Rgb {
  float r = 0, g = 0, b = 0;
};
Rgb mix(Rgb a, Rgb b, float t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}
Rgb scaled(Rgb a, float s) { return {a.r * s, a.g * s, a.b * s}; }

float clamp01(float t) { return t < 0 ? 0 : t > 1 ? 1 : t; }
float smooth(float t) {
  t = clamp01(t);
  return t * t * (3 - 2 * t);
}
float fraction(float t) {  // t - floor(t); floor() is a call where the machine may lack SSE4.1
  const auto whole = static_cast<float>(static_cast<int>(t));
  return t - (t < whole ? whole - 1 : whole);
}

// Hue, saturation and value to red, green and blue (Smith 1978).
Rgb hsv(float hue, float saturation, float value) {
  const auto channel = [&](float offset) {
    const float k = 6 * fraction(hue + offset);
    return value * (1 - saturation * (1 - clamp01(std::fabs(k - 3) - 1)));
  };
  return {channel(0), channel(2 / 3.0f), channel(1 / 3.0f)};
}

// Cosine and sine of an angle in turns: a Taylor series in the quarter turn, good to f32.
float quarter_sine(float z) {  // sin(pi/2 z), |z| <= 1
  const double t = z * 1.57079632679489661923, t2 = t * t;
  double term = t, sum = t;
  for (int k = 1; k <= 6; k++) sum += term = -term * t2 / (2 * k * (2 * k + 1));
  return static_cast<float>(sum);
}
Vec2 direction(float turns) {
  const auto sine = [](float u) {
    const float z = 4 * fraction(u);
    return quarter_sine(z <= 1 ? z : z <= 3 ? 2 - z : z - 4);
  };
  return {sine(turns + 0.25f), sine(turns)};
}

// ---- shapes, in the circle of radius 1

constexpr int kTextures = 6, kBackgrounds = 6;

float disc(Vec2 p, Vec2 centre, float radius) { return length(p - centre) - radius; }

// Exact distance to a polygon: to the nearest edge, with the sign by counting crossings.
template <std::size_t N>
float polygon(Vec2 p, const Vec2 (&v)[N]) {
  float nearest = 1e9f;
  bool inside = false;
  for (std::size_t i = 0, j = N - 1; i < N; j = i++) {
    const Vec2 edge = v[j] - v[i], to = p - v[i];
    const float t = clamp01(dot(to, edge) / dot(edge, edge));
    const Vec2 off{to.x - edge.x * t, to.y - edge.y * t};
    nearest = std::min(nearest, dot(off, off));
    if ((v[i].y > p.y) != (v[j].y > p.y) &&
        p.x < v[i].x + (p.y - v[i].y) * (v[j].x - v[i].x) / (v[j].y - v[i].y))
      inside = !inside;
  }
  const float distance = std::sqrt(nearest);
  return inside ? -distance : distance;
}

constexpr Vec2 kSquare[] = {{-0.7f, -0.7f}, {0.7f, -0.7f}, {0.7f, 0.7f}, {-0.7f, 0.7f}};
constexpr Vec2 kTriangle[] = {{0, -1}, {0.866f, 0.5f}, {-0.866f, 0.5f}};
constexpr Vec2 kStar[] = {
    {0, -1},    {0.247f, -0.340f}, {0.951f, -0.309f}, {0.399f, 0.130f},   {0.588f, 0.809f},
    {0, 0.42f}, {-0.588f, 0.809f}, {-0.399f, 0.130f}, {-0.951f, -0.309f}, {-0.247f, -0.340f}};
constexpr Vec2 kCross[] = {{-0.3f, -0.95f}, {0.3f, -0.95f}, {0.3f, -0.3f},   {0.95f, -0.3f},
                           {0.95f, 0.3f},   {0.3f, 0.3f},   {0.3f, 0.95f},   {-0.3f, 0.95f},
                           {-0.3f, 0.3f},   {-0.95f, 0.3f}, {-0.95f, -0.3f}, {-0.3f, -0.3f}};
constexpr Vec2 kHeartTip[] = {{-0.9f, -0.02f}, {0, -0.45f}, {0.9f, -0.02f}, {0, 0.95f}};
constexpr Vec2 kDropTip[] = {{-0.531f, 0.109f}, {0, -1}, {0.531f, 0.109f}};
constexpr Vec2 kArrow[] = {{0, -1},        {0.8f, -0.1f},  {0.3f, -0.1f}, {0.3f, 0.95f},
                           {-0.3f, 0.95f}, {-0.3f, -0.1f}, {-0.8f, -0.1f}};

float shape_distance(int shape, Vec2 p) {
  switch (shape) {
    case 0:
      return disc(p, {}, 0.85f);
    case 1:
      return polygon(p, kSquare);
    case 2:
      return polygon(p, kTriangle);
    case 3:
      return polygon(p, kStar);
    case 4:
      return polygon(p, kCross);
    case 5:
      return std::fabs(length(p) - 0.65f) - 0.25f;
    case 6:
      return std::min({polygon(p, kHeartTip), disc(p, {-0.47f, -0.33f}, 0.53f),
                       disc(p, {0.47f, -0.33f}, 0.53f)});
    case 7:
      return std::max(disc(p, {}, 0.9f), -disc(p, {0.42f, 0}, 0.7f));
    case 8:
      return std::min(disc(p, {0, 0.36f}, 0.588f), polygon(p, kDropTip));
    default:
      return polygon(p, kArrow);
  }
}

// ---- textures and backgrounds

// A wave of period 1 between 0 and 1 with an edge `width` wide.
float square_wave(float t, float width) {
  const float edge = std::fabs(fraction(t) - 0.5f) - 0.25f;
  return clamp01(0.5f + edge / width);
}
float checks(Vec2 p, float width) {
  const float a = square_wave(p.x, width), b = square_wave(p.y, width);
  return a + b - 2 * a * b;
}

// How much of the second colour is at p, in the shape's own coordinates; `pixel` is a pixel's width there.
float texture_at(int texture, Vec2 p, float pixel) {
  constexpr float kWaves = 1.6f;
  const float width = std::min(1.0f, kWaves * pixel);
  switch (texture) {
    case 1:
      return square_wave(p.x * kWaves, width);
    case 2:
      return checks({p.x * 1.1f, p.y * 1.1f}, width);
    case 3: {
      const Vec2 cell{fraction(p.x * kWaves + 0.5f) - 0.5f, fraction(p.y * kWaves + 0.5f) - 0.5f};
      return clamp01(0.5f - (length(cell) - 0.3f) / width);
    }
    case 4:
      return square_wave(length(p) * 1.7f + 0.25f, width);
    case 5:
      return smooth(0.5f + 0.6f * p.y);
    default:
      return 0;
  }
}

// Value noise: random values on a lattice, smoothly joined.
struct Noise {
  static constexpr int kCells = 6;
  float value[kCells][kCells];
  float at(float x, float y) const {  // 0 <= x, y < kCells - 1
    const int i = static_cast<int>(x), j = static_cast<int>(y);
    const float s = smooth(x - i), t = smooth(y - j);
    const float top = value[j][i] + (value[j][i + 1] - value[j][i]) * s;
    const float low = value[j + 1][i] + (value[j + 1][i + 1] - value[j + 1][i]) * s;
    return top + (low - top) * t;
  }
};

// ---- a scene

struct Scene {
  float factor[kFactors];
  Vec2 axis, slope;  // of the shape, of the background
  Rgb first, second, near, far;
  float detail;  // one more number for the background, 0 to 1
  Noise noise;
};

Scene draw_scene(RandomKey key, std::int64_t index, std::int64_t thing) {
  std::uint32_t words[64];
  for (int block = 0; block < 16; block++) {
    const Philox4 four = draw(key, block, static_cast<std::uint64_t>(index));
    std::memcpy(words + 4 * block, four.v, sizeof four.v);
  }
  if (thing >= 0) {
    const Philox4 four = draw(key, 0, static_cast<std::uint64_t>(thing), 1);
    for (int i : {0, 1, 3}) words[i] = four.v[i];  // shape, texture, hue
  }
  const auto u = [&](int i, float low = 0, float high = 1) {
    return low + (high - low) * uniform_of(words[i]);
  };
  Scene s;
  float* f = s.factor;
  f[kShape] = static_cast<float>(below(words[0], std::size(kShapeNames)));
  f[kTexture] = static_cast<float>(below(words[1], kTextures));
  f[kBackground] = static_cast<float>(below(words[2], kBackgrounds));
  f[kHue] = u(3);
  f[kBackgroundHue] = fraction(f[kHue] + u(4, 0.25f, 0.75f));
  f[kScale] = u(5, 0.42f, 0.72f);
  f[kX] = (1.02f - f[kScale]) * u(6, -1, 1);
  f[kY] = (1.02f - f[kScale]) * u(7, -1, 1);
  f[kRotation] = u(8);
  s.axis = direction(f[kRotation]);
  s.slope = direction(u(9));
  const float saturation = u(10, 0.6f, 0.95f), value = u(11, 0.8f, 1);
  s.first = hsv(f[kHue], saturation, value);
  s.second = words[12] & 1 ? hsv(f[kHue] + 0.06f, 0.25f * saturation, 1)
                           : hsv(f[kHue] - 0.04f, saturation, 0.45f * value);
  const float pale = u(13, 0.2f, 0.55f);
  s.near = hsv(f[kBackgroundHue], pale, u(14, 0.7f, 0.95f));
  s.far = hsv(f[kBackgroundHue] + u(15, -0.08f, 0.08f), pale + 0.2f, u(16, 0.3f, 0.55f));
  s.detail = u(17);
  for (int j = 0, w = 24; j < Noise::kCells; j++)
    for (int i = 0; i < Noise::kCells; i++) s.noise.value[j][i] = u(w++);
  return s;
}

// How much of the far colour is at p, -1 to 1.
float background_at(const Scene& s, Vec2 p) {
  constexpr float kPixel = 2.0f / kSide;
  const float along = dot(p, s.slope);
  switch (static_cast<int>(s.factor[kBackground])) {
    case 0:
      return smooth(0.5f + 0.4f * along);
    case 1: {  // pale towards the horizon from above, dark ground that brightens towards us
      const float horizon = 0.7f * s.detail - 0.1f;
      const float ground = clamp01(0.5f + (p.y + 0.15f * p.x * s.slope.x - horizon) / kPixel);
      return (1 - ground) * 0.3f * (horizon - p.y) + ground * (1 - 0.35f * (p.y - horizon));
    }
    case 2:
      return 0.15f + 0.5f * square_wave(along * (1 + s.detail), 0.25f);
    case 3: {
      const float x = 1 + p.x, y = 1 + p.y;
      return 0.7f * s.noise.at(1.2f * x, 1.2f * y) + 0.4f * s.noise.at(2.4f * x, 2.4f * y);
    }
    case 4:
      return smooth(0.75f * length(p - Vec2{0.6f * s.slope.x, 0.6f * s.slope.y}));
    default:
      return 0.1f + 0.3f * smooth(0.5f + 0.5f * p.y) +
             0.3f * checks({(1 + s.detail) * p.x, (1 + s.detail) * p.y}, 0.12f);
  }
}

std::uint8_t to_byte(float v) { return static_cast<std::uint8_t>(255 * clamp01(v) + 0.5f); }

void render(const Scene& s, std::uint8_t* out) {
  const int shape = static_cast<int>(s.factor[kShape]);
  const int texture = static_cast<int>(s.factor[kTexture]);
  const Vec2 centre{s.factor[kX], s.factor[kY]};
  const float scale = s.factor[kScale], pixel = 2.0f / kSide / scale;
  constexpr float kBlur = 0.28f;
  const Vec2 shadow{0.07f, 0.11f};
  // p of the image to the shape's own coordinates
  const auto inward = [&](Vec2 p) {
    const Vec2 q = p - centre;
    return Vec2{(q.x * s.axis.x + q.y * s.axis.y) / scale,
                (q.y * s.axis.x - q.x * s.axis.y) / scale};
  };
  for (int row = 0; row < kSide; row++)
    for (int column = 0; column < kSide; column++, out += 3) {
      const Vec2 p{(2 * column + 1) / static_cast<float>(kSide) - 1,
                   (2 * row + 1) / static_cast<float>(kSide) - 1};
      Rgb colour = mix(s.near, s.far, background_at(s, p));
      const Vec2 q = inward(p - shadow);
      if (dot(q, q) < 1.35f * 1.35f)
        colour = scaled(colour, 1 - 0.42f * smooth(0.5f - shape_distance(shape, q) / kBlur));
      const Vec2 o = inward(p);
      if (dot(o, o) < 1.2f * 1.2f) {
        const float distance = shape_distance(shape, o), cover = clamp01(0.5f - distance / pixel);
        if (cover > 0) {
          const Rgb paint = mix(s.first, s.second, texture_at(texture, o, pixel));
          // Light from the upper left, and an edge that is a little darker than the middle.
          const float light = 0.94f - 0.13f * ((p.x - centre.x) + (p.y - centre.y)) / scale;
          const float rim = 0.8f + 0.2f * smooth(-distance / 0.22f);
          colour = mix(colour, scaled(paint, light * rim), cover);
        }
      }
      out[0] = to_byte(colour.r);
      out[1] = to_byte(colour.g);
      out[2] = to_byte(colour.b);
    }
}

}  // namespace

void render_scene(RandomKey key, std::int64_t index, std::uint8_t* image, float* factors,
                  std::int64_t thing) {
  const Scene scene = draw_scene(key, index, thing);
  render(scene, image);
  std::memcpy(factors, scene.factor, sizeof scene.factor);
}

}  // namespace lacuna
