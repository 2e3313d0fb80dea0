#include "text_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "../core/files.h"
#include "../core/ops/shape.h"
#include "../kernels/random.h"
#include "../ssl/fill.h"
#include "../ssl/generate.h"
#include "text.h"

namespace lacuna::tools {

namespace fs = std::filesystem;

namespace {

std::string made_up(GptModel& model, const Tokenizer& tokenizer) {
  const Vocabulary v = tokenizer.vocabulary();
  std::vector<std::int64_t> prompt;
  if (v.end >= 0)
    prompt.push_back(v.end);
  else
    for (std::int32_t id : tokenizer.ids("\n")) prompt.push_back(id);
  if (prompt.empty()) prompt.push_back(0);
  GenerateOptions options;
  options.max_tokens = 200;
  options.stop = v.end;
  options.sampling.temperature = 0.8;
  std::string text;
  for (options.sample = 0; options.sample < 3; options.sample++) {
    const auto tokens = generate(model, prompt, options);
    const std::vector<std::int32_t> ids(tokens.begin(), tokens.end());
    text += (options.sample ? "\n----\n" : "") + tokenizer.decode(ids);
  }
  return text + "\n";
}

std::string filled(BertModel& model, const Tokenizer& tokenizer, const Source& source,
                   Device device) {
  const Vocabulary v = tokenizer.vocabulary();
  const RandomKey key = RandomKey::of(0, stream_of("text_samples"), 0);
  std::string text;
  for (std::int64_t sample = 0; sample < std::min<std::int64_t>(4, source.size()); sample++) {
    const Batch batch = read_batch(source, {sample});
    const auto length = batch["length"].to_vector<std::int64_t>()[0];
    auto ids = batch["tokens"].to_vector<std::int64_t>();
    ids.resize(static_cast<std::size_t>(length));
    std::vector<std::int64_t> shown = ids;
    for (std::int64_t i = 0; i < length; i++) {
      const bool hide =
          below(draw_word(key, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(sample)),
                7) == 0;
      auto& id = shown[static_cast<std::size_t>(i)];
      if (hide && id != v.cls && id != v.sep) id = v.mask;
    }
    const Tensor tokens = to(Tensor::from(shown, {1, length}), device),
                 segments = to(slice(batch["segment"], 1, 0, length), device),
                 lengths = to(batch["length"], device);
    std::string row;
    std::vector<std::int32_t> plain;
    const auto flush = [&] {
      row += (row.empty() || plain.empty() ? "" : " ") + tokenizer.decode_special(plain);
      plain.clear();
    };
    const auto blanks = fill_blanks(model, tokens, segments, lengths, v.mask, 1);
    auto blank = blanks.begin();
    for (std::int64_t i = 0; i < length; i++) {
      const auto id = static_cast<std::int32_t>(ids[static_cast<std::size_t>(i)]);
      if (blank == blanks.end() || blank->position != i) {
        plain.push_back(id);
        continue;
      }
      flush();
      const auto guess = static_cast<std::int32_t>(blank->fillings[0].token);
      row += (row.empty() ? "[" : " [") + tokenizer.token(id) +
             (guess == id ? "" : " \u2192 " + tokenizer.token(guess)) + "]";
      ++blank;
    }
    flush();
    text += row + "\n";
  }
  return text;
}

}  // namespace

std::string text_samples(Task& task, const Tokenizer& tokenizer, const Source& source,
                         Device device) {
  if (auto* gpt = dynamic_cast<GptModel*>(&task.model())) return made_up(*gpt, tokenizer);
  if (auto* bert = dynamic_cast<BertModel*>(&task.model()))
    return filled(*bert, tokenizer, source, device);
  return "";
}

void write_text_samples(const std::string& folder, std::int64_t step, const std::string& text) {
  if (text.empty()) return;
  fs::create_directories(folder);
  write_file(fmt::format("{}/{:06}.txt", folder, step), readable(text));
}

std::vector<TextFile> find_text_samples(const std::string& folder) {
  std::vector<TextFile> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().extension() == ".txt")
      files.push_back({entry.path().string(), std::atoll(entry.path().stem().c_str())});
  std::sort(files.begin(), files.end(),
            [](const TextFile& a, const TextFile& b) { return a.step < b.step; });
  return files;
}

}  // namespace lacuna::tools
