// Writing Hugging Face's tokenizer.json.
#include <nlohmann/json.hpp>

#include "bpe.h"
#include "characters.h"
#include "tokenizer_json.h"
#include "wordpiece.h"

namespace lacuna::text {
namespace {

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string vocabulary_json(const Tokenizer& t, std::int64_t own) {
  std::string out = "{";
  for (std::int32_t id = 0; id < own; id++)
    out += (id ? ",\n" : "\n") + json_string(t.token(id)) + ": " + std::to_string(id);
  return out + "}";
}

// The whole file of components that are JSON already.
std::string file_json(const Tokenizer& t, const std::string& normalizer, const std::string& split,
                      const std::string& post, const std::string& decoder,
                      const std::string& model) {
  std::string added;
  for (std::int32_t id : t.special())
    added += (added.empty() ? "\n" : ",\n") + ("{\"id\": " + std::to_string(id)) +
             ", \"content\": " + json_string(t.token(id)) +
             ", \"single_word\": false, \"lstrip\": false, \"rstrip\": false, "
             "\"normalized\": false, \"special\": true}";
  return "{\"version\": \"1.0\",\n\"truncation\": null,\n\"padding\": null,\n\"added_tokens\": [" +
         added + "],\n\"normalizer\": " + normalizer + ",\n\"pre_tokenizer\": " + split +
         ",\n\"post_processor\": " + post + ",\n\"decoder\": " + decoder +
         ",\n\"model\": " + model + "}\n";
}

const char* truth(bool value) { return value ? "true" : "false"; }

}  // namespace

std::string WordPiece::to_json() const {
  const BertRules& w = rules_.words;
  const Vocabulary v = vocabulary();
  const std::string normalizer = std::string("{\"type\": \"BertNormalizer\", \"clean_text\": ") +
                                 truth(w.clean) +
                                 ", \"handle_chinese_chars\": " + truth(w.ideographs) +
                                 ", \"strip_accents\": " + truth(w.strip_accents) +
                                 ", \"lowercase\": " + truth(w.lower_case) + "}";
  const std::string post = v.cls < 0 || v.sep < 0
                               ? "null"
                               : "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", " +
                                     std::to_string(v.sep) + "], \"cls\": [\"[CLS]\", " +
                                     std::to_string(v.cls) + "]}";
  return file_json(*this, normalizer, "{\"type\": \"BertPreTokenizer\"}", post,
                   std::string("{\"type\": \"WordPiece\", \"prefix\": \"##\", \"cleanup\": ") +
                       truth(rules_.tidy) + "}",
                   "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", "
                   "\"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": " +
                       std::to_string(rules_.longest_word) +
                       ", \"vocab\": " + vocabulary_json(*this, own_) + "}");
}

std::string Bpe::to_json() const {
  const std::string bytes =
      "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, "
      "\"use_regex\": true}";
  std::string merges = "[";
  for (const Merge& m : merges_)
    merges += (merges.size() > 1 ? ",\n[" : "\n[") + json_string(tokens()[m.left]) + ", " +
              json_string(tokens()[m.right]) + "]";
  return file_json(*this, "null", bytes, bytes, bytes,
                   "{\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
                   "\"continuing_subword_prefix\": \"\", \"end_of_word_suffix\": \"\", "
                   "\"fuse_unk\": false, \"byte_fallback\": false, \"ignore_merges\": false, "
                   "\"vocab\": " +
                       vocabulary_json(*this, tokens().size()) + ",\n\"merges\": " + merges + "]}");
}

std::string Characters::to_json() const {
  return file_json(
      *this, "null",
      "{\"type\": \"Split\", \"pattern\": {\"Regex\": " + json_string(kEveryCharacter) +
          "}, \"behavior\": \"Isolated\", \"invert\": false}",
      "null", "{\"type\": \"Fuse\"}",
      "{\"type\": \"WordLevel\", \"unk_token\": \"[UNK]\", \"vocab\": " +
          vocabulary_json(*this, tokens().size()) + "}");
}

}  // namespace lacuna::text
