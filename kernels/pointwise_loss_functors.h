#pragma once
// pointwise_loss.def as functors, for the kernels of every backend.
#include "math.h"
#include "pointwise_loss.h"

namespace lacuna::functor {

#define LOSS(NAME, FORWARD, DA, DB)             \
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
#include "pointwise_loss.def"

template <class F>
void dispatch(PointwiseLoss kind, F&& f) {
  switch (kind) {
#define LOSS(NAME, ...)     \
  case PointwiseLoss::NAME: \
    return f(NAME{});
#include "pointwise_loss.def"
  }
}

}  // namespace lacuna::functor
