// lacuna data describe SPEC: counts, shapes, ranges, label balance, and what is wrong with the data.
// lacuna data tokens SPEC --out FILE: a text as a file of tokens.
// lacuna data views SPEC --out FILE.png: pictures beside random views of them, as SimCLR sees them.
#include <fmt/format.h>

#include <algorithm>

#include "../core/ops/augment_image.h"
#include "../core/ops/shape.h"
#include "../core/suggest.h"
#include "../datasets/describe.h"
#include "../datasets/spec.h"
#include "../datasets/text/sources.h"
#include "../datasets/text/summary.h"
#include "../datasets/text/token_file.h"
#include "command.h"
#include "pictures.h"

namespace lacuna::tools {
namespace {

class Data : public Command {
 public:
  void declare(Options& options) override {
    options.positional("ACTION", action_, "describe, tokens or views");
    options.positional("SPEC", spec_, "the data; `lacuna list` says what there is");
    options.value("--split", split_, "train or test; train unless given", "SPLIT");
    options.value("--tokenizer", tokenizer_, "of text", "SPEC");
    options.flag("--json", json_, "describe: as one JSON object");
    options.value("--out", out_, "tokens, views: the file to write", "FILE");
    options.value("--format", format_, "tokens: nanogpt or llm.c; nanogpt unless given", "FORMAT");
  }
  int run() override {
    const std::vector<std::string> actions = {"describe", "tokens", "views"};
    if (action_ == "describe") return describe();
    if (action_ == "tokens") return write();
    if (action_ == "views") return views();
    fail("usage", "no action \"", action_, "\"", suggestion(action_, actions),
         "; there are: describe, tokens, views");
  }

 private:
  int describe() {
    const Spec spec = parse_spec(spec_);
    if (!is_text(spec) || spec.scheme == "tsv" || spec.scheme == "conll")
      print(summarize(*open_source(spec_, split_, options())));
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
    LACUNA_CHECK(is_text(spec), "usage", "tokens are made of text: got ", spec_);
    LACUNA_CHECK(!out_.empty(), "usage", "--out FILE is missing: where the tokens go");
    LACUNA_CHECK(format_ == "nanogpt" || format_ == "llm.c", "usage",
                 "--format must be nanogpt or llm.c: got \"", format_, '"');
    const Corpus text = corpus(spec);
    write_tokens(out_, text, format_ == "llm.c" ? TokenFormat::llm_c : TokenFormat::nanogpt);
    fmt::print("{} tokens of {} in {}\n", text.tokens.size(), text.vocabulary.size, out_);
    return 0;
  }

  // Eight pictures, a row each: the picture and six views. As published, CIFAR's recipe for pictures up to 64 pixels and
  // ImageNet's for larger ones.
  int views() {
    LACUNA_CHECK(!out_.empty(), "usage", "--out FILE is missing: where the sheet goes");
    const auto source = open_source(spec_, split_, options());
    const std::vector<Field> fields = source->fields();
    LACUNA_CHECK(
        std::any_of(fields.begin(), fields.end(), [](const Field& f) { return f.name == "image"; }),
        "usage", "views are made of pictures: got ", spec_);
    std::vector<std::int64_t> ids;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(8, source->size()); i++) ids.push_back(i);
    LACUNA_CHECK(!ids.empty(), "data", spec_, " has no pictures");
    const Tensor images = read_batch(*source, ids)["image"];
    const bool small = std::max(images.dim(1), images.dim(2)) <= 64;
    const Augmentation recipe =
        small ? simclr_augmentation(images.dim(1), 0.5, false) : simclr_augmentation(224, 1, true);
    constexpr int kViews = 6;
    const Tensor y = augment_image({}, images, ids, recipe, 0, kViews);
    const auto values = y.to_vector<float>();
    std::vector<std::uint8_t> bytes(values.size());
    for (std::size_t i = 0; i < values.size(); i++)
      bytes[i] = static_cast<std::uint8_t>(values[i] * 255 + 0.5f);
    const Tensor pixels = Tensor::from(bytes, y.shape());
    std::vector<std::vector<Tensor>> rows;
    const auto n = static_cast<std::int64_t>(ids.size());
    for (std::int64_t i = 0; i < n; i++) {
      rows.push_back({select(images, 0, i)});
      for (int v = 0; v < kViews; v++) rows.back().push_back(select(pixels, 0, v * n + i));
    }
    write_sheet(out_, rows);
    return 0;
  }

  TextOptions options() const {
    TextOptions o;
    if (!tokenizer_.empty()) o.tokenizer = open_tokenizer(tokenizer_);
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
    "data",
    "describe SPEC: counts, shapes, ranges, label balance; tokens SPEC: a file of tokens; views "
    "SPEC: augmented pictures",
    make_command<Data>};

}  // namespace lacuna::tools
