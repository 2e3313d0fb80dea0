#include "huggingface_config.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "../core/files.h"
#include "../nn/backbones/bert.h"
#include "../nn/backbones/gpt.h"

namespace lacuna::tools {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of_gelu(bool tanh) { return tanh ? "gelu_new" : "gelu"; }

// A token's number; null where there is none, which keeps transformers from a default that may be out of range.
Json token(std::int64_t id) { return id >= 0 ? Json(id) : Json(nullptr); }

Json config_of(const BertOptions& o, bool nsp, const Vocabulary& v) {
  return {{"architectures", {nsp ? "BertForPreTraining" : "BertForMaskedLM"}},
          {"model_type", "bert"},
          {"vocab_size", o.vocabulary},
          {"hidden_size", o.width},
          {"num_hidden_layers", o.layers},
          {"num_attention_heads", o.heads},
          {"intermediate_size", o.inner > 0 ? o.inner : 4 * o.width},
          {"hidden_act", name_of_gelu(o.gelu_tanh)},
          {"hidden_dropout_prob", o.dropout},
          {"attention_probs_dropout_prob", o.dropout},
          {"max_position_embeddings", o.positions},
          {"type_vocab_size", 2},
          {"layer_norm_eps", o.eps},
          {"initializer_range", 0.02},
          {"pad_token_id", token(v.pad)}};
}

Json config_of(const GptOptions& o, const Vocabulary& v) {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"vocab_size", o.vocabulary},
          {"n_positions", o.context},
          {"n_embd", o.width},
          {"n_layer", o.layers},
          {"n_head", o.heads},
          {"activation_function", name_of_gelu(o.gelu_tanh)},
          {"resid_pdrop", o.dropout},
          {"embd_pdrop", o.dropout},
          {"attn_pdrop", o.dropout},
          {"layer_norm_epsilon", o.eps},
          {"initializer_range", 0.02},
          {"bos_token_id", token(v.end)},
          {"eos_token_id", token(v.end)}};
}

// A config.json that is there and is transformers'.
class Config {
 public:
  Config(std::string path, const char* type) : path_(std::move(path)) {
    if (!std::filesystem::exists(path_)) return;
    json_ = Json::parse(read_file(path_), nullptr, false);
    LACUNA_CHECK(json_.is_object(), "import", path_, " must be a JSON object");
    if (!json_.contains("model_type")) {
      json_.clear();
      return;
    }
    LACUNA_CHECK(json_["model_type"] == type, "import", path_, " must be of the weights' model, ",
                 type, ": got ", json_["model_type"].dump());
    // What would make it another network.
    for (const auto& [key, value] :
         {std::pair<const char*, Json>{"position_embedding_type", "absolute"},
          {"scale_attn_weights", true},
          {"scale_attn_by_inverse_layer_idx", false},
          {"is_decoder", false},
          {"add_cross_attention", false}})
      LACUNA_CHECK(!json_.contains(key) || json_[key].is_null() || json_[key] == value, "import",
                   path_, ": ", key, " must be ", value.dump(),
                   ", nothing else is built here: got ", json_[key].dump());
  }
  explicit operator bool() const { return !json_.empty(); }

  double number(const char* key) const {
    LACUNA_CHECK(json_.contains(key) && json_[key].is_number(), "import", path_,
                 " must have a number \"", key, '"');
    return json_[key].get<double>();
  }
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const {
    const double value = number(key);
    LACUNA_CHECK(value == std::floor(value) && value >= static_cast<double>(low) &&
                     value <= static_cast<double>(high),
                 "import", path_, ": ", key, " must be a whole number from ", low, " to ", high,
                 ": got ", json_[key].dump());
    return static_cast<std::int64_t>(value);
  }
  void check_size(const char* key, std::int64_t of_weights) const {
    LACUNA_CHECK(number(key) == static_cast<double>(of_weights), "import", path_,
                 " is of other weights: ", key, " is ", json_[key].dump(), ", theirs is ",
                 of_weights);
  }
  bool gelu_tanh(const char* key) const {
    const Json kind = json_.contains(key) ? json_[key] : Json();
    for (const char* name : {"gelu_new", "gelu_pytorch_tanh", "gelu_fast"})
      if (kind == name) return true;
    LACUNA_CHECK(kind == "gelu", "import", path_, ": ", key, " must be gelu or gelu_new: got ",
                 kind.dump());
    return false;
  }
  // Where all are the same.
  std::optional<double> dropout(std::initializer_list<const char*> keys) const {
    for (const char* key : keys)
      if (number(key) != number(*keys.begin())) return {};
    return number(*keys.begin());
  }

 private:
  std::string path_;
  Json json_;
};

struct Sizes {
  std::int64_t vocabulary, positions, width, inner, layers = 0;

