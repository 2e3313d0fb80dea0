#pragma once
// elementwise.def as functors, for the kernels of every backend.
#include "elementwise.h"
#include "math.h"

namespace lacuna::functor {

#define UNARY(NAME, FORWARD, GRADIENT, ...)        \
  struct NAME {                                    \
    template <class T>                             \
    LACUNA_MATH static T forward(T x, T a, T b) {  \
      return FORWARD;                              \
    }                                              \
    template <class T>                             \
    LACUNA_MATH static T gradient(T x, T a, T b) { \
      return GRADIENT;                             \
    }                                              \
  };
#define UNARY_Y(NAME, FORWARD, GRADIENT, ...)      \
  struct NAME {                                    \
    template <class T>                             \
    LACUNA_MATH static T forward(T x, T a, T b) {  \
      return FORWARD;                              \
    }                                              \
    template <class T>                             \
    LACUNA_MATH static T gradient(T y, T a, T b) { \
      return GRADIENT;                             \
    }                                              \
  };
#define BINARY(NAME, FORWARD, DA, DB, ...)      \
  struct NAME {                                 \
    template <class T>                          \
    LACUNA_MATH static T forward(T a, T b) {    \
      return FORWARD;                           \
    }                                           \
    template <class T>                          \
    LACUNA_MATH static T gradient_a(T a, T b) { \
      return DA;                                \
    }                                           \
    template <class T>                          \
    LACUNA_MATH static T gradient_b(T a, T b) { \
      return DB;                                \
    }                                           \
  };
#define COMPARE(NAME, EXPRESSION)            \
  struct NAME {                              \
    template <class T>                       \
    LACUNA_MATH static bool test(T a, T b) { \
      return EXPRESSION;                     \
    }                                        \
  };
#include "elementwise.def"

/// Calls f(functor) for the functor of a kind.
template <class F>
constexpr void dispatch(UnaryOp kind, F&& f) {
  switch (kind) {
#define UNARY(NAME, ...) \
  case UnaryOp::NAME:    \
    return f(NAME{});
#include "elementwise.def"
  }
}
template <class F>
constexpr void dispatch(BinaryOp kind, F&& f) {
  switch (kind) {
#define BINARY(NAME, ...) \
  case BinaryOp::NAME:    \
    return f(NAME{});
#include "elementwise.def"
  }
}
template <class F>
void dispatch_integers(BinaryOp kind, F&& f) {
  switch (kind) {
#define BINARY(NAME, ...) \
  case BinaryOp::NAME:    \
    return;
#define BINARY_ANY(NAME, ...) \
  case BinaryOp::NAME:        \
    return f(NAME{});
#include "elementwise.def"
  }
}
template <class F>
void dispatch(CompareOp kind, F&& f) {
  switch (kind) {
#define COMPARE(NAME, ...) \
  case CompareOp::NAME:    \
    return f(NAME{});
#include "elementwise.def"
  }
}

}  // namespace lacuna::functor
