#include "huggingface.h"

#include <optional>
#include <span>

#include "../../core/ops/concat.h"
#include "../../core/ops/shape.h"
#include "../../core/tape.h"

namespace lacuna {
namespace {

// One of their tensors and where it is here; * is a block's number.
struct Rule {
  const char *theirs, *ours;
  bool transposed = false;
  int part = 0, parts = 1;  // it is this part of the first dimension of ours
};

constexpr Rule kGpt[] = {
    {"wte.weight", "encoder.token.weight"},
    {"wpe.weight", "encoder.position.weight"},
    {"h.*.ln_1.weight", "encoder.blocks.*.norm1.weight"},
    {"h.*.ln_1.bias", "encoder.blocks.*.norm1.bias"},
    {"h.*.attn.c_attn.weight", "encoder.blocks.*.attention.qkv.weight", true},
    {"h.*.attn.c_attn.bias", "encoder.blocks.*.attention.qkv.bias"},
    {"h.*.attn.c_proj.weight", "encoder.blocks.*.attention.out.weight", true},
    {"h.*.attn.c_proj.bias", "encoder.blocks.*.attention.out.bias"},
    {"h.*.ln_2.weight", "encoder.blocks.*.norm2.weight"},
    {"h.*.ln_2.bias", "encoder.blocks.*.norm2.bias"},
    {"h.*.mlp.c_fc.weight", "encoder.blocks.*.mlp.up.weight", true},
    {"h.*.mlp.c_fc.bias", "encoder.blocks.*.mlp.up.bias"},
    {"h.*.mlp.c_proj.weight", "encoder.blocks.*.mlp.down.weight", true},
    {"h.*.mlp.c_proj.bias", "encoder.blocks.*.mlp.down.bias"},
    {"ln_f.weight", "encoder.norm.weight"},
    {"ln_f.bias", "encoder.norm.bias"},
};

constexpr Rule kBert[] = {
    {"embeddings.word_embeddings.weight", "encoder.token.weight"},
    {"embeddings.position_embeddings.weight", "encoder.position.weight"},
    {"embeddings.token_type_embeddings.weight", "encoder.segment.weight"},
    {"embeddings.LayerNorm.weight", "encoder.norm.weight"},
    {"embeddings.LayerNorm.bias", "encoder.norm.bias"},
    {"encoder.layer.*.attention.self.query.weight", "encoder.blocks.*.attention.qkv.weight", false,
     0, 3},
    {"encoder.layer.*.attention.self.key.weight", "encoder.blocks.*.attention.qkv.weight", false, 1,
     3},
    {"encoder.layer.*.attention.self.value.weight", "encoder.blocks.*.attention.qkv.weight", false,
     2, 3},
    {"encoder.layer.*.attention.self.query.bias", "encoder.blocks.*.attention.qkv.bias", false, 0,
     3},
    {"encoder.layer.*.attention.self.key.bias", "encoder.blocks.*.attention.qkv.bias", false, 1, 3},
    {"encoder.layer.*.attention.self.value.bias", "encoder.blocks.*.attention.qkv.bias", false, 2,
     3},
    {"encoder.layer.*.attention.output.dense.weight", "encoder.blocks.*.attention.out.weight"},
    {"encoder.layer.*.attention.output.dense.bias", "encoder.blocks.*.attention.out.bias"},
    {"encoder.layer.*.attention.output.LayerNorm.weight", "encoder.blocks.*.norm1.weight"},
    {"encoder.layer.*.attention.output.LayerNorm.bias", "encoder.blocks.*.norm1.bias"},
    {"encoder.layer.*.intermediate.dense.weight", "encoder.blocks.*.mlp.up.weight"},
    {"encoder.layer.*.intermediate.dense.bias", "encoder.blocks.*.mlp.up.bias"},
    {"encoder.layer.*.output.dense.weight", "encoder.blocks.*.mlp.down.weight"},
    {"encoder.layer.*.output.dense.bias", "encoder.blocks.*.mlp.down.bias"},
    {"encoder.layer.*.output.LayerNorm.weight", "encoder.blocks.*.norm2.weight"},
    {"encoder.layer.*.output.LayerNorm.bias", "encoder.blocks.*.norm2.bias"},
    {"pooler.dense.weight", "encoder.pooler.weight"},
    {"pooler.dense.bias", "encoder.pooler.bias"},
    {"cls.predictions.transform.dense.weight", "transform.weight"},
    {"cls.predictions.transform.dense.bias", "transform.bias"},
    {"cls.predictions.transform.LayerNorm.weight", "norm.weight"},
    {"cls.predictions.transform.LayerNorm.bias", "norm.bias"},
    {"cls.predictions.bias", "bias"},
    {"cls.seq_relationship.weight", "nsp.weight"},
    {"cls.seq_relationship.bias", "nsp.bias"},
};

// Written a second time by them: the name, and whose values it has.
struct Tie {
  const char *again, *of;
};
constexpr Tie kGptTies[] = {{"lm_head.weight", "wte.weight"}};
constexpr Tie kBertTies[] = {
    {"cls.predictions.decoder.weight", "embeddings.word_embeddings.weight"},
    {"cls.predictions.decoder.bias", "cls.predictions.bias"},
};
// Constants that some versions save.
constexpr const char* kConstants[] = {"h.*.attn.bias", "h.*.attn.masked_bias",
                                      "embeddings.position_ids"};

struct Family {
  const char *name, *prefix, *outside;  // names have the prefix unless they begin with `outside`
  std::span<const Rule> rules;
  std::span<const Tie> ties;
};
const Family kFamilies[] = {
    {"gpt", "transformer.", "lm_head.", kGpt, kGptTies},
    {"bert", "bert.", "cls.", kBert, kBertTies},
};

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

// What * stands for where `name` is of the pattern; "" where the pattern has none.
std::optional<std::string> match(const std::string& pattern, const std::string& name) {
  const auto star = pattern.find('*');
  if (star == std::string::npos)
    return pattern == name ? std::optional<std::string>("") : std::nullopt;
  const std::string tail = pattern.substr(star + 1);
  if (name.size() <= star + tail.size() || name.compare(0, star, pattern, 0, star) != 0 ||
      name.compare(name.size() - tail.size(), tail.size(), tail) != 0)
    return {};
  const std::string number = name.substr(star, name.size() - tail.size() - star);
  if (number.find_first_not_of("0123456789") != std::string::npos) return {};
  return number;
}
std::string fill(std::string pattern, const std::string& number) {
  const auto star = pattern.find('*');
  return star == std::string::npos ? pattern : pattern.replace(star, 1, number);
}

// Without the outer prefix; LayerNorm's gamma and beta of files from before 2019 as weight and bias.
std::string inner_name(const Family& family, std::string name) {
  if (starts_with(name, family.prefix)) name = name.substr(std::string(family.prefix).size());
  for (const auto& [old, now] :
       {std::pair<std::string, std::string>{".gamma", ".weight"}, {".beta", ".bias"}})
    if (name.size() > old.size() && name.compare(name.size() - old.size(), old.size(), old) == 0)
      name.replace(name.size() - old.size(), old.size(), now);
  return name;
}

// A network without biases has zeros there: theirs always has some.
StateDict with_biases(const Family& family, StateDict ours) {
  const StateDict given = ours;
  for (const auto& [name, tensor] : given) {
    const auto dot = name.rfind(".weight");
    if (dot == std::string::npos) continue;
    const std::string bias = name.substr(0, dot) + ".bias";
    for (const Rule& rule : family.rules)
      if (match(rule.ours, bias) && !ours.count(bias))
        ours[bias] = Tensor::zeros({tensor.dim(0)}, tensor.dtype());
  }
  return ours;
}

const Family* family_of(const StateDict& theirs) {
  for (const Family& family : kFamilies) {
    const std::string table = family.rules[0].theirs;
    if (theirs.count(table) || theirs.count(family.prefix + table)) return &family;
  }
  return nullptr;
}

}  // namespace

std::string huggingface_model(const StateDict& theirs) {
  const Family* family = family_of(theirs);
  return family ? family->name : "";
}

StateDict from_huggingface(const StateDict& theirs) {
  const Family* family = family_of(theirs);
  LACUNA_CHECK(family, "import",
               "these are not the names of GPT2LMHeadModel or BertForPreTraining");
  NoGrad guard;
  StateDict inner;
  for (const auto& [name, tensor] : theirs) inner[inner_name(*family, name)] = tensor;
  StateDict ours;
  std::map<std::string, std::vector<Tensor>> parts;
  for (const auto& [name, tensor] : inner) {
    bool known = false;
    for (const Rule& rule : family->rules) {
      const auto number = match(rule.theirs, name);
      if (!number) continue;
      known = true;
      const std::string here = fill(rule.ours, *number);
      const Tensor t = rule.transposed ? contiguous(transpose(tensor)) : tensor;
      if (rule.parts == 1) {
        ours[here] = t;
      } else {
        parts[here].resize(static_cast<std::size_t>(rule.parts));
        parts[here][static_cast<std::size_t>(rule.part)] = t;
      }
    }
    for (const Tie& tie : family->ties) {
      if (name != tie.again) continue;
      known = true;
      const auto of = inner.find(tie.of);
      LACUNA_CHECK(of != inner.end() && of->second.shape() == tensor.shape() &&
                       of->second.to_vector<float>() == tensor.to_vector<float>(),
                   "import", name, " must have the values of ", tie.of,
                   ": heads that are not tied to the table of tokens are not built here");
    }
    for (const char* constant : kConstants) known = known || match(constant, name);
    LACUNA_CHECK(known, "import", "there is no place for \"", name, "\" in a ", family->name);
  }
  for (const auto& [name, tensors] : parts) {
    for (const Tensor& t : tensors)
      LACUNA_CHECK(t.defined(), "import", "queries, keys or values of ", name, " are missing");
    ours[name] = concat(tensors, 0);
  }
  return ours;
}

StateDict to_huggingface(const std::string& model, const StateDict& ours) {
  const Family* family = nullptr;
  for (const Family& f : kFamilies)
    if (model == f.name) family = &f;
  LACUNA_CHECK(family, "export", "there is no such model of transformers: ", model);
  NoGrad guard;
  StateDict theirs;
  const auto put = [&](const std::string& name, const Tensor& t) {
    theirs[(starts_with(name, family->outside) ? "" : family->prefix) + name] = t;
  };
  for (const auto& [name, tensor] : with_biases(*family, ours)) {
    bool known = false;
    for (const Rule& rule : family->rules) {
      const auto number = match(rule.ours, name);
      if (!number) continue;
      known = true;
      const Tensor t = rule.parts == 1
                           ? tensor
                           : chunk(tensor, rule.parts, 0)[static_cast<std::size_t>(rule.part)];
      put(fill(rule.theirs, *number), contiguous(rule.transposed ? transpose(t) : t));
    }
    LACUNA_CHECK(known, "export", "a ", model, " of transformers has no \"", name, '"');
  }
  for (const Tie& tie : family->ties) {
    const std::string of =
        starts_with(tie.of, family->outside) ? tie.of : family->prefix + std::string(tie.of);
    if (theirs.count(of)) put(tie.again, theirs[of]);
  }
  return theirs;
}

}  // namespace lacuna
