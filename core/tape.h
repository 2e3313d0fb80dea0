#pragma once
// The tape: which op made a tensor, from what, and how its gradient flows back.
//
// An op is two adjacent free functions in core/ops/<stem>.cpp:
//
//   static Gradients softmax_backward(Saved& saved, Tensor dy, Needs) { ...; return {dx}; }
//   Tensor softmax(const Tensor& x) { ...; return record("softmax", y, {x}, Saved{y}, softmax_backward); }
//
// Backward returns one gradient an input (undefined where Needs says nobody asks), of the op's broadcast shape at most:
// the engine alone sums broadcast dimensions away, accumulates, and checks shape, dtype and device. A gradient may come in
// f32 for a bf16 input.
#include <any>
#include <functional>
#include <iosfwd>
#include <utility>
#include <vector>

#include "tensor.h"

namespace lacuna {

struct Node;

/// What an op keeps for its backward: tensors, held as storage and version, so that bytes can be counted; and one plain struct of
/// attributes. Of a tensor that can be made again (remakeable()), only its op's node is kept: an earlier one, so that no cycle can
/// form. The tape makes such tensors again before a backward runs, for each op that asks.
class Saved {
 public:
  Saved() = default;
  Saved(std::initializer_list<Tensor> tensors) : Saved(std::vector<Tensor>(tensors)) {}
  explicit Saved(const std::vector<Tensor>& tensors);

  template <class A>
  Saved&& with(const A& attributes) && {
    attributes_ = attributes;
    return std::move(*this);
  }
  template <class A>
  const A& attributes() const {
    return *std::any_cast<A>(&attributes_);
  }
  /// The last `count` tensors serve Node::remake alone: that they changed is no error where nobody asks for it.
  Saved&& last_for_remake(std::size_t count) && {
    for_remake_ = count;
    return std::move(*this);
  }
  const Tensor& operator[](std::size_t i) const { return tensors_[i]; }
  /// Moves a tensor out, so that an op may become the last owner of its storage.
  Tensor take(std::size_t i) { return std::move(tensors_[i]); }
  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// Fails with the op's name where a saved tensor was changed in place since, that backward needs, or a remake.
  void check_versions(const char* op, bool for_remake = false) const;
  /// Makes what was not kept.
  void restore();
  bool holds_all() const { return makers_.empty(); }
  void clear();

 private:
  std::vector<Tensor> tensors_;
  std::vector<std::uint32_t> versions_;
  std::vector<std::pair<std::size_t, std::shared_ptr<Node>>> makers_;  // of tensors_[first]
  std::size_t for_remake_ = 0;
  std::any attributes_;
};

/// Which inputs want a gradient.
struct Needs {
  std::uint64_t bits = 0;
  bool operator[](int input) const { return bits >> input & 1; }
};

using Gradients = std::vector<Tensor>;
using Backward = Gradients (*)(Saved&, Tensor dy, Needs);
/// An op's output again, the same bits, from what it saved.
using Remake = Tensor (*)(const Node&);

struct Node {
  const char* op = "leaf";
  std::uint64_t order = 0;                    // later ops have larger numbers
  std::vector<std::shared_ptr<Node>> inputs;  // null where that input is a constant
  Saved saved;
  Backward backward = nullptr;  // null for a leaf
  Remake remake = nullptr;      // null where the output cannot be made again, or at too high a cost
  std::uint32_t version = 0;    // of the output's storage, as the op left it
  Shape shape;                  // of the op's output
  Dtype dtype = Dtype::f32;
  Device device;
  Tensor grad;        // a leaf's accumulated gradient
  Tensor incoming;    // during backward: the sum of what has arrived so far
  bool used = false;  // backward has been here and freed what was saved

  ~Node();  // iterative: a chain of any length can be dropped
};

/// Puts an op on the tape if gradients are recorded and an input needs one; returns y with its place on it.
/// With check_finite on, fails where y is not finite, naming the op. An op that is cheap beside the memory of its output, and
/// does not save that output itself, gives a `remake`: those that save the output will not hold it.
Tensor record(const char* op, Tensor y, const std::vector<Tensor>& inputs, Saved saved,
              Backward backward, Remake remake = nullptr);

/// Whether t is what an op with a remake gave, unchanged since.
bool remakeable(const Tensor& t);
/// The output of a node that has a remake, made again.
Tensor output_of(const Node& node);

/// Gradients of a one-element tensor (with respect to every leaf behind it), added to each leaf's grad().
/// What the tape saved is freed on the way unless `retain`; a second backward then fails.
void backward(const Tensor& loss, bool retain = false);
/// The same for any tensor, with an upstream gradient of its shape.
void backward(const Tensor& y, const Tensor& dy, bool retain = false);

/// While one is alive nothing is recorded in this thread.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

/// y = f(inputs) without saving what f's ops would save: f runs again in backward (gradient checkpointing). f must be a
/// pure function of its inputs, of leaves and of a Context, whose random numbers come out the same again.
Tensor recompute(std::function<Tensor(const std::vector<Tensor>&)> f,
                 const std::vector<Tensor>& inputs);
/// True while recompute() runs its f again: what f changed in place (running statistics) was changed the first time.
bool recomputing();

/// While one lives, every op's output in this thread is checked for NaN and infinity: slow, for finding the first bad op.
class CheckFinite {
 public:
  CheckFinite();
  ~CheckFinite();
  CheckFinite(const CheckFinite&) = delete;
  CheckFinite& operator=(const CheckFinite&) = delete;

 private:
  bool before_;
};

struct TapeStats {
  std::int64_t ops = 0;
  std::int64_t saved_bytes = 0;  // distinct storages
};
TapeStats tape_stats(const Tensor& y);

/// The tape behind y in Graphviz's DOT: op, output shape, saved bytes.
void draw_tape(const Tensor& y, std::ostream& out);

/// dy's storage for a result of dy's shape where this op owns it alone (it was moved in), or a new tensor. For backwards
/// whose kernels may work in place.
Tensor reuse_or_empty(const Tensor& dy);

}  // namespace lacuna
