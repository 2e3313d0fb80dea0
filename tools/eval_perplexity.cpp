// lacuna eval perplexity: how well a model of text predicts all of a held-out text, a token and a byte.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "../datasets/text/sources.h"
#include "../ssl/perplexity.h"
#include "eval.h"

namespace lacuna::tools {
namespace {

// Of the text that the tokens stand for; 0 where there is no tokenizer to say so.
std::int64_t bytes_of(const Corpus& corpus, const Tokenizer* tokenizer) {
  if (!tokenizer) return 0;
  constexpr std::int64_t kPiece = 1 << 16;
  std::int64_t bytes = 0;
  std::vector<std::int32_t> ids;
  for (std::int64_t at = 0; at < corpus.tokens.size(); at += kPiece) {
    ids.clear();
    for (std::int64_t i = at; i < std::min(at + kPiece, corpus.tokens.size()); i++)
      ids.push_back(static_cast<std::int32_t>(corpus.tokens[i]));
    bytes += static_cast<std::int64_t>(tokenizer->decode(ids).size());
  }
  return bytes;
}

class EvalPerplexity : public Eval {
 public:
  EvalPerplexity() { protocol_ = "perplexity"; }

 private:
  void evaluate() override {
    check_task(config_.info->text != nullptr);
    const auto tokenizer = read_tokenizer(folder_);
    const auto source = open();
    const Trained trained = load(DataInfo::of(*source));
    const Perplexity p = evaluate_perplexity(
        *trained.task, *source, static_cast<std::uint64_t>(config_.settings.integer("train.seed")),
        16, device_);
    const Spec spec = parse_spec(data_spec());
    const Corpus corpus = open_corpus(spec, is_train(spec, "test"),
                                      text_options(*config_.info, config_.settings, tokenizer));
    const bool windows = config_.info->text(config_.settings).kind == TextView::Kind::windows;
    // Hidden tokens are a few of all; aligned windows end with the context where a document goes on.
    const bool all = windows && p.tokens >= static_cast<double>(corpus.tokens.size() - 1);
    double bytes = 0;
    if (all)
      bytes =
          static_cast<double>(corpus.bytes > 0 ? corpus.bytes : bytes_of(corpus, tokenizer.get()));
    nlohmann::ordered_json line = {{"data", source->name()},
                                   {"tokens", p.tokens},
                                   {"loss", p.loss()},
                                   {"perplexity", p.perplexity()}};
    if (bytes > 0) line["bits_per_byte"] = p.nats / std::log(2.0) / bytes;
    if (std::isfinite(source->entropy())) line["floor"] = source->entropy();
    keep(trained.step, line);
    if (quiet_) return;
    fmt::print("{:.0f} {}tokens of {}\n", p.tokens, windows ? "" : "hidden ", source->name());
    if (windows && !all)
      fmt::print("            of {} there are: documents are cut at model.context\n",
                 corpus.tokens.size());
    fmt::print("loss        {:.4f} nats a token\nperplexity  {:.3f}\n", p.loss(), p.perplexity());
    if (bytes > 0) fmt::print("            {:.4f} bits a byte\n", p.nats / std::log(2.0) / bytes);
    if (std::isfinite(source->entropy()))
      fmt::print("floor       {:.4f}, the entropy of the text: {:+.2f} %\n", source->entropy(),
                 100 * (p.loss() / source->entropy() - 1));
  }
};

}  // namespace

extern const CommandInfo eval_perplexity_command{"eval perplexity",
                                                 "a whole held-out text: nats a token, bits a byte",
                                                 make_command<EvalPerplexity>};

}  // namespace lacuna::tools
