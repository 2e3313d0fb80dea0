#include "../../core/graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "../../core/ops/elementwise.h"
#include "../../core/ops/reduce.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"
#include "../errors.h"

namespace lacuna {
namespace {

using test::error_of;

// On the devices that have graphs. emu shows more: what it has not computed yet is NaN.
class Graphs : public testing::TestWithParam<DeviceType> {
 protected:
  const Device device{GetParam()};
  const bool emu = device.type == DeviceType::emu;

  void SetUp() override {
    const Backend* backend = find_backend(device.type);
    if (!backend) GTEST_SKIP() << "not in this build";
    if (backend->device_count() == 0) GTEST_SKIP() << backend->why_absent();
  }
  Tensor filled(std::initializer_list<float> values) {
    return to(Tensor::of(values, {static_cast<std::int64_t>(values.size())}), device);
  }
};

using Values = std::vector<float>;

}  // namespace

TEST_P(Graphs, a_replay_reads_what_lies_in_its_inputs_then) {
  Tensor x = filled({1, 2, 3}), y;
  Graph graph(device, [&] { y = x * 2.0 + 1.0; });
  if (emu) {
    EXPECT_TRUE(std::isnan(y.to_vector<float>()[0])) << "nothing runs while it is recorded";
  }
  graph.replay();
  EXPECT_EQ(y.to_vector<float>(), (Values{3, 5, 7}));
  x.copy_from(filled({10, 20, 30}));
  EXPECT_EQ(y.to_vector<float>(), (Values{3, 5, 7}));
  graph.replay();
  EXPECT_EQ(y.to_vector<float>(), (Values{21, 41, 61}));
}

TEST_P(Graphs, a_recorded_backward_gives_the_gradients_of_each_replay) {
  Tensor w = filled({1, 2}), x = filled({3, 4});
  w.requires_grad();
  Graph graph(device, [&] { backward(sum(w * w * x)); });
  for (float scale : {1.0f, 2.0f}) {
    x.copy_from(filled({3 * scale, 4 * scale}));
    graph.replay();
    EXPECT_EQ(w.grad().to_vector<float>(), (Values{6 * scale, 16 * scale}));
  }
}

TEST_P(Graphs, its_memory_serves_nothing_else_while_it_lives) {
  Tensor x = filled({1, 2, 3, 4}), old = filled({5, 6, 7, 8}), y;
  auto graph = std::make_unique<Graph>(device, [&] {
    y = x + old;  // old's memory goes, and the graph still reads it
    old = Tensor();
    for (int i = 0; i < 3; i++) y = y * 2.0;  // what is between goes, too
  });
  for (int round = 0; round < 3; round++) {
    std::vector<Tensor> others;
    for (int i = 0; i < 20; i++) others.push_back(Tensor::full({4}, -1, Dtype::f32, device));
    graph->replay();
    EXPECT_EQ(y.to_vector<float>(), (Values{48, 64, 80, 96}));
    for (const Tensor& t : others) EXPECT_EQ(t.to_vector<float>(), Values(4, -1));
  }
  graph = nullptr;
  EXPECT_EQ(y.to_vector<float>(), (Values{48, 64, 80, 96})) << "a result outlives the graph";
}

TEST_P(Graphs, a_replay_finds_no_values_of_the_one_before) {
  if (!emu) GTEST_SKIP() << "memory is not poisoned there";
  Tensor x = filled({1}), unset;
  Graph graph(device, [&] {
    Tensor once = Tensor::empty({1}, Dtype::f32, device);
    unset = once + x;
    once.copy_from(x);
  });
  for (int i = 0; i < 2; i++) {
    graph.replay();
    EXPECT_TRUE(std::isnan(unset.item())) << "replay " << i;
  }
}

TEST_P(Graphs, work_that_asks_the_host_is_refused_and_leaves_nothing_behind) {
  Tensor x = filled({1, 2}), y;
  for (const auto& work :
       {std::function<void()>([&] { (void)sum(x).item(); }), std::function<void()>([&] {
          y = x + filled({1, 1});
        })}) {
    EXPECT_NE(error_of([&] { Graph graph(device, work); }).find("[copy] a step that is captured"),
              std::string::npos);
    EXPECT_FALSE(Graph::recording());
    EXPECT_EQ(sum(x).item(), 3);
  }
  Graph graph(device, [&] { y = x + x; });
  graph.replay();
  EXPECT_EQ(y.to_vector<float>(), (Values{2, 4}));
}

INSTANTIATE_TEST_SUITE_P(all, Graphs, testing::Values(DeviceType::emu, DeviceType::cuda),
                         [](const auto& info) {
                           return info.param == DeviceType::emu ? "emu" : "cuda";
                         });

TEST(graph, cpu_has_none) {
  EXPECT_FALSE(Graph::possible(Device{}));
  EXPECT_EQ(error_of([] { Graph graph(Device{}, [] {}); }),
            "[graph] only cuda and emu have graphs: got cpu");
}

}  // namespace lacuna