  explicit Sizes(const StateDict& ours) {
    const auto tensor = [&](const char* name) {
      const auto it = ours.find(name);
      LACUNA_CHECK(it != ours.end() && it->second.ndim() == 2, "import",
                   "the weights must have a matrix ", name, " (as it is named here)");
      return it->second;
    };
    vocabulary = tensor("encoder.token.weight").dim(0);
    width = tensor("encoder.token.weight").dim(1);
    positions = tensor("encoder.position.weight").dim(0);
    inner = tensor("encoder.blocks.0.mlp.up.weight").dim(0);
    while (ours.count(fmt::format("encoder.blocks.{}.norm1.weight", layers))) layers++;
    LACUNA_CHECK(inner == 4 * width, "import", "the inner width must be 4 times the width, ",
                 4 * width, ", nothing else is built here: got ", inner);
  }
  // How many heads share the width cannot be seen: 64 numbers a head are usual.
  std::int64_t usual_heads() const { return width % 64 == 0 ? width / 64 : 1; }
};

std::string assumptions(std::int64_t heads, bool gelu_tanh, double eps) {
  return fmt::format(
      "there is no config.json beside it: model.heads={}, model.gelu={} and "
      "model.norm_eps={} are assumed",
      heads, gelu_tanh ? "tanh" : "erf", eps);
}

template <class Options>
std::string settings_of(const Options& o, const char* positions_key, std::int64_t positions) {
  return fmt::format(
      " --set model.layers={} --set model.width={} --set model.heads={} --set model.{}={}"
      " --set model.gelu={} --set model.norm_eps={}",
      o.layers, o.width, o.heads, positions_key, positions, o.gelu_tanh ? "tanh" : "erf", o.eps);
}

ImportedEncoder imported_bert(const StateDict& ours, const std::string& path) {
  const Sizes n(ours);
  BertOptions o{.vocabulary = n.vocabulary,
                .positions = n.positions,
                .width = n.width,
                .layers = n.layers,
                .heads = n.usual_heads(),
                .gelu_tanh = false,
                .pooler = ours.count("nsp.weight") != 0};
  ImportedEncoder out;
  std::optional<double> dropout;
  if (const Config config(path, "bert"); config) {
    config.check_size("hidden_size", n.width);
    config.check_size("num_hidden_layers", n.layers);
    o.heads = config.integer("num_attention_heads", 1, n.width);
    o.gelu_tanh = config.gelu_tanh("hidden_act");
    o.eps = config.number("layer_norm_eps");
    dropout = config.dropout({"hidden_dropout_prob", "attention_probs_dropout_prob"});
    o.dropout = dropout.value_or(o.dropout);
    out.architecture = Bert(o).architecture();
  } else {
    out.assumed = assumptions(o.heads, o.gelu_tanh, o.eps);
  }
  out.settings = settings_of(o, "positions", o.positions);
  if (o.positions < 128) out.settings += fmt::format(" --set model.context={}", o.positions);
  if (!o.pooler) out.settings += " --set task.nsp=false";
  if (dropout) out.settings += fmt::format(" --set model.dropout={}", *dropout);
  return out;
}

ImportedEncoder imported_gpt(const StateDict& ours, const std::string& path) {
  const Sizes n(ours);
  GptOptions o{.vocabulary = n.vocabulary,
               .context = n.positions,
               .width = n.width,
               .layers = n.layers,
               .heads = n.usual_heads()};
  ImportedEncoder out;
  std::optional<double> dropout;
  if (const Config config(path, "gpt2"); config) {
    config.check_size("n_embd", n.width);
    config.check_size("n_layer", n.layers);
    o.heads = config.integer("n_head", 1, n.width);
    o.gelu_tanh = config.gelu_tanh("activation_function");
    o.eps = config.number("layer_norm_epsilon");
    dropout = config.dropout({"resid_pdrop", "embd_pdrop", "attn_pdrop"});
    o.dropout = dropout.value_or(o.dropout);
    out.architecture = Gpt(o).architecture();
  } else {
    out.assumed = assumptions(o.heads, o.gelu_tanh, o.eps);
  }
  out.settings = settings_of(o, "context", o.context);
  if (dropout) out.settings += fmt::format(" --set model.dropout={}", *dropout);
  return out;
}

}  // namespace

std::string huggingface_config(const Module& encoder, bool nsp, const Vocabulary& vocabulary) {
  const auto* bert = dynamic_cast<const Bert*>(&encoder);
  const auto* gpt = dynamic_cast<const Gpt*>(&encoder);
  LACUNA_CHECK(bert || (gpt && !gpt->options().gpt1), "export",
               "transformers has a BERT and a GPT-2: the encoder is another");
  const Json json =
      bert ? config_of(bert->options(), nsp, vocabulary) : config_of(gpt->options(), vocabulary);
  return json.dump(2) + "\n";
}

ImportedEncoder imported_encoder(const std::string& model, const StateDict& ours,
                                 const std::string& config) {
  return model == "bert" ? imported_bert(ours, config) : imported_gpt(ours, config);
}

}  // namespace lacuna::tools
