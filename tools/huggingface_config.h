#pragma once
// What transformers' config.json says of a BERT or a GPT-2 and shapes of weights do not: heads, the kind of gelu, the eps of norms,
// dropout. Keys of BertForPreTraining and GPT2LMHeadModel.
#include <memory>
#include <string>

#include "../core/batch.h"
#include "../nn/state.h"

namespace lacuna {
class Module;
}

namespace lacuna::tools {

/// config.json for the weights of an encoder, a Bert or a Gpt of kind gpt2; `nsp`: with BERT's head for pairs.
std::string huggingface_config(const Module& encoder, bool nsp, const Vocabulary& vocabulary);

struct ImportedEncoder {
  std::string architecture;  // Module::architecture(); "" where it was assumed
  std::string settings;      // " --set key=value" for each that a run needs
  std::string assumed;       // what was assumed, in words; "" where config.json said everything
};

/// The encoder of weights under our names (nn/backbones/huggingface.h) of such a `model`, "bert" or "gpt": sizes from the
/// shapes, the rest from the file `config`, or assumed where that is not there (or is no file of transformers). Fails on a
/// config.json of another model, and on networks that are not built here.
ImportedEncoder imported_encoder(const std::string& model, const StateDict& ours,
                                 const std::string& config);

}  // namespace lacuna::tools
