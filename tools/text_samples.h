#pragma once
// What a model of text can do, as text for people: samples/<step>.txt.
#include <string>
#include <vector>

#include "../datasets/tokenizer.h"
#include "../ssl/task.h"

namespace lacuna::tools {

/// Of a GPT: three texts that it makes up. Of a BERT: four samples of `source` with one word in seven hidden; in brackets what
/// was hidden, and where the model put something else, that after an arrow. Empty for other tasks.
std::string text_samples(Task& task, const Tokenizer& tokenizer, const Source& source,
                         Device device);

struct TextFile {
  std::string path;
  std::int64_t step = 0;
};
void write_text_samples(const std::string& folder, std::int64_t step, const std::string& text);
/// By step; empty where there is no such folder.
std::vector<TextFile> find_text_samples(const std::string& folder);

}  // namespace lacuna::tools
