#include "tape.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <ostream>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "../kernels/elementwise.h"
#include "ops/reduce.h"
#include "ops/shape.h"

namespace lacuna {
namespace {

thread_local bool recording = true;
thread_local bool in_recompute = false;
thread_local bool checking_finite = false;
std::atomic<std::uint64_t> next_order{1};

void check_finite(const char* op, const Tensor& y) {
  if (!is_floating(y.dtype())) return;
  checking_finite = false;  // reading the values is made of ops, too
  const auto values = y.to_vector<double>();
  checking_finite = true;
  for (double v : values)
    LACUNA_CHECK(std::isfinite(v), op, "gave the first value that is not finite (", v,
                 "): ", describe("output", y));
}

// a += b; both are contiguous and of one shape.
void add_in_place(const Tensor& a, const Tensor& b) {
  a.storage()->bump_version();
  run<&KernelTable::binary_forward>(BinaryForward{BinaryOp::add, a.array(), a.array(), b.array()},
                                    a.device());
}

// Adds g to the sum that `slot` holds. Storage is written only where the tape is its one owner.
void accumulate(Tensor& slot, Tensor g) {
  if (!slot.defined()) {
    slot = std::move(g);
  } else if (slot.storage().use_count() == 1 && slot.is_contiguous()) {
    add_in_place(slot, contiguous(g));
  } else {
    Tensor sum = contiguous(slot).clone();
    add_in_place(sum, contiguous(g));
    slot = std::move(sum);
  }
}

struct Earlier {
  bool operator()(const Node* a, const Node* b) const { return a->order < b->order; }
};

void deliver(Node& node, Tensor g, const char* from) {
  // What is summed up in f32 for a parameter is rounded for an input that is bf16 itself.
  if (node.dtype == Dtype::bf16 && g.dtype() == Dtype::f32) g = to(g, Dtype::bf16);
  LACUNA_CHECK(g.dtype() == node.dtype && g.device() == node.device, from,
               "backward returned a gradient of another type: got ", describe("gradient", g),
               " for an input ", node.shape, " ", name_of(node.dtype), " ", node.device);
  if (!(g.shape() == node.shape)) {
    LACUNA_CHECK(broadcast(from, node.shape, g.shape()) == g.shape(), from,
                 "backward returned a gradient that does not fit its input: got ",
                 describe("gradient", g), " for an input ", node.shape);
    g = sum_to(g, node.shape);
  }
  accumulate(node.incoming, std::move(g));
}

bool owns_all(const Tensor& t) {
  return t.storage().use_count() == 1 && t.is_contiguous() &&
         t.storage()->bytes() == t.numel() * size_of(t.dtype());
}

// Leaves own their gradient: it is never a view of something else's storage.
void settle_leaf(Node& leaf) {
  if (!leaf.incoming.defined()) return;  // a recompute inside has settled it
  Tensor g = std::move(leaf.incoming);
  leaf.incoming = Tensor();
  if (leaf.grad.defined())
    add_in_place(leaf.grad, contiguous(g));
  else
    leaf.grad = owns_all(g) ? g : g.clone();
}

void check_unused(const Node& node) {
  LACUNA_CHECK(!node.used, node.op,
               "backward has been here before and freed what was saved (pass retain = true to "
               "the first one)");
}

}  // namespace

bool remakeable(const Tensor& t) {
  return t.node() && t.node()->remake && t.node()->version == t.storage()->version();
}

Tensor output_of(const Node& node) {
  check_unused(node);
  node.saved.check_versions(node.op, true);
  NoGrad guard;
  return node.remake(node);
}

Saved::Saved(const std::vector<Tensor>& tensors) {
  tensors_.reserve(tensors.size());
  versions_.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    const bool keep = t.defined() && !remakeable(t);
    if (t.defined() && !keep) makers_.emplace_back(tensors_.size(), t.node());
    tensors_.push_back(keep ? t.detach() : Tensor());
    versions_.push_back(keep ? t.storage()->version() : 0);
  }
}

void Saved::restore() {
  const Node* last = nullptr;
  Tensor made;
  for (const auto& [i, node] : makers_) {
    if (node.get() != last) made = output_of(*node);
    last = node.get();
    tensors_[i] = made;
    versions_[i] = made.storage()->version();
  }
  makers_.clear();
}

void Saved::check_versions(const char* op, bool for_remake) const {
  for (std::size_t i = 0; i + (for_remake ? 0 : for_remake_) < tensors_.size(); i++)
    LACUNA_CHECK(!tensors_[i].defined() || tensors_[i].storage()->version() == versions_[i], op,
                 "a tensor that backward needs was changed in place after forward: got ",
                 describe("saved tensor", tensors_[i]), " at version ",
                 tensors_[i].storage()->version(), ", saved at ", versions_[i]);
}

