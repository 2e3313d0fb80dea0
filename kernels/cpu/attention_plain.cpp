// Attention by plain loops in f64, a head a thread: the reference.
#include <cmath>
#include <limits>
#include <vector>

#include "attention.h"
#include "parallel.h"

namespace lacuna::cpu {
namespace {

using std::int64_t;
using Doubles = HeadRows<const double>;

double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t c = 0; c < n; c++) sum += a[c] * b[c];
  return sum;
}

void add(double* to, double factor, const double* from, int64_t n) {
  for (int64_t c = 0; c < n; c++) to[c] += factor * from[c];
}

template <class Args>
struct PlainHead {
  const Args& a;
  AttentionHead head;
  AttentionBand band;
  Doubles q, k, v;
  BernoulliThreshold keep;
  double* lse;

  PlainHead(const Args& args, int64_t number)
      : a(args),
        head(args, number),
        band(head.keys()),
        q(head.of<const double>(a.q)),
        k(head.of<const double>(a.k)),
        v(head.of<const double>(a.v)),
        keep(1 - a.dropout.p),
        lse(a.lse.template as<double>() + number * head.sq) {}

  // f(key, score) for the keys that query i sees.
  template <class F>
  void each_key(int64_t i, F&& f) const {
    const auto row = static_cast<std::int32_t>(i);
    for (int64_t j = band.begin(row); j < band.end(row); j++)
      if (head.block(i, j)) f(j, a.scale * dot(q[i], k[j], head.d));
  }
  double kept(int64_t i, int64_t j) const {
    if (a.dropout.p == 0) return 1;
    return keep(draw_word(a.dropout.key, head.element(i, j), head.id, head.view))
               ? keep_scale(a.dropout)
               : 0;
  }
};

}  // namespace

void attention_forward_plain(const AttentionForward& a) {
  parallel_for(a.q.dim(0) * a.q.dim(1), 1, [&](int64_t begin, int64_t end) {
    for (int64_t number = begin; number < end; number++) {
      const PlainHead h(a, number);
      const HeadRows<double> y = h.head.template of<double>(a.y);
      for (int64_t i = 0; i < h.head.sq; i++) {
        double max = -std::numeric_limits<double>::infinity(), sum = 0;
        h.each_key(i, [&](int64_t, double s) { max = s > max ? s : max; });
        const double shift = std::isinf(max) && max < 0 ? 0 : max;
        for (int64_t c = 0; c < h.head.d; c++) y[i][c] = 0;
        h.each_key(i, [&](int64_t j, double s) {
          const double p = std::exp(s - shift);
          sum += p;
          add(y[i], p * h.kept(i, j), h.v[j], h.head.d);
        });
        for (int64_t c = 0; c < h.head.d; c++) y[i][c] *= sum == 0 ? 0 : 1 / sum;
        h.lse[i] = shift + std::log(sum);
      }
    }
  });
}

void attention_backward_plain(const AttentionBackward& a) {
  parallel_for(a.q.dim(0) * a.q.dim(1), 1, [&](int64_t begin, int64_t end) {
    for (int64_t number = begin; number < end; number++) {
      const PlainHead h(a, number);
      const int64_t sq = h.head.sq, sk = h.head.sk, d = h.head.d;
      const Doubles y = h.head.template of<const double>(a.y),
                    dy = h.head.template of<const double>(a.dy);
      std::vector<double> dq(sq * d), dk(sk * d), dv(sk * d);
      for (int64_t i = 0; i < sq; i++) {
        const double delta = dot(y[i], dy[i], d);
        h.each_key(i, [&](int64_t j, double s) {
          const double p = std::isinf(h.lse[i]) ? 0 : std::exp(s - h.lse[i]), keep = h.kept(i, j);
          const double ds = p * (keep * dot(dy[i], h.v[j], d) - delta) * a.scale;
          add(&dq[i * d], ds, h.k[j], d);
          add(&dk[j * d], ds, h.q[i], d);
          add(&dv[j * d], p * keep, dy[i], d);
        });
      }
      const auto write = [&](const Array& to, const std::vector<double>& from, int64_t rows) {
        if (!to) return;
        const HeadRows<double> out = h.head.template of<double>(to);
        for (int64_t i = 0; i < rows; i++)
          for (int64_t c = 0; c < d; c++) out[i][c] = from[i * d + c];
      };
      write(a.dq, dq, sq);
      write(a.dk, dk, sk);
      write(a.dv, dv, sk);
    }
  });
}

}  // namespace lacuna::cpu
