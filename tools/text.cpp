#include "text.h"

#include <fmt/format.h>

#include <filesystem>

#include "../core/files.h"
#include "../datasets/text/sources.h"
#include "../datasets/text/text_files.h"
#include "../datasets/text/utf8.h"

namespace lacuna::tools {
namespace {

std::shared_ptr<const Tokenizer> characters_of(const std::string& data) {
  const Spec spec = parse_spec(data);
  LACUNA_CHECK(spec.scheme == "text" || spec.scheme == "tsv" || spec.scheme == "conll", "tokenizer",
               "char takes its characters from text:, tsv: or conll:, not from ", data);
  return train_tokenizer_on_files("char", {spec.place}, {});
}

}  // namespace

std::shared_ptr<const Tokenizer> tokenizer_for(const std::string& spec, const std::string& data) {
  return spec == "char" ? characters_of(data) : open_tokenizer(spec);
}

std::string fingerprint(const Tokenizer* tokenizer) {
  if (!tokenizer) return "";
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](std::string_view bytes) {
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
    hash *= 0x100000001b3u;
  };
  const auto size = static_cast<std::int32_t>(tokenizer->vocabulary().size);
  for (std::int32_t id = 0; id < size; id++) add(tokenizer->token(id));
  // Equal tokens, but another case, other accents or other merges.
  for (const std::int32_t id :
       tokenizer->ids("The caf\u00e9s of Z\u00fcrich aren't unbelievably DEAR: 1,250!"))
    add(std::to_string(id));
  return fmt::format("{:016x}", hash);
}

std::shared_ptr<const Tokenizer> make_tokenizer(const TaskInfo& task, const Settings& settings) {
  if (!task.text) return nullptr;
  const std::string &spec = settings.text("data.tokenizer"), &data = settings.text("data.train");
  if (!spec.empty()) return tokenizer_for(spec, data);
  const Spec place = parse_spec(data);
  LACUNA_CHECK(is_text(place), task.name, "takes text: got ", data,
               " (`lacuna list` says what there is)");
  return built_in_tokenizer(place);
}

std::shared_ptr<const Tokenizer> read_tokenizer(const RunFolder& folder) {
  const std::string file = folder.tokenizer();
  return std::filesystem::exists(file) ? tokenizer_from_json(read_file(file), file) : nullptr;
}

std::shared_ptr<const Tokenizer> need_tokenizer(const RunFolder& folder) {
  auto tokenizer = read_tokenizer(folder);
  LACUNA_CHECK(tokenizer, "run", folder.path,
               " has no tokenizer.json: it was trained on tokens alone, or not on text");
  return tokenizer;
}

TextOptions text_options(const TaskInfo& task, const Settings& settings,
                         std::shared_ptr<const Tokenizer> tokenizer) {
  TextOptions options;
  if (!task.text) return options;
  options.view = task.text(settings);
  options.tokenizer = std::move(tokenizer);
  options.documents = settings.text("data.documents");
  options.sentences = settings.text("data.sentences");
  options.cache = settings.text("data.cache");
  return options;
}

DataInfo data_of(const TaskInfo& task, const Settings& settings, const Tokenizer& tokenizer) {
  const TextView view = task.text(settings);
  const bool windows = view.kind == TextView::Kind::windows;
  DataInfo data;
  data.vocabulary = tokenizer.vocabulary();
  data.vocabulary.continues = tokenizer.continues();
  data.fields = {{"tokens", Dtype::i64, {view.length + (windows ? 1 : 0)}},
                 {"length", Dtype::i64, {}}};
  if (!windows) data.fields.push_back({"segment", Dtype::i64, {view.length}});
  if (view.kind == TextView::Kind::pairs) data.fields.push_back({"label", Dtype::i64, {}});
  return data;
}

void warn_of_what_is_left_out(std::initializer_list<const Source*> sources) {
  std::string before;
  for (const Source* source : sources) {
    const std::string what = source ? source->name() + ": " + source->left_out() : "";
    if (source && !source->left_out().empty() && what != before)
      fmt::print(stderr, "lacuna: warning: {}\n", what);
    before = what;
  }
}

std::string_view whole_characters(std::string_view text) {
  // At most three bytes of a character may be there without its last one.
  for (std::size_t back = 1; back <= 3 && back <= text.size(); back++) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;  // not a character's first byte
    const std::size_t length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (length > back) return text.substr(0, text.size() - back);
    break;
  }
  return text;
}

std::string readable(std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t good = text::valid_prefix(text);
    out += text.substr(0, good);
    if (good == text.size()) return out;
    out += "\xef\xbf\xbd";
    text.remove_prefix(good + 1);
    while (!text.empty() && (static_cast<unsigned char>(text[0]) & 0xC0) == 0x80)
      text.remove_prefix(1);
  }
}

}  // namespace lacuna::tools