void Saved::clear() {
  tensors_.clear();
  versions_.clear();
  makers_.clear();
  attributes_.reset();
}

Node::~Node() {
  // Dropping the last output of a long chain would recurse once a node; this unwinds it with a list instead. What a node saved
  // may hold inputs, too.
  std::vector<std::shared_ptr<Node>> doomed = std::move(inputs);
  saved.clear();
  while (!doomed.empty()) {
    std::shared_ptr<Node> node = std::move(doomed.back());
    doomed.pop_back();
    if (node && node.use_count() == 1) {
      for (auto& input : node->inputs) doomed.push_back(std::move(input));
      node->inputs.clear();
      node->saved.clear();
    }
  }
}

Tensor record(const char* op, Tensor y, const std::vector<Tensor>& inputs, Saved saved,
              Backward backward, Remake remake) {
  if (checking_finite) check_finite(op, y);
  if (!recording || !is_floating(y.dtype())) return y;
  const bool needed =
      std::any_of(inputs.begin(), inputs.end(), [](const Tensor& t) { return t.needs_grad(); });
  if (!needed) return y;
  auto node = std::make_shared<Node>();
  node->op = op;
  node->order = next_order.fetch_add(1, std::memory_order_relaxed);
  node->inputs.reserve(inputs.size());
  for (const Tensor& t : inputs) node->inputs.push_back(t.node());
  // Only of what is there: else a long chain of such ops would keep its first tensor alone, and make all others one by one.
  node->remake = saved.holds_all() ? remake : nullptr;
  node->saved = std::move(saved);
  node->backward = backward;
  node->version = y.storage()->version();
  node->shape = y.shape();
  node->dtype = y.dtype();
  node->device = y.device();
  y.set_node(std::move(node));
  return y;
}

void backward(const Tensor& loss, bool retain) {
  LACUNA_CHECK(loss.defined() && loss.numel() == 1, "backward",
               "without an upstream gradient needs a tensor of one element: got ",
               describe("loss", loss));
  backward(loss, Tensor::full(loss.shape(), 1, loss.dtype(), loss.device()), retain);
}

void backward(const Tensor& y, const Tensor& dy, bool retain) {
  LACUNA_CHECK(y.defined() && y.node(), "backward",
               "nothing to differentiate: no leaf that requires a gradient leads to ",
               describe("y", y));
  LACUNA_CHECK(dy.shape() == y.shape(), "backward",
               "the upstream gradient must have y's shape: got ", describe("y", y), ", ",
               describe("dy", dy));
  NoGrad guard;
  deliver(*y.node(), dy.detach(), "backward");
  std::priority_queue<Node*, std::vector<Node*>, Earlier> ready;
  std::unordered_set<Node*> queued{y.node().get()};
  std::vector<std::shared_ptr<Node>> alive{
      y.node()};    // a node must outlive its turn when its consumer lets go of it
  struct Cleanup {  // a backward that fails half-way must not leave its gradients to the next one
    const std::vector<std::shared_ptr<Node>>& nodes;
    ~Cleanup() {
      for (const auto& node : nodes) node->incoming = Tensor();
    }
  } cleanup{alive};
  ready.push(y.node().get());
  while (!ready.empty()) {
    Node& node = *ready.top();
    ready.pop();
    if (!node.backward) {
      settle_leaf(node);
      continue;
    }
    check_unused(node);
    node.saved.check_versions(node.op);
    Needs needs;
    for (std::size_t i = 0; i < node.inputs.size(); i++)
      needs.bits |= std::uint64_t{node.inputs[i] != nullptr} << i;
    Gradients gradients;
    if (retain) {
      Saved copy = node.saved;
      copy.restore();
      gradients = node.backward(copy, std::move(node.incoming), needs);
    } else {
      node.saved.restore();
      node.used = true;  // at once: a backward that fails may have let go of some already
      gradients = node.backward(node.saved, std::move(node.incoming), needs);
      node.saved.clear();
    }
    node.incoming = Tensor();
    LACUNA_CHECK(gradients.size() == node.inputs.size(), node.op,
                 "backward must return one gradient an input: got ", gradients.size(), " for ",
                 node.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); i++) {
      Node* input = node.inputs[i].get();
      if (!input) continue;
      LACUNA_CHECK(gradients[i].defined(), node.op, "backward returned no gradient for input ", i,
                   ", which needs one");
      if (checking_finite) check_finite(node.op, gradients[i]);
      if (queued.insert(input).second) {
        ready.push(input);
        alive.push_back(node.inputs[i]);
      }
      deliver(*input, std::move(gradients[i]), node.op);
    }
  }
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }
bool grad_enabled() { return recording; }
bool recomputing() { return in_recompute; }
CheckFinite::CheckFinite() : before_(checking_finite) { checking_finite = true; }
CheckFinite::~CheckFinite() { checking_finite = before_; }

