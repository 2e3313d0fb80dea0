#pragma once
// Where sentences begin.
//
// By `rules`, a sentence ends
//   at a blank line;
//   at . ! ? or an ellipsis, with the quotes and brackets that close after it, where white space follows and then
//     something other than a lower-case letter (a-z) or a mark that cannot begin one (, ; :);
//   at the full stop, exclamation or question mark of Chinese and Japanese, with or without a space;
// but not at the "." of a usual abbreviation (Mr., e.g., Nov.) or of a single capital (J. R. R. Tolkien). A single
// newline is white space, since printed text is wrapped. Text whose words and marks are set apart by spaces
// (". Then") is fine. A sentence that ends with an abbreviation is joined to the next.
//
// By `lines`, each line that is not blank is a sentence: the input of BERT's own data script.
#include <cstdint>
#include <string_view>
#include <vector>

namespace lacuna {

enum class SentenceEnds { rules, lines };

/// Byte of the first character of each sentence, rising. Valid UTF-8.
std::vector<std::int64_t> sentence_starts(std::string_view text, SentenceEnds ends);

}  // namespace lacuna
