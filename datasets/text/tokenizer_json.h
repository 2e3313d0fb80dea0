#pragma once
// Hugging Face's tokenizer.json: what of it there is here, and nothing else without an error that names it.
#include "vocabulary.h"

namespace lacuna::text {

/// How pre_tokenizer.pattern.Regex says that every character is a token.
inline constexpr const char* kEveryCharacter = "[\\s\\S]";

/// The members of {"token": id, ...}; tokens are there once, ids are not negative.
std::vector<std::pair<std::int64_t, std::string>> read_json_vocabulary(std::string_view json,
                                                                       const std::string& name);

}  // namespace lacuna::text
