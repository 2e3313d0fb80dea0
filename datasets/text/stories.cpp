#include "stories.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "../../kernels/cpu/parallel.h"
#include "story_grammar.h"

namespace lacuna {
namespace {

Vocabulary story_vocabulary() {
  Vocabulary v;
  v.size = static_cast<std::int64_t>(story_words().size());
  v.pad = kPad;
  v.unknown = kUnknown;
  v.cls = kCls;
  v.sep = kSep;
  v.mask = kMask;
  v.end = kEnd;
  v.continues.assign(static_cast<std::size_t>(v.size), 0);  // all words are whole
  return v;
}

// A Hugging Face tokenizer.json: BERT's word splitting, and every word of the grammar a piece.
std::string story_json() {
  using Json = nlohmann::ordered_json;
  Json added = Json::array(), vocab = Json::object();
  for (std::size_t i = 0; i < story_words().size(); i++) {
    vocab[story_words()[i]] = i;
    if (i < kFirstStoryWord)
      added.push_back({{"id", i},
                       {"content", story_words()[i]},
                       {"single_word", false},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"special", true}});
  }
  const Json normalizer = {{"type", "BertNormalizer"},
                           {"clean_text", true},
                           {"handle_chinese_chars", true},
                           {"strip_accents", nullptr},
                           {"lowercase", true}};
  const Json model = {{"type", "WordPiece"},
                      {"unk_token", "[UNK]"},
                      {"continuing_subword_prefix", "##"},
                      {"max_input_chars_per_word", 100},
                      {"vocab", vocab}};
  const Json all = {{"version", "1.0"},
                    {"truncation", nullptr},
                    {"padding", nullptr},
                    {"added_tokens", added},
                    {"normalizer", normalizer},
                    {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
                    {"post_processor", nullptr},
                    {"decoder", {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}},
                    {"model", model}};
  return all.dump();
}

}  // namespace

std::shared_ptr<const Tokenizer> story_tokenizer() {
  static const auto tokenizer = tokenizer_from_json(story_json(), "stories");
  return tokenizer;
}

Corpus make_stories(const StoriesOptions& o) {
  LACUNA_CHECK(o.size >= 1 && o.size <= 10'000'000, "stories",
               "there are 1 to 10,000,000 stories: got ", o.size);
  constexpr std::int64_t kPiece = 256;
  std::vector<CorpusMemory> pieces((o.size + kPiece - 1) / kPiece);
  const std::int32_t stop = story_word(".");
  cpu::parallel_for(o.size, kPiece, [&](std::int64_t begin, std::int64_t end) {
    CorpusMemory& piece = pieces[begin / kPiece];
    std::vector<std::int32_t> story;
    for (std::int64_t i = begin; i < end; i++) {
      story.clear();
      write_story(o.seed, o.train, i, story);
      piece.documents.push_back(static_cast<std::int64_t>(piece.tokens.size()));
      bool starts = true;
      for (std::int32_t word : story) {
        if (starts) piece.sentences.push_back(static_cast<std::int64_t>(piece.tokens.size()));
        piece.tokens.push_back(static_cast<std::uint16_t>(word));
        starts = word == stop;
      }
      piece.tokens.push_back(kEnd);
    }
  });
  auto all = std::make_shared<CorpusMemory>();
  std::int64_t bytes = 0;
  for (const CorpusMemory& piece : pieces) {
    const auto base = static_cast<std::int64_t>(all->tokens.size());
    all->tokens.insert(all->tokens.end(), piece.tokens.begin(), piece.tokens.end());
    for (std::int64_t d : piece.documents) all->documents.push_back(base + d);
    for (std::int64_t s : piece.sentences) all->sentences.push_back(base + s);
  }
  all->documents.push_back(static_cast<std::int64_t>(all->tokens.size()));
  // As decode() writes them: a space before each word, none before a full stop, and a line a story.
  for (std::uint16_t token : all->tokens)
    bytes += token == kEnd
                 ? 0
                 : static_cast<std::int64_t>(story_words()[token].size()) + (token != stop);
  Corpus c = corpus_of(all, o.train ? "stories (train)" : "stories (test)", story_vocabulary());
  c.bytes = bytes;
  c.entropy = story_facts().nats_per_token();
  return c;
}

}  // namespace lacuna
