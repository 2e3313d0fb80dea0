#include "../../core/staging.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/context.h"

namespace lacuna {
namespace {

Batch batch_of(std::int64_t rows, float first) {
  Batch batch;
  std::vector<float> x;
  std::vector<std::uint8_t> pixels;
  for (std::int64_t i = 0; i < rows; i++) {
    batch.ids.push_back(100 + i);
    x.insert(x.end(), {first + static_cast<float>(i), -first});
    pixels.push_back(static_cast<std::uint8_t>(i));
  }
  batch.fields["x"] = Tensor::from(x, {rows, 2});
  batch.fields["image"] = Tensor::from(pixels, {rows});
  return batch;
}

std::vector<Device> devices() {
  std::vector<Device> all{{}};
  for (const DeviceType type : {DeviceType::emu, DeviceType::cuda})
    if (const Backend* b = find_backend(type); b && b->device_count() > 0) all.push_back({type});
  return all;
}

}  // namespace

TEST(staging, brings_batches_one_ahead) {
  for (const Device device : devices()) {
    SCOPED_TRACE(to_string(device));
    Staging staging(device);
    // The last batch of an epoch is short, and one may be empty.
    const std::int64_t rows[] = {3, 3, 3, 1, 3, 3, 0, 5};
    for (int i = 0; i < 8; i++) {
      if (i == 0) staging.put(batch_of(rows[0], 0));
      const Staged now = staging.take();
      if (i + 1 < 8) staging.put(batch_of(rows[i + 1], static_cast<float>(i + 1)));
      // Read behind the next put(), as a step that takes its time does.
      const Batch want = batch_of(rows[i], static_cast<float>(i));
      EXPECT_EQ(now.batch.ids, want.ids);
      EXPECT_EQ(now.ids.to_vector<std::int64_t>(), row_ids(want.ids).to_vector<std::int64_t>());
      ASSERT_EQ(now.batch.fields.size(), 2u);
      for (const auto& [name, tensor] : want.fields) {
        EXPECT_EQ(now.batch[name].device(), device);
        EXPECT_EQ(now.batch[name].shape(), tensor.shape());
        EXPECT_EQ(now.batch[name].dtype(), tensor.dtype());
        EXPECT_EQ(now.batch[name].to_vector<float>(), tensor.to_vector<float>());
      }
    }
  }
}

TEST(staging, keeps_its_own_copy_of_what_was_put) {
  for (const Device device : devices()) {
    if (device == Device{}) continue;  // there the batch itself is handed on
    Staging staging(device);
    Batch batch = batch_of(2, 1);
    staging.put(batch);
    batch.fields["x"].fill(7);
    EXPECT_EQ(staging.take().batch["x"].to_vector<float>(), (std::vector<float>{1, -1, 2, -1}));
  }
}

TEST(staging, put_and_take_come_in_turns) {
  Staging staging(Device{});
  EXPECT_THROW(staging.take(), Error);
  staging.put(batch_of(1, 1));
  EXPECT_THROW(staging.put(batch_of(1, 1)), Error);
  staging.take();
  EXPECT_THROW(staging.take(), Error);
}

// emu's lanes copy as late as they may, so that the test above would see work that does not wait.
TEST(staging, a_lane_of_emu_copies_when_it_is_joined) {
  const Backend* emu = find_backend(DeviceType::emu);
  if (!emu) GTEST_SKIP() << "not in this build";
  const Tensor x = Tensor::empty({1}, Dtype::f32, Device{DeviceType::emu});
  auto* pinned = static_cast<float*>(emu->lanes.allocate_host(sizeof(float)));
  *pinned = 3;
  void* lane = emu->lanes.open(0);
  emu->lanes.copy(lane, x.array().data, pinned, sizeof(float));
  EXPECT_TRUE(std::isnan(x.item()));
  emu->lanes.join(lane);
  EXPECT_EQ(x.item(), 3);
  emu->lanes.close(lane);
  emu->lanes.release_host(pinned);
}

}  // namespace lacuna
