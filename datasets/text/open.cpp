#include <algorithm>
#include <cstdlib>
#include <string>

#include "../../core/suggest.h"
#include "labelled.h"
#include "sources.h"
#include "stories.h"
#include "token_file.h"
#include "tokenize.h"

namespace lacuna {
namespace {

constexpr const char* kOpenOp = "data";

std::int64_t whole_number(const std::string& what, const std::string& text, std::int64_t low) {
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  LACUNA_CHECK(!text.empty() && *end == 0 && errno == 0 && value >= low, kOpenOp, what,
               " must be a whole number of at least ", low, ": got \"", text, '"');
  return value;
}

std::size_t one_of(const char* what, const std::string& text,
                   const std::vector<std::string>& names) {
  const auto it = std::find(names.begin(), names.end(), text);
  std::string all;
  for (const auto& n : names) all += (all.empty() ? "" : ", ") + n;
  LACUNA_CHECK(it != names.end(), kOpenOp, what, " must be one of ", all, ": got \"", text, '"',
               suggestion(text, names));
  return static_cast<std::size_t>(it - names.begin());
}

const Tokenizer& tokenizer_of(const Spec& spec, const TextOptions& options) {
  LACUNA_CHECK(options.tokenizer != nullptr, kOpenOp, spec.scheme, ":", spec.place,
               " needs a tokenizer: give --tokenizer SPEC");
  return *options.tokenizer;
}

Corpus open_files(const Spec& spec, const TextOptions& options) {
  TokenizeOptions o;
  const bool windows =
      options.view.kind == TextView::Kind::windows || options.view.kind == TextView::Kind::none;
  std::string ends = spec.option("documents", options.documents);
  if (ends.empty()) ends = windows ? "file" : "blank";
  o.documents = static_cast<DocumentEnds>(one_of("documents", ends, {"file", "blank", "heading"}));
  ends = spec.option("sentences", options.sentences);
  if (ends.empty()) ends = "rules";
  o.sentences = static_cast<SentenceEnds>(one_of("sentences", ends, {"rules", "lines"}));
  o.cache = options.cache;
  Corpus corpus = tokenize_files(text_files(spec.place), tokenizer_of(spec, options), o);
  corpus.name = "text:" + spec.place;
  return corpus;
}

Corpus open_shard(const Spec& spec, const TextOptions& options) {
  Vocabulary vocabulary;
  if (options.tokenizer) {
    vocabulary = options.tokenizer->vocabulary();
    vocabulary.continues = options.tokenizer->continues();
  }
  if (const std::string size = spec.option("vocabulary"); !size.empty())
    vocabulary.size = whole_number("vocabulary", size, 1);
  return open_tokens(spec.place, vocabulary);
}

Corpus open_stories(const Spec& spec, bool train, const TextOptions& options) {
  LACUNA_CHECK(
      !options.tokenizer || options.tokenizer->vocabulary() == story_tokenizer()->vocabulary(),
      kOpenOp, "stories has a vocabulary of its own: got another tokenizer");
  StoriesOptions o;
  o.train = train;
  if (!spec.place.empty()) o.size = whole_number("N of stories:N", spec.place, 1);
  if (!train) o.size = std::max<std::int64_t>(1, o.size / 5);
  o.seed = static_cast<std::uint64_t>(whole_number("seed", spec.option("seed", "0"), 0));
  return make_stories(o);
}

}  // namespace

Corpus open_corpus(const Spec& spec, bool train, const TextOptions& options) {
  if (spec.scheme == "stories") return open_stories(spec, train, options);
  LACUNA_CHECK(spec.scheme == "text" || spec.scheme == "tokens", kOpenOp,
               "running text is text:, tokens: or stories: got ", spec.scheme, ":");
  const double share = spec.held_out();
  Corpus corpus = spec.scheme == "text" ? open_files(spec, options) : open_shard(spec, options);
  if (share > 0) {
    Split split = hold_out(corpus, share);
    corpus = std::move(train ? split.train : split.test);
    corpus.name += train ? " (train)" : " (test)";
  }
  return corpus;
}

std::unique_ptr<Source> open_text(const Spec& spec, bool train, const TextOptions& options) {
  if (spec.scheme != "tsv" && spec.scheme != "conll") {
    LACUNA_CHECK(options.view.kind != TextView::Kind::none, kOpenOp,
                 "the task must be one that takes text: got ", spec.scheme,
                 spec.place.empty() ? "" : ":", spec.place);
    return cut_text(std::make_shared<Corpus>(open_corpus(spec, train, options)), options.view);
  }
  LabelledOptions o;
  o.train = train;
  o.held_out = spec.held_out();
  o.length = options.view.length;
  o.classes = options.classes;
  o.new_tokens = options.new_tokens;
  o.columns = {spec.option("text"), spec.option("pair"), spec.option("label")};
  return spec.scheme == "tsv" ? open_tsv(spec.place, tokenizer_of(spec, options), o)
                              : open_conll(spec.place, tokenizer_of(spec, options), o);
}

std::shared_ptr<const Tokenizer> built_in_tokenizer(const Spec& spec) {
  return spec.scheme == "stories" ? story_tokenizer() : nullptr;
}

}  // namespace lacuna
