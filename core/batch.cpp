#include "batch.h"

#include <limits>

#include "comm.h"
#include "context.h"
#include "ops/shape.h"

namespace lacuna {

const Comm& solo() {
  static const Comm world_of_one;
  return world_of_one;
}

Tensor row_ids(const std::vector<std::int64_t>& samples, int views, Device device) {
  std::vector<std::int64_t> rows;
  rows.reserve(2 * samples.size() * views);
  for (int v = 0; v < views; v++)
    for (auto id : samples) rows.insert(rows.end(), {id, v});
  return Tensor::from(rows, {static_cast<std::int64_t>(samples.size()) * views, 2}, device);
}

double Source::entropy() const { return std::numeric_limits<double>::quiet_NaN(); }

const Tensor& Batch::operator[](const std::string& name) const {
  const auto it = fields.find(name);
  if (it != fields.end()) return it->second;
  std::string have;
  for (const auto& [key, value] : fields) have += (have.empty() ? "" : ", ") + key;
  fail("batch", "no field named \"", name, "\": the data has ", have.empty() ? "none" : have);
}

Batch Batch::to(Device device) const {
  Batch moved{{}, ids};
  for (const auto& [name, tensor] : fields) moved.fields[name] = lacuna::to(tensor, device);
  return moved;
}

Batch read_batch(const Source& source, const std::vector<std::int64_t>& ids, std::int64_t epoch) {
  Batch batch{{}, ids};
  const auto fields = source.fields();
  const auto rows = static_cast<std::int64_t>(ids.size());
  std::vector<std::byte*> start;
  std::vector<std::size_t> bytes;
  for (const Field& field : fields) {
    Shape shape{rows};
    for (auto d : field.shape) shape.push_back(d);
    const Tensor t = Tensor::empty(shape, field.dtype);
    start.push_back(static_cast<std::byte*>(t.array().data));
    bytes.push_back(field.shape.numel() * size_of(field.dtype));
    batch.fields[field.name] = t;
  }
  std::vector<std::byte*> out(fields.size());
  for (std::int64_t i = 0; i < rows; i++) {
    for (std::size_t k = 0; k < out.size(); k++) out[k] = start[k] + i * bytes[k];
    source.read_in_epoch(ids[i], epoch, out);
  }
  return batch;
}

}  // namespace lacuna
