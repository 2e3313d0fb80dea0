#pragma once
// A table of learned vectors: i64 ids of any shape to (..., width).
#include "../../core/ops/embedding.h"
#include "../module.h"

namespace lacuna {

class Embedding : public Module {
 public:
  struct Options {
    std::int64_t count = 0, width = 0;
    Initializer start = init::normal(0, 1);  // PyTorch's
    std::int64_t padding = -1;               // id whose vector does not learn; negative: none
  };

  Tensor weight;  // (count, width)

  explicit Embedding(const Options& options) : options_(options) {
    LACUNA_CHECK(options.count > 0 && options.width > 0, "Embedding",
                 "count and width must be above 0: got ", options.count, " and ", options.width);
  }

  Tensor forward(Context&, const Tensor& ids) override {
    return embedding(weight, ids, options_.padding);
  }
  void members(Members& m) override {
    m.parameter("weight", weight, {options_.count, options_.width}, options_.start);
  }

 private:
  Options options_;
};

}  // namespace lacuna
