#include "tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bpe.h"
#include "characters.h"
#include "wordpiece.h"

namespace lacuna {
namespace text {
namespace {

using nlohmann::json;
using Members = std::vector<std::pair<std::int64_t, std::string>>;

constexpr const char* kTokenizerJsonOp = "tokenizer";

json parse(std::string_view text, const std::string& name) {
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    fail(kTokenizerJsonOp, name, ": must be JSON: ", e.what());
  }
}

// A component of the file ("pre_tokenizer") and its settings, which must be what there is here.
class Part {
 public:
  Part(const json& value, std::string name) : value_(value), name_(std::move(name)) {}

  bool absent() const { return value_.is_null(); }
  bool is_true(const char* key, bool otherwise) const {
    const json& v = at(key);
    if (v.is_null()) return otherwise;
    LACUNA_CHECK(v.is_boolean(), kTokenizerJsonOp, name_, ".", key, " must be true or false: got ",
                 brief(v));
    return v.get<bool>();
  }
  std::string text(const char* key, const char* otherwise) const {
    const json& v = at(key);
    if (v.is_null()) return otherwise;
    LACUNA_CHECK(v.is_string(), kTokenizerJsonOp, name_, ".", key, " must be a text: got ",
                 brief(v));
    return v.get<std::string>();
  }
  std::int64_t number(const char* key, std::int64_t otherwise) const {
    const json& v = at(key);
    if (v.is_null()) return otherwise;
    LACUNA_CHECK(v.is_number_integer() && v.get<std::int64_t>() >= 0, kTokenizerJsonOp, name_, ".",
                 key, " must be a whole number: got ", brief(v));
    return v.get<std::int64_t>();
  }
  std::string type() const { return absent() ? "none" : text("type", "of no type"); }
  Part part(const char* key) const { return {at(key), name_ + "." + key}; }
  const json& at(const char* key) const {
    static const json none;
    if (value_.is_null()) return none;
    LACUNA_CHECK(value_.is_object(), kTokenizerJsonOp, name_, " must be an object: got ",
                 brief(value_));
    const auto it = value_.find(key);
    return it == value_.end() ? none : *it;
  }
  const std::string& name() const { return name_; }

  /// Fails unless its type is one of these; "none" is a component that is null or not there.
  std::string must_be(std::initializer_list<const char*> types) const {
    std::string known;
    for (const char* t : types) {
      if (type() == t) return t;
      known += (known.empty() ? "" : " or ") + std::string(t);
    }
    fail(kTokenizerJsonOp, name_, " must be ", known, ": ", type(), " is not supported");
  }
  void must_have(const char* key, bool value, bool otherwise) const {
    LACUNA_CHECK(is_true(key, otherwise) == value, kTokenizerJsonOp, name_, ".", key, " must be ",
                 value ? "true" : "false", ": ", value ? "false" : "true", " is not supported");
  }
  void must_have(const char* key, const char* value, const char* otherwise) const {
    const std::string got = text(key, otherwise);
    LACUNA_CHECK(got == value, kTokenizerJsonOp, name_, ".", key, " must be \"", value, "\": \"",
                 got, "\" is not supported");
  }

