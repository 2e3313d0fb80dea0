#pragma once
// Text by SPEC. Where lacuna::text is not built, absent/text_data.cpp stands in.
#include "../spec.h"
#include "corpus.h"

namespace lacuna {

/// text:, tokens: and stories, before they are cut into samples.
Corpus open_corpus(const Spec& spec, bool train, const TextOptions& options);

/// Any text as a Source: a corpus cut as options.view says, or labelled rows (labelled.h).
std::unique_ptr<Source> open_text(const Spec& spec, bool train, const TextOptions& options);

/// The tokenizer that a SPEC brings along (`stories`), or null.
std::shared_ptr<const Tokenizer> built_in_tokenizer(const Spec& spec);

}  // namespace lacuna
