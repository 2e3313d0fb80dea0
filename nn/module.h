#pragma once
// A module is a piece of a network: tensors that are learned (parameters), tensors that are only kept (buffers), and
// other modules inside it (children), all by name. It says what it has in one place:
//
//   class Linear : public Module {
//    public:
//     Tensor weight, bias;
//     Tensor forward(Context&, const Tensor& x) override { return linear(x, weight, bias); }
//     void members(Members& m) override {
//       m.parameter("weight", weight, {out, in}, init::fan_in_uniform(in));
//       m.parameter("bias", bias, {out}, init::fan_in_uniform(in));
//     }
//   };
//
// and everything else follows from that: initial values, parameters("encoder.0.weight"), state dicts, devices. A model
// is made, then initialized once as a whole, which allocates its tensors, draws their values and tells every module its path:
//
//   ConvAutoencoder model({});
//   model.initialize(seed);
//   Adam adam(model.parameters(), {.lr = 1e-3});
//   Tensor y = model.forward(context, x);
//
// Training or not is Context::training: a module has no mode of its own.
#include <string>
#include <vector>

#include "../core/context.h"
#include "init.h"
#include "state.h"

namespace lacuna {

class Module;

/// What a module's members() fills in.
class Members {
 public:
  /// A tensor that is learned, f32.
  void parameter(const std::string& name, Tensor& tensor, const Shape& shape,
                 const Initializer& initializer);
  /// A tensor that is kept and saved, but not learned: f32, all `value` at first.
  void buffer(const std::string& name, Tensor& tensor, const Shape& shape, double value);
  void child(const std::string& name, Module& module);

 private:
  friend class Module;
  struct Entry {
    std::string name;
    Tensor* tensor;
    Shape shape;
    Initializer initializer;
    bool learned;
  };
  std::string prefix_;  // "encoder.0." while its members are being listed
  std::vector<Entry> entries_;
  std::vector<std::pair<std::string, Module*>> modules_;  // path and module, the root first
};

class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  Module(const Module&) =
      delete;  // copies would share parameters; use load_state_dict(other.state_dict())
  Module& operator=(const Module&) = delete;

  /// Modules that take anything but one tensor declare a forward of their own, and this one fails.
  virtual Tensor forward(Context& context, const Tensor& x);
  /// Lists parameters, buffers and children, always the same in the same order. Leaves have none.
  virtual void members(Members&) {}

  /// One line of JSON from which make_backbone() (backbones/registry.h) builds this module again, for the metadata of
  /// checkpoints; empty for modules that are not backbones.
  virtual std::string architecture() const { return ""; }

  /// Allocates every tensor on cpu, draws parameters (stream: their path), and gives each module its path. `path` is the
  /// root's own, for a module that is a part of something that is not a Module.
  void initialize(std::uint64_t seed, const std::string& path = "");
  bool initialized() const;
  /// "encoder.3"; "" for a root. The stream of what is random in forward (dropout).
  const std::string& path() const { return path_; }

  /// In the order of members(), depth first; names are relative to this module.
  std::vector<NamedTensor> parameters() const;
  std::vector<NamedTensor> buffers() const;
  /// Number of learned values. Needs no initialize().
  std::int64_t parameter_count() const;

  /// Parameters and buffers by name, sharing storage with the module.
  StateDict state_dict() const;
  /// Copies values in; dtype and device may differ. One error lists all names that are missing, unexpected or of another
  /// shape, and nothing is changed then.
  void load_state_dict(const StateDict& state);

  /// Moves every tensor. Make optimizers afterwards: theirs are the tensors of before.
  void to(Device device);
  /// Converts every tensor (f64 for checks).
  void to(Dtype dtype);
  /// Freezes or thaws all parameters.
  void requires_grad(bool on);
  void zero_grad();

 private:
  Members list() const;
  template <class Move>
  void replace(Move&& move);

  std::string path_;
  bool initialized_ = false;
};

}  // namespace lacuna
