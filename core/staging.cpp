#include "staging.h"

#include <cstring>

#include "context.h"

namespace lacuna {

// The device's tensors of a batch, and the pinned memory that they are copied from. Both are kept from batch to batch.
class Staging::Lane {
 public:
  explicit Lane(Device device)
      : device_(device),
        table_(find_backend(device.type)->lanes),
        lane_(table_.open(device.index)) {}
  ~Lane() {
    table_.close(lane_);
    for (auto& [name, place] : places_)
      if (place.pinned) table_.release_host(place.pinned);
  }

  void bring(const Batch& batch) {
    staged_.batch = {{}, batch.ids};
    make_room("ids", row_ids(batch.ids));
    for (const auto& [name, tensor] : batch.fields) make_room("field " + name, tensor);
    if (moved_)
      table_.recycle(lane_);  // new memory: kernels that were launched before may still use it
    moved_ = false;
    staged_.ids = send("ids");
    for (const auto& [name, tensor] : batch.fields)
      staged_.batch.fields[name] = send("field " + name);
  }
  Staged arrive() {
    table_.join(lane_);
    return staged_;
  }
  void leave() { table_.recycle(lane_); }

 private:
  struct Place {
    Tensor host, tensor;
    void* pinned = nullptr;
    std::size_t room = 0;
  };

  static std::size_t bytes_of(const Tensor& t) { return t.numel() * size_of(t.dtype()); }

  void make_room(const std::string& key, const Tensor& host) {
    Place& p = places_[key];
    p.host = host;
    if (!p.tensor.defined() || !(p.tensor.shape() == host.shape()) ||
        p.tensor.dtype() != host.dtype()) {
      p.tensor = Tensor::empty(host.shape(), host.dtype(), device_);
      moved_ = true;
    }
    if (p.room >= bytes_of(host) && p.pinned) return;
    if (p.pinned) table_.release_host(p.pinned);
    p.pinned = nullptr;
    p.pinned = table_.allocate_host(p.room = bytes_of(host));
  }
  Tensor send(const std::string& key) {
    Place& p = places_[key];
    const std::size_t bytes = bytes_of(p.host);
    if (bytes) std::memcpy(p.pinned, p.host.array().data, bytes);
    table_.copy(lane_, p.tensor.array().data, p.pinned, bytes);
    p.host = Tensor();
    return p.tensor;
  }

  Device device_;
  const Lanes& table_;
  void* lane_;
  std::map<std::string, Place> places_;
  bool moved_ = false;
  Staged staged_;
};

Staging::Staging(Device device) : device_(device) {
  if (!detail::backend_for("staging", device).lanes.open) return;
  for (auto& lane : lanes_) lane = std::make_unique<Lane>(device);
}

Staging::~Staging() = default;

void Staging::put(const Batch& batch) {
  LACUNA_CHECK(!waiting_, "staging", "take() the batch that was put before the next one");
  for (const auto& [name, tensor] : batch.fields)
    LACUNA_CHECK(tensor.device() == Device{} && tensor.is_contiguous(), "staging",
                 "a batch comes in contiguous tensors on cpu: got ",
                 describe(name.c_str(), tensor));
  waiting_ = true;
  if (lanes_[0])
    lanes_[next_]->bring(batch);
  else
    host_ = {batch, row_ids(batch.ids)};
}

Staged Staging::take() {
  LACUNA_CHECK(waiting_, "staging", "put() a batch before it can be taken");
  waiting_ = false;
  if (!lanes_[0]) return host_;
  Staged staged = lanes_[next_]->arrive();
  next_ = 1 - next_;
  lanes_[next_]->leave();  // the batch before: what is launched from here on does not use it
  return staged;
}

}  // namespace lacuna
