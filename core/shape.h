#pragma once
// Sizes of a tensor's dimensions (or its strides, in elements): up to eight, held in place.
#include <initializer_list>
#include <ostream>

#include "../kernels/array.h"

namespace lacuna {

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(dims.begin(), dims.end()) {}
  template <class It>
  Shape(It begin, It end) {
    for (; begin != end; ++begin) push_back(*begin);
  }

  int size() const { return n_; }
  bool empty() const { return n_ == 0; }
  std::int64_t& operator[](int i) { return d_[i]; }
  std::int64_t operator[](int i) const { return d_[i]; }
  std::int64_t back() const { return d_[n_ - 1]; }
  const std::int64_t* begin() const { return d_; }
  const std::int64_t* end() const { return d_ + n_; }
  void push_back(std::int64_t d) {
    LACUNA_CHECK(n_ < kMaxDims, "shape", "a tensor has at most ", kMaxDims, " dimensions");
    d_[n_++] = d;
  }

  /// Product of the sizes; 1 for no dimensions.
  std::int64_t numel() const {
    std::int64_t n = 1;
    for (auto d : *this) n *= d;
    return n;
  }
  /// Row-major strides.
  Shape strides() const {
    Shape s = *this;
    std::int64_t step = 1;
    for (int i = n_ - 1; i >= 0; i--) {
      s[i] = step;
      step *= d_[i];
    }
    return s;
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.n_ != b.n_) return false;
    for (int i = 0; i < a.n_; i++)
      if (a.d_[i] != b.d_[i]) return false;
    return true;
  }
  /// "(8, 32, 32, 3)"
  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '(';
    for (int i = 0; i < s.n_; i++) out << (i ? ", " : "") << s.d_[i];
    return out << ')';
  }

 private:
  std::int64_t d_[kMaxDims] = {};
  int n_ = 0;
};

/// The shape that NumPy's broadcasting gives a and b, or an Error of `op` that names both.
Shape broadcast(const char* op, const Shape& a, const Shape& b);

/// Index of dimension d of a tensor of n dimensions, negative from the back; an Error of `op` where it is out of range.
int wrap_dim(const char* op, int d, int n);

}  // namespace lacuna
