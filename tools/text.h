#pragma once
// What a run of text has beside its settings: its tokenizer, kept as tokenizer.json in its folder.
#include "../datasets/spec.h"
#include "run_folder.h"

namespace lacuna::tools {

/// open_tokenizer(), with `char` as well: the characters of `data`, a SPEC of text in files.
std::shared_ptr<const Tokenizer> tokenizer_for(const std::string& spec, const std::string& data);

/// Tells tokenizers apart, of whatever size: FNV-1a (Fowler, Noll, Vo) of all tokens and of what a sentence becomes. "" of
/// none.
std::string fingerprint(const Tokenizer* tokenizer);

/// The tokenizer that a new run is to have: of data.tokenizer (`char` is made from data.train), or the one that the data
/// brings along. Null where there is none: not text, or token files.
std::shared_ptr<const Tokenizer> make_tokenizer(const TaskInfo& task, const Settings& settings);

/// The tokenizer of a run; null where it has none.
std::shared_ptr<const Tokenizer> read_tokenizer(const RunFolder& folder);
/// The same; an Error where it has none.
std::shared_ptr<const Tokenizer> need_tokenizer(const RunFolder& folder);

/// What open_source() needs for a run's data.
TextOptions text_options(const TaskInfo& task, const Settings& settings,
                         std::shared_ptr<const Tokenizer> tokenizer);

/// What a task of text knows of its data where there is only a tokenizer.
DataInfo data_of(const TaskInfo& task, const Settings& settings, const Tokenizer& tokenizer);

/// Says on standard error what the samples of each leave out; a null is passed over.
void warn_of_what_is_left_out(std::initializer_list<const Source*> sources);

/// The part of `text` that ends with a whole character of UTF-8.
std::string_view whole_characters(std::string_view text);

/// Text that is UTF-8: U+FFFD in place of what is not, such as a character that lacks its last token.
std::string readable(std::string_view text);

}  // namespace lacuna::tools
