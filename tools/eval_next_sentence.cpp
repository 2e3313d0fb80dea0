// lacuna eval next-sentence: does one piece of text follow another, as a BERT sees it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "../ssl/fill.h"
#include "eval.h"
#include "format.h"
#include "rows.h"

namespace lacuna::tools {
namespace {

class EvalNextSentence : public Eval {
 public:
  EvalNextSentence() { protocol_ = "next-sentence"; }

 private:
  void declare_more(Options& options) override {
    options.value("--text", text_, "a piece of text ...", "TEXT");
    options.value("--next", next_, "... and what may follow it; instead of --data", "TEXT");
  }
  void evaluate() override {
    LACUNA_CHECK(text_.has_value() == next_.has_value(), "usage",
                 "--text and --next belong together: got one of them");
    if (!text_) return measure();
    LACUNA_CHECK(!text_->empty() && !next_->empty(), "usage", text_->empty() ? "--text" : "--next",
                 " must be a piece of text: got nothing");
    judge();
  }

  BertModel& model_of(const Trained& trained) const {
    auto* model = dynamic_cast<BertModel*>(&trained.task->model());
    check_task(model && config_.settings.flag("task.nsp"));
    return *model;
  }

  void judge() {
    const auto tokenizer = need_tokenizer(folder_);
    const Trained trained = load(*tokenizer);
    BertModel& model = model_of(trained);
    const Rows rows = rows_of_text(*tokenizer, model.encoder.options().positions, *text_, *next_);
    const double p = follows(model, to(rows.tokens, device_), to(rows.segments, device_),
                             to(rows.lengths, device_))
                         .at(0);
    fmt::print("{:>8}  follows\n{:>8}  is from elsewhere\n", probability(p), probability(1 - p));
  }

  void measure() {
    check_task(config_.info->text != nullptr);
    const auto source = open();
    const Trained trained = load(DataInfo::of(*source));
    BertModel& model = model_of(trained);
    std::int64_t right = 0, random = 0;
    constexpr std::int64_t kRows = 16;
    for (std::int64_t at = 0; at < source->size(); at += kRows) {
      std::vector<std::int64_t> ids;
      for (std::int64_t i = at; i < std::min(at + kRows, source->size()); i++) ids.push_back(i);
      const Batch host = read_batch(*source, ids), batch = host.to(device_);
      const auto p = follows(model, batch["tokens"], batch["segment"], batch["length"]);
      const auto labels = host["label"].to_vector<std::int64_t>();
      for (std::size_t i = 0; i < p.size(); i++) {
        right += (p[i] < 0.5) == (labels[i] == 1);
        random += labels[i];
      }
    }
    const auto pairs = static_cast<double>(source->size());
    const double accuracy = static_cast<double>(right) / pairs,
                 balance = static_cast<double>(random) / pairs;
    keep(trained.step, {{"data", source->name()},
                        {"pairs", source->size()},
                        {"accuracy", accuracy},
                        {"random_share", balance}});
    if (!quiet_)
      fmt::print("{} pairs of {}\naccuracy  {:.2f} %   ({:.1f} % of the pairs are random)\n",
                 source->size(), source->name(), 100 * accuracy, 100 * balance);
  }

  std::optional<std::string> text_, next_;
};

}  // namespace

extern const CommandInfo eval_next_sentence_command{"eval next-sentence",
                                                    "whether one piece of text follows another",
                                                    make_command<EvalNextSentence>};

}  // namespace lacuna::tools
