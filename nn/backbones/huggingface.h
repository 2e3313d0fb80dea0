#pragma once
// Names and layouts of transformers' GPT2LMHeadModel and BertForPreTraining, and ours. Weights of GPT-2's "Conv1D" are (in,
// out) there; BERT's queries, keys and values are three tensors there and one here; heads that are tied to the table of
// tokens are written there a second time.
#include <string>

#include "../state.h"

namespace lacuna {

/// "gpt" or "bert" where the names are those of such a model, else "".
std::string huggingface_model(const StateDict& theirs);

/// Their tensors under our names, as GptModel and BertModel have them. Files without the outer "transformer." or "bert."
/// are taken, too. Errors: names that belong to no such model; a part that is missing; a head that is not tied.
StateDict from_huggingface(const StateDict& theirs);

/// Our tensors of such a `model` ("gpt", "bert") under their names, with the tied heads. Fails on names that are not ours.
StateDict to_huggingface(const std::string& model, const StateDict& ours);

}  // namespace lacuna
