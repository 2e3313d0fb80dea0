// lacuna eval fill: what a BERT puts into the blanks of a text, or how often it is right in many.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "../datasets/text/sources.h"
#include "../datasets/text/story_grammar.h"
#include "../kernels/random.h"
#include "../ssl/fill.h"
#include "eval.h"
#include "format.h"
#include "rows.h"

namespace lacuna::tools {
namespace {

class EvalFill : public Eval {
 public:
  EvalFill() { protocol_ = "fill"; }

 private:
  void declare_more(Options& options) override {
    options.value("--text", text_, "a text with [MASK] in it, instead of --data", "TEXT");
    options.value("--top", top_, "fillings for each blank; 5 unless given", "N");
    options.value("--blanks", blanks_, "of --data: one a document; 1000 unless given", "N");
  }

  void evaluate() override {
    tokenizer_ = need_tokenizer(folder_);
    const Trained trained = load(*tokenizer_);
    model_ = dynamic_cast<BertModel*>(&trained.task->model());
    check_task(model_);
    if (text_)
      fill();
    else
      measure(trained.step);
  }

  std::vector<Blank> ask(const Rows& rows, std::int64_t count) const {
    return fill_blanks(*model_, to(rows.tokens, device_), to(rows.segments, device_),
                       to(rows.lengths, device_), tokenizer_->vocabulary().mask, count);
  }

  void fill() const {
    const auto count = integer_option("--top", top_, 1, tokenizer_->vocabulary().size);
    const Rows rows = rows_of_text(*tokenizer_, model_->encoder.options().positions, *text_);
    const auto blanks = ask(rows, count);
    LACUNA_CHECK(!blanks.empty(), "eval", "--text has no [MASK]: got \"", *text_, '"');
    for (const Blank& blank : blanks) {
      if (blanks.size() > 1) fmt::print("[MASK] at token {}\n", blank.position);
      for (const Filling& f : blank.fillings)
        fmt::print("{:>8}  {}\n", probability(f.probability),
                   tokenizer_->token(static_cast<std::int32_t>(f.token)));
    }
    std::vector<std::int32_t> ids = rows.ids;
    for (const Blank& blank : blanks)
      ids[static_cast<std::size_t>(blank.position)] =
          static_cast<std::int32_t>(blank.fillings[0].token);
    fmt::print("{}\n", tokenizer_->decode(ids));
  }

  // One token of each document is hidden. Of stories the grammar says whether the model's word could stand there.
  void measure(std::int64_t step) const {
    const Spec spec = parse_spec(data_spec());
    LACUNA_CHECK(is_text(spec), "eval", "fill takes text: got ", data_spec());
    const Corpus corpus = open_corpus(spec, is_train(spec, "test"),
                                      text_options(*config_.info, config_.settings, tokenizer_));
    const Vocabulary v = tokenizer_->vocabulary();
    const auto room =
        std::min(config_.settings.integer("model.context"), model_->encoder.options().positions) -
        2;
    const auto wanted = integer_option("--blanks", blanks_, 1, 1 << 30);
    const bool stories = spec.scheme == "stories";
    const RandomKey key = RandomKey::of(0, stream_of("eval.fill"), 0);
    std::int64_t asked = 0, first = 0, among = 0, valid = 0;
    for (std::int64_t k = 0; k < std::min(wanted, corpus.document_count()); k++) {
      const auto d = k * corpus.document_count() / std::min(wanted, corpus.document_count());
      const std::int64_t begin = corpus.documents[static_cast<std::size_t>(d)],
                         size = corpus.content_end(d) - begin, shown = std::min(size, room);
      if (shown < 2) continue;
      std::vector<std::int32_t> ids{static_cast<std::int32_t>(v.cls)};
      for (std::int64_t i = 0; i < shown; i++)
        ids.push_back(static_cast<std::int32_t>(corpus.tokens[begin + i]));
      ids.push_back(static_cast<std::int32_t>(v.sep));
      const auto at = 1 + below(draw_word(key, 0, static_cast<std::uint64_t>(d)),
                                static_cast<std::uint32_t>(shown));
      const std::int32_t hidden = ids[at];
      const std::vector<std::int32_t> words(ids.begin() + 1, ids.end() - 1);
      ids[at] = static_cast<std::int32_t>(v.mask);
      const auto fillings = ask(rows_of_ids(std::move(ids), ~std::size_t{0}), 5).at(0).fillings;
      asked++;
      first += fillings[0].token == hidden;
      for (const Filling& f : fillings) among += f.token == hidden;
      if (stories && shown == size)
        valid += is_valid_filling(words, at - 1, static_cast<std::int32_t>(fillings[0].token));
    }
    LACUNA_CHECK(asked > 0, "eval", data_spec(), " has no document of two tokens or more");
    const auto share = [&](std::int64_t n) {
      return static_cast<double>(n) / static_cast<double>(asked);
    };
    nlohmann::ordered_json line = {{"data", corpus.name},
                                   {"blanks", asked},
                                   {"accuracy", share(first)},
                                   {"among_5", share(among)}};
    if (stories) line["valid"] = share(valid);
    keep(step, line);
    if (quiet_) return;
    fmt::print("{} blanks, one a document of {}\n", asked, corpus.name);
    fmt::print("the hidden token   {:6.2f} %\namong the first 5  {:6.2f} %\n", 100 * share(first),
               100 * share(among));
    if (stories) fmt::print("valid in a story   {:6.2f} %\n", 100 * share(valid));
  }

  std::optional<std::string> text_;
  std::string top_ = "5", blanks_ = "1000";
  std::shared_ptr<const Tokenizer> tokenizer_;
  BertModel* model_ = nullptr;
};

}  // namespace

extern const CommandInfo eval_fill_command{
    "eval fill", "what a BERT puts into blanks, and how often it is right", make_command<EvalFill>};

}  // namespace lacuna::tools
