// lacuna eval knn: what a run's encoder puts side by side. Weighted and plain votes of the nearest training samples by the
// cosine of L2-normalised vectors (ssl/knn.h), nothing learned; controls and data as in eval_probe.h. Writes neighbours.png into
// the run folder: test samples, and beside each the training samples that are nearest to it.
#include <fmt/format.h>

#include <set>

#include "eval_probe.h"
#include "neighbour_sheet.h"
#include "scores.h"

namespace lacuna::tools {
namespace {

class EvalKnn : public EvalProbe {
 public:
  EvalKnn() { protocol_ = "knn"; }

 private:
  void declare_rules(Options& options) override {
    options.value("--k", k_, "neighbours of the weighted vote; 200", "N");
    options.value("--temperature", temperature_, "of its weights exp(cosine / T); 0.1", "T");
    options.value("--plain-k", plain_k_, "neighbours of the plain vote; 10", "N");
  }
  Classifier& classifier() override {
    if (!knn_) {
      options_.k = integer_option("--k", k_, 1, 1 << 20);
      options_.plain_k = integer_option("--plain-k", plain_k_, 1, 1 << 20);
      options_.temperature = number_option("--temperature", temperature_, 1e-6, 1e6);
      knn_ = std::make_unique<KnnClassifier>(options_, device_);
    }
    return *knn_;
  }
  std::string describe_rules() const override {
    const auto numbers = numbers_of_labels();
    const std::set<std::int64_t> labels(numbers.begin(), numbers.end());
    return fmt::format(
        "nearest neighbours by cosine; weighted: {} votes of exp(cosine / {:g}); plain: {} votes",
        votes(options_.k, labels), options_.temperature, votes(options_.plain_k, labels));
  }
  nlohmann::ordered_json options_json() const override {
    return {{"nearness", "cosine"},
            {"k", options_.k},
            {"temperature", options_.temperature},
            {"plain_k", options_.plain_k}};
  }
  void judged(const Source& train, const Source& test) override {
    write_neighbour_sheet(folder_.neighbours(), train, test, knn_->first());
  }

  std::string k_ = "200", temperature_ = "0.1", plain_k_ = "10";
  KnnOptions options_;
  std::unique_ptr<KnnClassifier> knn_;
};

}  // namespace

extern const CommandInfo eval_knn_command{
    "eval knn", "classes by nearest neighbours, beside controls", make_command<EvalKnn>};

}  // namespace lacuna::tools
