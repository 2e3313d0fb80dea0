#pragma once
// Files of tokens, mapped into memory, so that they may be larger than it.
//
//   nanoGPT   the tokens as little-endian u16, and nothing else
//   llm.c     a header of 256 little-endian i32 (magic, version, number of tokens), and the tokens: u16 with magic
//             20240520 and version 1 (GPT-2), or u32 with magic 20240801 and version 7 (Llama 3)
#include <string>

#include "corpus.h"

namespace lacuna {

/// The tokens in the bytes of such a file; llm.c's are known by their magic. Fails on an odd size, on a file that is
/// cut off or longer than its header says, and on an unknown version. `name` is for errors.
TokenSpan parse_tokens(std::string_view bytes, const std::string& name);

/// The text in a file of tokens. A document ends behind each vocabulary.end; without one, all is one document. A
/// vocabulary of size 0 becomes as large as the largest token needs. There are no sentences.
Corpus open_tokens(const std::string& path, Vocabulary vocabulary);

enum class TokenFormat { nanogpt, llm_c };
/// Writes tokens so that open_tokens() reads them again; nanoGPT's format holds tokens below 65,536 only. llm.c's is
/// the u32 one where the vocabulary has more.
void write_tokens(const std::string& path, const Corpus& corpus, TokenFormat format);

}  // namespace lacuna
