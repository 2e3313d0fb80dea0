// lacuna eval map: where samples lie as a run's encoder sees them. PCA (ssl/pca.h) and t-SNE (ssl/tsne.h) of the vectors of a few
// test samples, evenly spread, beside the same network as it was drawn and the samples as they are. Writes map.json, which
// lacuna report draws, and prints what of the variance the two components hold and, where there are labels, how often the 10
// nearest points on a map are of a point's own class.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../core/files.h"
#include "../ssl/features.h"
#include "../ssl/pca.h"
#include "../ssl/tsne.h"
#include "eval_probe.h"
#include "format.h"
#include "scores.h"

namespace lacuna::tools {
namespace {

constexpr std::int64_t kNearest = 10;

// Four digits are more than a picture shows.
nlohmann::ordered_json points(const Tensor& y) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const auto at = y.to_vector<double>();
  for (std::size_t i = 0; i < at.size(); i += 2)
    all.push_back(
        {std::stod(fmt::format("{:.4g}", at[i])), std::stod(fmt::format("{:.4g}", at[i + 1]))});
  return all;
}

class EvalMap : public Eval {
 public:
  EvalMap() { protocol_ = "map"; }

 private:
  void declare_more(Options& options) override {
    options.value("--points", points_, "test samples on the map, at most 5,000; 1000", "N");
    options.value("--perplexity", perplexity_, "of t-SNE: neighbours that count, about; 30", "N");
    options.value("--steps", steps_, "of t-SNE; 750", "N");
    options.value("--seed", seed_, "of the random network; 0", "N");
  }
  void evaluate() override;

  std::string points_ = "1000", perplexity_ = "30", steps_ = "750", seed_ = "0";
};

void EvalMap::evaluate() {
  const std::int64_t wanted = integer_option("--points", points_, 7, 5000),
                     seed = integer_option("--seed", seed_, 0, 1 << 30);
  const int steps = static_cast<int>(integer_option("--steps", steps_, 1, 1 << 20));
  const double perplexity = number_option("--perplexity", perplexity_, 1.01, 5000);
  const auto source = open();
  const DataInfo info = DataInfo::of(*source);
  const Trained trained = load(info);
  const auto random = config_.info->make(config_.settings, info);
  random->model().initialize(static_cast<std::uint64_t>(seed));
  random->model().to(device_);
  const std::int64_t n = std::min(wanted, source->size());
  LACUNA_CHECK(n >= 7, "map", "needs at least 7 samples: got ", n, " of ", source->name());
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < n; i++) ids.push_back(i * source->size() / n);
  // Where there are few points the perplexity is what they allow.
  const TsneOptions options{.perplexity = std::min(perplexity, static_cast<double>(n - 1) / 3),
                            .steps = steps};
  nlohmann::ordered_json map, figures;
  if (!quiet_)
    fmt::print(
        "{} samples of {}\n\n{:<26}{:>7}{:>16}{:>22}{:>9}\n{:<26}{:>7}{:>16}{:>12}{:>10}{:>9}\n", n,
        source->name(), "", "", "variance of", "same class on", "t-SNE's", "", "width",
        "components, %", "PCA, %", "t-SNE, %", "KL");
  for (const Subject& subject :
       {network("pretrained", *trained.task), network("random_frozen", *random), raw(*source)}) {
    const Unmoved unmoved(subject);
    const Features features = vectors_of(subject, *source, ids, device_);
    const Pca components = pca(features.x, 2);
    const Tsne tsne_map = tsne(features.x, options);
    unmoved.check();
    map["subjects"][subject.name] = {{"pca", points(components.projected)},
                                     {"tsne", points(tsne_map.y)}};
    map["labels"] = features.labels;
    const double of = components.total > 0 ? components.total : 1;
    const std::int64_t k = std::min(kNearest, n - 1);
    const auto share = [&](const Tensor& y) {
      return features.labels.empty() ? NAN : same_label_share(y, features.labels, k);
    };
    const double on_pca = share(components.projected), on_tsne = share(tsne_map.y);
    auto& figure = figures["subjects"][subject.name];
    figure = {{"width", features.width()},
              {"explained", {components.variance[0] / of, components.variance[1] / of}}};
    if (!features.labels.empty())
      figure.update({{"same_class_pca", on_pca}, {"same_class_tsne", on_tsne}});
    figure["kl"] = tsne_map.kl;
    if (quiet_) continue;
    fmt::print("{:<26}{:>7}{:>16}{:>12}{:>10}{:>9.3f}\n", title_of_subject(subject.name),
               features.width(),
               fmt::format("{:.1f} and {:.1f}", 100 * components.variance[0] / of,
                           100 * components.variance[1] / of),
               percent(on_pca, NAN), percent(on_tsne, NAN), tsne_map.kl);
    std::fflush(stdout);
  }
  nlohmann::ordered_json kept = {{"data", source->name()},
                                 {"points", n},
                                 {"perplexity", options.perplexity},
                                 {"steps", steps},
                                 {"nearest", std::min(kNearest, n - 1)},
                                 {"seed", seed}};
  kept.update(figures);
  keep(trained.step, kept);
  map["step"] = trained.step;
  map["data"] = source->name();
  map["points"] = n;
  map["perplexity"] = options.perplexity;
  map["classes"] = has_classes(*source) ? source->classes() : std::vector<std::string>();
  write_file(folder_.map(),
             map.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace

extern const CommandInfo eval_map_command{
    "eval map", "PCA and t-SNE maps of vectors, for the report", make_command<EvalMap>};

}  // namespace lacuna::tools
