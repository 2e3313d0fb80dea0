// lacuna data describe SPEC: counts, shapes, ranges, label balance, and what is wrong with the data.
// lacuna data tokens SPEC --out FILE: a text as a file of tokens.
#include <fmt/format.h>

#include "../core/suggest.h"
#include "../datasets/describe.h"
#include "../datasets/spec.h"
#include "../datasets/text/sources.h"
#include "../datasets/text/summary.h"
#include "../datasets/text/token_file.h"
#include "command.h"
#include "text.h"

namespace lacuna::tools {
namespace {

class Data : public Command {
 public:
  void declare(Options& options) override {
    options.positional("ACTION", action_, "describe or tokens");
    options.positional("SPEC", spec_, "the data; `lacuna list` says what there is");
    options.value("--split", split_, "train or test; train unless given", "SPLIT");
    options.value("--tokenizer", tokenizer_, "of text: wordpiece:FILE, bpe:DIR, hf:FILE or char",
                  "SPEC");
    options.flag("--json", json_, "describe: as one JSON object");
    options.value("--out", out_, "tokens: the file to write", "FILE");
    options.value("--format", format_, "tokens: nanogpt or llm.c; nanogpt unless given", "FORMAT");
  }
  int run() override {
    const std::vector<std::string> actions = {"describe", "tokens"};
    if (action_ == "describe") return describe();
    if (action_ == "tokens") return write();
    fail("usage", "no action \"", action_, "\"", suggestion(action_, actions),
         "; there are: describe, tokens");
  }

 private:
  int describe() {
    const Spec spec = parse_spec(spec_);
    if (!is_text(spec))
      print(summarize(*open_source(spec_, split_)));
    else if (is_labelled(spec))
      print(summarize_labelled(*open_source(spec_, split_, options())));
    else
      print(summarize_text(corpus(spec)));
    return 0;
  }
  template <class Summary>
  void print(const Summary& summary) {
    fmt::print("{}", json_ ? to_json(summary) + "\n" : to_text(summary));
  }

  int write() {
    const Spec spec = parse_spec(spec_);
    LACUNA_CHECK(is_text(spec) && !is_labelled(spec), "usage",
                 "tokens are made of running text: got ", spec_);
    LACUNA_CHECK(!out_.empty(), "usage", "--out FILE is missing: where the tokens go");
    LACUNA_CHECK(format_ == "nanogpt" || format_ == "llm.c", "usage",
                 "--format must be nanogpt or llm.c: got \"", format_, '"');
    const Corpus text = corpus(spec);
    write_tokens(out_, text, format_ == "llm.c" ? TokenFormat::llm_c : TokenFormat::nanogpt);
    fmt::print("{} tokens of {} in {}\n", text.tokens.size(), text.vocabulary.size, out_);
    return 0;
  }

  static bool is_labelled(const Spec& spec) {
    return spec.scheme == "tsv" || spec.scheme == "conll";
  }
  TextOptions options() const {
    TextOptions o;
    if (!tokenizer_.empty()) o.tokenizer = tokenizer_for(tokenizer_, spec_);
    return o;
  }
  Corpus corpus(const Spec& spec) const {
    return open_corpus(spec, is_train(spec, split_), options());
  }

  std::string action_, spec_, split_ = "train", tokenizer_, out_, format_ = "nanogpt";
  bool json_ = false;
};

}  // namespace

extern const CommandInfo data_command{
    "data", "describe SPEC: counts, shapes, ranges, label balance; tokens SPEC: a file of tokens",
    make_command<Data>};

}  // namespace lacuna::tools
