#pragma once
// What the protocols of evaluation judge: vectors of samples beside their labels, from a frozen network or from the data as it is.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "task.h"

namespace lacuna {

/// One vector a sample of a whole source, in its order.
struct Features {
  Tensor x;                          // (n, d) f32
  std::vector<std::int64_t> labels;  // (n), or none

  std::int64_t size() const { return x.dim(0); }
  std::int64_t width() const { return x.dim(1); }
};

/// Something that makes vectors of samples and is judged by them: (N, d) f32 of a batch, which is on the device.
struct Subject {
  std::string name;
  std::function<Tensor(const Batch&)> represent;
  const Module* backbone = nullptr;  // which must not move meanwhile; nullptr: there is none
};

/// Task::represent, frozen: nothing is augmented or recorded, and BatchNorm and dropout are in evaluation. The task outlives it.
Subject network(const std::string& name, Task& task);
/// Each sample as it is: pixels of "image" on [0, 1] in a row, of views of another size as many as `train` has; of text how
/// often each of the tokens that occur in `train` stands in a row (a bag of words; of more than 65,536 samples so many are
/// looked through). Fails on a source of neither.
Subject raw(const Source& train);

/// Whether each sample is of one of at least two classes: the source has a "label" a sample, and names for them.
bool has_classes(const Source& source);

/// Samples `ids` of a source, some at once, on `device`; without labels where it has none. Fails where there is no sample, where a
/// label is none of the source's classes, and where a vector holds a number that is not finite.
Features vectors_of(const Subject& subject, const Source& source,
                    const std::vector<std::int64_t>& ids, Device device = {});
/// The same, and all samples in order, of a source that must have labels.
Features features_of(const Subject& subject, const Source& source,
                     const std::vector<std::int64_t>& ids, Device device = {});
Features features_of(const Subject& subject, const Source& source, Device device = {});

/// How many numbers a vector has. Fails on a source without samples.
std::int64_t width_of(const Subject& subject, const Source& source, Device device = {});

/// FNV-1a (Fowler, Noll, Vo) over names and bytes of every parameter and buffer.
std::uint64_t hash_of(const Module& module);

/// Holds a backbone to what it promises: to stay as it is while something is learned on top of it.
class Unmoved {
 public:
  /// nullptr: there is no backbone. It must outlive this.
  Unmoved(const std::string& name, const Module* backbone);
  explicit Unmoved(const Subject& subject) : Unmoved(subject.name, subject.backbone) {}
  /// RunError where the backbone is no longer what it was at first.
  void check() const;
  /// Of the backbone at first; 0 where there is none.
  std::uint64_t hash() const { return hash_; }

 private:
  std::string name_;
  const Module* backbone_;
  std::uint64_t hash_;
};

}  // namespace lacuna
