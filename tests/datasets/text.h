#pragma once
// Texts whose every token is known: words w0, w1, ... are the tokens kFirst, kFirst + 1, ...
#include "../../datasets/text/corpus.h"
#include "../../datasets/tokenizer.h"
#include "support.h"

namespace lacuna::test {

enum : std::int32_t { kPadId, kUnknownId, kClsId, kSepId, kMaskId, kEndId, kFirstId };

inline Vocabulary words_vocabulary(std::int64_t words, bool end = true) {
  Vocabulary v;
  v.size = kFirstId + words;
  v.pad = kPadId;
  v.unknown = kUnknownId;
  v.cls = kClsId;
  v.sep = kSepId;
  v.mask = kMaskId;
  v.end = end ? kEndId : -1;
  return v;
}

/// Documents of sentences of so many tokens each. Token i of the text is 6 + i, an end token apart.
inline Corpus counted_corpus(const std::vector<std::vector<int>>& documents, bool end = true) {
  auto memory = std::make_shared<CorpusMemory>();
  std::uint16_t next = kFirstId;
  for (const auto& document : documents) {
    memory->documents.push_back(static_cast<std::int64_t>(memory->tokens.size()));
    for (int length : document) {
      memory->sentences.push_back(static_cast<std::int64_t>(memory->tokens.size()));
      for (int i = 0; i < length; i++) memory->tokens.push_back(next++);
    }
    if (end) memory->tokens.push_back(kEndId);
  }
  memory->documents.push_back(static_cast<std::int64_t>(memory->tokens.size()));
  return corpus_of(memory, "counted", words_vocabulary(next, end));
}

struct Row {
  std::vector<std::int64_t> tokens, segment;
  std::int64_t length = 0, label = -1;
};

/// One sample of any text source.
inline Row row_of(const Source& source, std::int64_t index, std::int64_t epoch = 0) {
  const Batch batch = read_batch(source, {index}, epoch);
  const auto values = [&](const char* name) {
    const Tensor& t = batch[name];
    return std::vector<std::int64_t>(t.data<std::int64_t>(), t.data<std::int64_t>() + t.numel());
  };
  Row row;
  row.tokens = values("tokens");
  row.length = values("length")[0];
  if (batch.has("segment")) row.segment = values("segment");
  if (batch.has("label")) row.label = values("label")[0];
  return row;
}

/// train_tokenizer() on one text.
inline std::shared_ptr<const Tokenizer> learned_tokenizer(const std::string& kind,
                                                          std::string_view text,
                                                          std::int64_t vocabulary) {
  TrainOptions o;
  o.vocabulary = vocabulary;
  const NamedText named{"test", text};
  return train_tokenizer(kind, std::span(&named, 1), o);
}

/// WordPiece with these words, after BERT's special tokens.
inline std::shared_ptr<const Tokenizer> word_tokenizer(const Folder& folder,
                                                       const std::vector<std::string>& words) {
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const auto& w : words) vocab += w + "\n";
  return open_tokenizer("wordpiece:" + folder.write("vocab.txt", vocab));
}

}  // namespace lacuna::test
