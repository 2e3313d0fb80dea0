#include "kv_cache.h"

#include "../tape.h"
#include "shape.h"

namespace lacuna {

KvCache::KvCache(std::int64_t batch, std::int64_t heads, std::int64_t capacity, std::int64_t depth,
                 Device device, Dtype dtype) {
  LACUNA_CHECK(batch >= 0 && heads >= 0 && capacity >= 0 && depth >= 1, "kv_cache",
               "needs sizes of at least 0 and a depth of at least 1: got batch ", batch, ", heads ",
               heads, ", capacity ", capacity, ", depth ", depth);
  k_ = Tensor::empty({batch, heads, capacity, depth}, dtype, device);
  v_ = Tensor::empty({batch, heads, capacity, depth}, dtype, device);
}

void KvCache::append(const Tensor& k, const Tensor& v) {
  const NoGrad guard;
  const auto text = [&] {
    return describe("k", k) + ", " + describe("v", v) + " for " + describe("cache", k_);
  };
  LACUNA_CHECK(k.defined() && v.defined(), "kv_cache", "a tensor is undefined");
  const auto fits = [&](const Tensor& t) {
    return t.ndim() == 4 && t.dim(0) == k_.dim(0) && t.dim(1) == k_.dim(1) &&
           t.dim(3) == k_.dim(3) && t.dtype() == k_.dtype() && t.device() == k_.device();
  };
  LACUNA_CHECK(fits(k) && fits(v) && k.dim(2) == v.dim(2), "kv_cache",
               "needs k and v (batch, heads, tokens, depth) of the cache's sizes, type and device: "
               "got ",
               text());
  const std::int64_t end = length_ + k.dim(2);
  LACUNA_CHECK(end <= capacity(), "kv_cache", "there is room for ", capacity(), " tokens: got ",
               k.dim(2), " more than the ", length_, " that are there");
  slice(k_, 2, length_, end).copy_from(k.detach());
  slice(v_, 2, length_, end).copy_from(v.detach());
  length_ = end;
}

Tensor KvCache::attend(const Tensor& q, const Tensor& k, const Tensor& v,
                       const AttentionOptions& options) {
  const NoGrad guard;
  append(k, v);
  return attention(q, keys(), values(), options);
}

Tensor KvCache::keys() const { return slice(k_, 2, 0, length_); }
Tensor KvCache::values() const { return slice(v_, 2, 0, length_); }

void KvCache::reset(std::int64_t length) {
  LACUNA_CHECK(length >= 0 && length <= length_, "kv_cache", "can forget down to 0 to ", length_,
               " tokens: got ", length);
  length_ = length;
}

}  // namespace lacuna