namespace {
struct Recompute {
  std::function<Tensor(const std::vector<Tensor>&)> f;
};

Gradients recompute_backward(Saved& saved, Tensor dy, Needs needs) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < saved.tensors().size(); i++) {
    Tensor x = saved[i];
    if (needs[static_cast<int>(i)]) x.requires_grad();
    inputs.push_back(x);
  }
  const bool outer = in_recompute;
  Tensor y;
  try {
    recording = in_recompute = true;
    y = saved.attributes<Recompute>().f(inputs);
    in_recompute = outer;
    if (y.node()) backward(y, dy);
  } catch (...) {
    recording = false;
    in_recompute = outer;
    throw;
  }
  recording = false;
  Gradients gradients;
  for (std::size_t i = 0; i < inputs.size(); i++) {
    Tensor g = inputs[i].grad();
    if (needs[static_cast<int>(i)] && !g.defined())
      g = Tensor::zeros(inputs[i].shape(), inputs[i].dtype(), inputs[i].device());
    gradients.push_back(g);
  }
  return gradients;
}
}  // namespace

Tensor recompute(std::function<Tensor(const std::vector<Tensor>&)> f,
                 const std::vector<Tensor>& inputs) {
  if (!recording) return f(inputs);
  Tensor y;
  {
    NoGrad guard;
    y = f(inputs);
  }
  auto node = std::make_shared<Node>();
  node->op = "recompute";
  node->order = next_order.fetch_add(1, std::memory_order_relaxed);
  for (const Tensor& t : inputs) node->inputs.push_back(t.node());
  node->saved = Saved(inputs).with(Recompute{std::move(f)});
  node->backward = recompute_backward;
  node->shape = y.shape();
  node->dtype = y.dtype();
  node->device = y.device();
  y = y.detach();
  y.set_node(std::move(node));
  return y;
}

namespace {
template <class F>
void each_node(const Tensor& y, F&& f) {
  std::unordered_set<const Node*> seen;
  std::vector<const Node*> stack;
  if (y.node()) stack.push_back(y.node().get());
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    if (!seen.insert(node).second) continue;
    f(*node);
    for (const auto& input : node->inputs)
      if (input) stack.push_back(input.get());
  }
}
}  // namespace

TapeStats tape_stats(const Tensor& y) {
  TapeStats stats;
  std::unordered_set<const Storage*> storages;
  each_node(y, [&](const Node& node) {
    stats.ops += node.backward != nullptr;
    for (const Tensor& t : node.saved.tensors())
      if (t.defined() && storages.insert(t.storage().get()).second)
        stats.saved_bytes += static_cast<std::int64_t>(t.storage()->bytes());
  });
  return stats;
}

void draw_tape(const Tensor& y, std::ostream& out) {
  out << "digraph tape {\n  rankdir=BT;\n  node [shape=box, fontname=\"monospace\"];\n";
  std::unordered_map<const Node*, int> names;
  const auto name = [&](const Node* n) {
    return names.emplace(n, static_cast<int>(names.size())).first->second;
  };
  each_node(y, [&](const Node& node) {
    std::int64_t bytes = 0;
    for (const Tensor& t : node.saved.tensors())
      if (t.defined()) bytes += t.numel() * static_cast<std::int64_t>(size_of(t.dtype()));
    out << "  n" << name(&node) << " [label=\"" << node.op << "\\n"
        << node.shape << ' ' << name_of(node.dtype);
    if (bytes) out << "\\nsaves " << bytes << " B";
    out << '"' << (node.backward ? "" : ", style=filled, fillcolor=lightgrey") << "];\n";
    for (const auto& input : node.inputs)
      if (input) out << "  n" << name(input.get()) << " -> n" << name(&node) << ";\n";
  });
  out << "}\n";
}

Tensor reuse_or_empty(const Tensor& dy) {
  if (dy.storage().use_count() == 1 && dy.is_contiguous()) return dy.detach();
  return Tensor::empty(dy.shape(), dy.dtype(), dy.device());
}

}  // namespace lacuna
