#pragma once
// Elementwise ops: the formulas are in kernels/elementwise.def. Floating point unless said otherwise; binary ones broadcast
// as NumPy does, and take integers where elementwise.def says so.
#include "../tensor.h"

namespace lacuna {

#define UNARY(name, ...) Tensor name(const Tensor& x);
#define UNARY_A(name, ...) Tensor name(const Tensor& x, double a);
#define UNARY_AB(name, ...) Tensor name(const Tensor& x, double a, double b);
#define BINARY(name, ...) Tensor name(const Tensor& a, const Tensor& b);
#define COMPARE(name, ...) Tensor name(const Tensor& a, const Tensor& b);
#include "../../kernels/elementwise.def"

/// condition ? a : b, with broadcasting; condition is bool. The gradient goes to the side that was taken.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }
inline Tensor operator+(const Tensor& x, double b) { return affine(x, 1, b); }
inline Tensor operator-(const Tensor& x, double b) { return affine(x, 1, -b); }
inline Tensor operator*(const Tensor& x, double a) { return affine(x, a, 0); }
inline Tensor operator/(const Tensor& x, double a) { return affine(x, 1 / a, 0); }
inline Tensor operator+(double b, const Tensor& x) { return affine(x, 1, b); }
inline Tensor operator-(double b, const Tensor& x) { return affine(x, -1, b); }
inline Tensor operator*(double a, const Tensor& x) { return affine(x, a, 0); }

}  // namespace lacuna
