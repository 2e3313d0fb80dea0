#include <lacuna/kernels/optimizer.h>

#include <memory>

#include "bench.h"
#include "operand.h"

namespace lacuna::bench {
namespace {

struct Data {
  std::vector<std::unique_ptr<Operand>> operands;
  std::vector<OptimizerTensor> table;
  std::vector<Array> gradients;
  Array sums;

  Array make(std::int64_t n) {
    operands.push_back(std::make_unique<Operand>());
    return operands.back()->make({n});
  }
  explicit Data(const std::vector<std::int64_t>& sizes) {
    for (const std::int64_t n : sizes) {
      OptimizerTensor t;
      t.param = make(n);
      t.grad = make(n);
      t.first = make(n);
      t.second = make(n);
      for (std::int64_t i = 0; i < n; i++) t.second.as<float>()[i] = 0.25f;  // a sum of squares
      t.lr = 1e-3;
      table.push_back(t);
      gradients.push_back(t.grad);
    }
    operands.push_back(std::make_unique<Operand>());
    sums = operands.back()->make({count()}, Dtype::f64);
  }
  std::int64_t count() const { return static_cast<std::int64_t>(table.size()); }
};

}  // namespace

void add_optimizer() {
  // The parameters of the inpainting autoencoder, which stay in cache, and as many as do not.
  const std::vector<std::pair<const char*, std::vector<std::int64_t>>> models = {
      {"8_tensors_109251", {1728, 64, 73728, 128, 32768, 64, 768, 3}},
      {"16M", {16 << 20}},
  };
  for (const auto& [name, sizes] : models) {
    double n = 0;
    for (const auto size : sizes) n += static_cast<double>(size);
    const auto add_one = [&, sizes = sizes](const char* what, double bytes, auto kernel) {
      add(std::string(what) + "/" + name, "lacuna", {.bytes = bytes * n}, [sizes, kernel] {
        const auto d = std::make_shared<Data>(sizes);
        return std::function<void()>([d, kernel] { kernel(*d); });
      });
    };
    add_one("adam", 28, [](Data& d) {
      run<&KernelTable::adam_step>(AdamStep{d.table.data(), d.count()}, {});
    });
    add_one("sgd_momentum", 20, [](Data& d) {
      run<&KernelTable::sgd_step>(SgdStep{d.table.data(), d.count(), 0.9}, {});
    });
    add_one("sum_squares", 4, [](Data& d) {
      run<&KernelTable::sum_squares>(SumSquares{d.gradients.data(), d.count(), d.sums}, {});
    });
  }
}

}  // namespace lacuna::bench
