#pragma once
// Data by name: a SPEC is "scheme:place?option=value&option=value", with one Source behind it for each split.
//
//   cifar10:DIR or .tar.gz   the binary version of CIFAR-10: data_batch_*.bin (any of them) and test_batch.bin
//   idx:DIR                  MNIST and its kin: train-images-idx3-ubyte[.gz], t10k-images-idx3-ubyte[.gz] and labels
//   images:DIR               PNG and JPEG, a folder a class, or flat; options size=N and channels=1|3
//   shapes, shapes:N         built in: N labelled scenes to train on (10,000) and N / 5 to test on; option seed=S
//
// Every scheme takes split=train|test, which overrides the split that is asked for.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../core/batch.h"

namespace lacuna {

struct Spec {
  std::string scheme, place;
  std::map<std::string, std::string> options;
};

/// Takes a SPEC apart. Fails on a scheme that is not there (with the nearest one and all there are) and on options
/// that the scheme does not have.
Spec parse_spec(const std::string& spec);

/// The data behind a SPEC. `split` is "train" or "test".
std::unique_ptr<Source> open_source(const std::string& spec, const std::string& split);

struct Scheme {
  std::string name, usage, summary;
  std::vector<std::string> options;
};

/// What `lacuna list` prints.
const std::vector<Scheme>& schemes();

}  // namespace lacuna
