#pragma once
// Data by name: a SPEC is "scheme:place?option=value&option=value", with one Source behind it for each split.
//
//   cifar10:DIR or .tar.gz   the binary version of CIFAR-10: data_batch_*.bin (any of them) and test_batch.bin
//   idx:DIR                  MNIST and its kin: train-images-idx3-ubyte[.gz], t10k-images-idx3-ubyte[.gz] and labels
//   images:DIR               PNG and JPEG, a folder a class, or flat; options size=N and channels=1|3
//   shapes, shapes:N         built in: N labelled scenes to train on (10,000) and N / 5 to test on; option seed=S
//   bags:DIR-or-TSV          PNG and JPEG, several a patient (images/sources.h); options size=N, channels=1|3, seed=S, and
//                            each=picture for one picture a sample instead of one patient (bags.h)
//   cases, cases:N           built in: N patients to train on (2,000) and N / 5 to test on; options seed=S and each=picture
//   text:FILE-or-DIR         text, plain or .gz; options documents=file|blank|heading and sentences=rules|lines
//   tokens:FILE.bin          tokens in nanoGPT's or llm.c's format; option vocabulary=N
//   tsv:FILE                 labelled sentences or pairs of them; options text=, pair= and label= name columns
//   conll:FILE               words and their tags
//   stories, stories:N       built in: N stories to train on (20,000) and N / 5 to test on; option seed=S
//
// Every scheme takes split=train|test, which overrides the split that is asked for. Of bags:, text:, tokens:, tsv: and
// conll: the test split is what test=SHARE holds out from the end; without it both splits are all of the file.
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../core/batch.h"
#include "tokenizer.h"

namespace lacuna {

struct Spec {
  std::string scheme, place;
  std::map<std::string, std::string> options;

  /// What an option says, or `otherwise`.
  std::string option(const std::string& name, const std::string& otherwise = {}) const {
    const auto it = options.find(name);
    return it == options.end() ? otherwise : it->second;
  }
  /// test=SHARE, above 0 and below 1; 0 where nothing is held out.
  double held_out() const {
    const std::string text = option("test");
    if (text.empty()) return 0;
    char* end = nullptr;
    const double share = std::strtod(text.c_str(), &end);
    LACUNA_CHECK(*end == 0 && share > 0 && share < 1, "data",
                 "test=SHARE must be above 0 and below 1: got \"", text, '"');
    return share;
  }
};

/// Takes a SPEC apart. Fails on a scheme that is not there (with the nearest one and all there are) and on options
/// that the scheme does not have.
Spec parse_spec(const std::string& spec);

/// What opening text needs beside its SPEC. Nothing else reads it.
struct TextOptions {
  TextView view;  // tsv: and conll: use its length only; 0: as long as their longest row
  std::shared_ptr<const Tokenizer> tokenizer;  // none: of `stories` and `tokens:`
  std::string
      documents;  // file, blank or heading; empty: file for windows, blank for pairs and segments
  std::string sentences;             // rules or lines; empty: rules
  std::string cache;                 // folder of token files; empty: see default_token_cache()
  std::vector<std::string> classes;  // of the training data, where this is to be judged by them
  bool new_tokens = true;            // tsv:, conll: text/labelled.h
};

/// The data behind a SPEC. `split` is "train" or "test".
std::unique_ptr<Source> open_source(const std::string& spec, const std::string& split,
                                    const TextOptions& text = {});

/// Is it the train split that a SPEC and `split`, which it may override, ask for? Fails on other names.
bool is_train(const Spec& spec, const std::string& split);

/// Is it text: does opening it need TextOptions?
bool is_text(const Spec& spec);

struct Scheme {
  std::string name, usage, summary;
  std::vector<std::string> options;
};

/// What `lacuna list` prints.
const std::vector<Scheme>& schemes();

}  // namespace lacuna
