#pragma once
// How data reaches a task. A data set is a Source; a loader turns it into Batches; a task reads a Batch's named tensors.
// datasets/ makes them, ssl/ uses them, and neither knows the other.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tensor.h"

namespace lacuna {

/// Named tensors with one row a sample. Images are "image": (N, H, W, C) u8; classes are "label": (N) i64.
struct Batch {
  std::map<std::string, Tensor> fields;
  std::vector<std::int64_t> ids;  // sample id of each row: its index in the source

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
  bool has(const std::string& name) const { return fields.count(name) != 0; }
  /// Fails with the names there are.
  const Tensor& operator[](const std::string& name) const;
  Batch to(Device device) const;
};

struct Field {
  std::string name;
  Dtype dtype = Dtype::u8;
  Shape shape;  // of one sample
};

/// A finite collection of samples, each a pure function of its index.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::int64_t size() const = 0;
  virtual std::vector<Field> fields() const = 0;
  /// Writes sample `index`: out[k] receives field k, packed row-major. Called from several threads at once.
  virtual void read(std::int64_t index, std::span<std::byte* const> out) const = 0;
  /// Names of the values of "label"; empty where there are none.
  virtual std::vector<std::string> classes() const { return {}; }
  /// What error texts and logs call it: "cifar10:DIR (train)".
  virtual std::string name() const = 0;
};

/// Samples `ids` of a source, in that order.
Batch read_batch(const Source& source, const std::vector<std::int64_t>& ids);

/// An endless stream of batches, a pure function of the batch's number: epoch e is batches e * per_epoch() and on.
class Batches {
 public:
  virtual ~Batches() = default;
  virtual std::int64_t per_epoch() const = 0;
  virtual std::int64_t batch_size() const = 0;
  virtual const Source& source() const = 0;
  /// The next batch is number `step`. O(1).
  virtual void seek(std::int64_t step) = 0;
  virtual Batch next() = 0;
};

}  // namespace lacuna
