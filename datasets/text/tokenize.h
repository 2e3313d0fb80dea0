#pragma once
// Text files to a corpus: tokenized once, on all threads, in bounded memory, into files that are mapped from then on.
#include <memory>
#include <string>
#include <vector>

#include "../tokenizer.h"
#include "corpus.h"
#include "sentences.h"
#include "text_files.h"

namespace lacuna {

struct TokenizeOptions {
  DocumentEnds documents = DocumentEnds::file;
  SentenceEnds sentences = SentenceEnds::rules;
  std::string cache;  // a folder; empty: default_token_cache()
};

/// $LACUNA_CACHE, or lacuna/ in $XDG_CACHE_HOME, in ~/.cache, or in the folder for temporary files.
std::string default_token_cache();

/// The corpus of these files. In the cache folder it has NAME.tokens (nanoGPT's format, or u32 where the vocabulary has
/// more than 65,536), NAME.documents and NAME.sentences (i64), and NAME.json, which is written last. NAME has the hash
/// of all that decides the tokens: the files' paths, sizes and times, the tokenizer, and the options; where it is there
/// already, nothing is read but that. Where the vocabulary has `end`, it is put behind each document.
/// Fails on files that have no text, and on what is not UTF-8, with file and byte.
Corpus tokenize_files(const std::vector<std::string>& files, const Tokenizer& tokenizer,
                      const TokenizeOptions& options);

}  // namespace lacuna