 private:
  static std::string brief(const json& v) {
    return v.is_structured() ? v.type_name()
                             : v.dump(-1, ' ', false, json::error_handler_t::replace);
  }
  const json& value_;
  std::string name_;
};

Members members_of(const json& vocabulary, const std::string& name) {
  LACUNA_CHECK(vocabulary.is_object(), kTokenizerJsonOp, name,
               " must be an object, {\"token\": id, ...}: got ", vocabulary.type_name());
  Members members;
  members.reserve(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    LACUNA_CHECK(id.is_number_integer(), kTokenizerJsonOp, name,
                 ": an id must be a whole number: got ", id.type_name(), " for \"", token, '"');
    members.emplace_back(id.get<std::int64_t>(), token);
  }
  return members;
}

struct Vocabularies {
  TokenList list;
  std::int32_t own;  // how many are the model's
};

// The model's tokens, and behind them those that were added.
Vocabularies read_tokens(const Part& root, const Part& model) {
  Members members = members_of(model.at("vocab"), model.name() + ".vocab");
  const auto own = static_cast<std::int32_t>(members.size());
  std::vector<std::string> special;
  const json& added = root.at("added_tokens");
  LACUNA_CHECK(added.is_null() || added.is_array(), kTokenizerJsonOp, root.name(),
               ".added_tokens must be a list: got ", added.type_name());
  const json& vocabulary = model.at("vocab");
  for (std::size_t i = 0; i < added.size(); i++) {
    const Part token(added[i], root.name() + ".added_tokens[" + std::to_string(i) + "]");
    const std::string content = token.text("content", "");
    LACUNA_CHECK(!content.empty(), kTokenizerJsonOp, token.name(), ".content must not be empty");
    token.must_have("special", true, false);
    for (const char* key : {"single_word", "lstrip", "rstrip"}) token.must_have(key, false, false);
    special.push_back(content);
    if (!vocabulary.contains(content)) members.emplace_back(token.number("id", -1), content);
  }
  Vocabularies v{tokens_by_id(std::move(members), root.name()), own};
  for (const std::string& token : special) v.list.mark_special(token);
  return v;
}

// encode_special() puts [CLS] before a text and [SEP] behind it: the file must mean the same, where it says.
void check_frame(const Part& post) {
  const std::string type = post.must_be({"none", "BertProcessing", "TemplateProcessing"});
  if (type == "BertProcessing") {
    const json &cls = post.at("cls"), &sep = post.at("sep");
    LACUNA_CHECK(cls.is_array() && sep.is_array() && cls.size() == 2 && sep.size() == 2 &&
                     cls[0] == kCls && sep[0] == kSep,
                 kTokenizerJsonOp, post.name(), " must put [CLS] and [SEP] round a text");
  }
  if (type != "TemplateProcessing") return;
  const json& single = post.at("single");
  std::string found;
  for (std::size_t i = 0; single.is_array() && i < single.size(); i++) {
    const Part item(single[i], post.name() + ".single[" + std::to_string(i) + "]");
    const char* kind = item.at("Sequence").is_null() ? "SpecialToken" : "Sequence";
    found += (i ? " " : "") + item.part(kind).text("id", "");
  }
  LACUNA_CHECK(found == "[CLS] A [SEP]", kTokenizerJsonOp, post.name(),
               ".single must be [CLS] A [SEP]: \"", found, "\" is not supported");
}

std::shared_ptr<const Tokenizer> read_wordpiece(const Part& root, const Part& model) {
  const Part normalizer = root.part("normalizer"), decoder = root.part("decoder");
  normalizer.must_be({"BertNormalizer"});
  root.part("pre_tokenizer").must_be({"BertPreTokenizer"});
  check_frame(root.part("post_processor"));
  model.must_have("unk_token", kUnknown, kUnknown);
  model.must_have("continuing_subword_prefix", "##", "##");
  WordPieceRules rules;
  rules.words.clean = normalizer.is_true("clean_text", true);
  rules.words.ideographs = normalizer.is_true("handle_chinese_chars", true);
  rules.words.lower_case = normalizer.is_true("lowercase", true);
  rules.words.strip_accents = normalizer.is_true("strip_accents", rules.words.lower_case);
  rules.longest_word = model.number("max_input_chars_per_word", 100);
  if (decoder.must_be({"none", "WordPiece"}) == "WordPiece") {
    decoder.must_have("prefix", "##", "##");
    rules.tidy = decoder.is_true("cleanup", true);
  }
  Vocabularies v = read_tokens(root, model);
  return std::make_shared<WordPiece>(std::move(v.list), v.own, rules);
}

// A merge is "left right", or ["left", "right"].
std::vector<std::pair<std::string, std::string>> read_merges(const Part& model) {
  const json& merges = model.at("merges");
  LACUNA_CHECK(merges.is_array(), kTokenizerJsonOp, model.name(), ".merges must be a list: got ",
               merges.type_name());
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const json& m : merges) {
    if (m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string()) {
      pairs.emplace_back(m[0].get<std::string>(), m[1].get<std::string>());
      continue;
    }
    const std::string text = m.is_string() ? m.get<std::string>() : "";
    const std::size_t blank = text.find(' ');
    LACUNA_CHECK(blank != std::string::npos, kTokenizerJsonOp, model.name(), ".merges[",
                 pairs.size(), "] must be two tokens");
    pairs.emplace_back(text.substr(0, blank), text.substr(blank + 1));
  }
  return pairs;
}

std::shared_ptr<const Tokenizer> read_bpe(const Part& root, const Part& model) {
  root.part("normalizer").must_be({"none"});
  const Part split = root.part("pre_tokenizer");
  split.must_be({"ByteLevel"});
  split.must_have("add_prefix_space", false, true);
  split.must_have("use_regex", true, true);
  root.part("post_processor").must_be({"none", "ByteLevel"});
  root.part("decoder").must_be({"none", "ByteLevel"});
  model.must_have("continuing_subword_prefix", "", "");
  model.must_have("end_of_word_suffix", "", "");
  model.must_have("byte_fallback", false, false);
  model.must_have("ignore_merges", false, false);
  const json& dropout = model.at("dropout");
  LACUNA_CHECK(dropout.is_null() || dropout == 0, kTokenizerJsonOp, model.name(),
               ".dropout must be null: merges that are left out at random are not supported");
  Vocabularies v = read_tokens(root, model);
  std::vector<Merge> merges = merges_by_spelling(v.list, read_merges(model), [&](std::size_t i) {
    return model.name() + ".merges[" + std::to_string(i) + "]";
  });
  return std::make_shared<Bpe>(std::move(v.list), std::move(merges), root.name());
}

std::shared_ptr<const Tokenizer> read_characters(const Part& root, const Part& model) {
  root.part("normalizer").must_be({"none"});
  const Part split = root.part("pre_tokenizer");
  split.must_be({"Split"});
  split.part("pattern").must_have("Regex", kEveryCharacter, "");
  split.must_have("behavior", "Isolated", "");
  root.part("post_processor").must_be({"none"});
  root.part("decoder").must_be({"none", "Fuse"});
  model.must_have("unk_token", kUnknown, "");
  return std::make_shared<Characters>(read_tokens(root, model).list, root.name());
}

// Files from before models had a type are known by their members.
std::string model_type(const Part& model) {
  if (!model.at("type").is_null()) return model.must_be({"WordPiece", "BPE", "WordLevel"});
  if (!model.at("merges").is_null()) return "BPE";
  return model.at("max_input_chars_per_word").is_null() ? "WordLevel" : "WordPiece";
}

}  // namespace

Members read_json_vocabulary(std::string_view text, const std::string& name) {
  return members_of(parse(text, name), name);
}

}  // namespace text

std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view json_text,
                                                     const std::string& name) {
  using namespace text;
  const json file = parse(json_text, name);
  const Part root(file, name);
  const Part model = root.part("model");
  LACUNA_CHECK(!model.absent(), kTokenizerJsonOp, name,
               ": must have a \"model\": this is no tokenizer.json");
  const std::string type = model_type(model);
  if (type == "WordPiece") return read_wordpiece(root, model);
  if (type == "BPE") return read_bpe(root, model);
  return read_characters(root, model);
}

}  // namespace lacuna
