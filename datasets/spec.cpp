#include "spec.h"

#include <algorithm>
#include <charconv>

#include "../core/suggest.h"
#include "bags.h"
#include "cached.h"
#include "images/sources.h"
#include "shapes.h"
#include "text/sources.h"

namespace lacuna {
namespace {

constexpr const char* kSpecOp = "data";

// A whole option as a number of at least `low`.
std::int64_t number(const std::string& what, const std::string& text, std::int64_t low) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  LACUNA_CHECK(error == std::errc() && end == text.data() + text.size() && value >= low, kSpecOp,
               what, " must be a whole number of at least ", low, ": got \"", text, '"');
  return value;
}

std::int64_t option(const Spec& spec, const char* name, std::int64_t otherwise, std::int64_t low) {
  const auto it = spec.options.find(name);
  return it == spec.options.end() ? otherwise : number(name, it->second, low);
}

std::uint64_t seed_of(const Spec& spec) {
  return static_cast<std::uint64_t>(option(spec, "seed", 0, 0));
}

// Of bags: is a sample each picture, or each patient?
bool each_picture(const Spec& spec) {
  const std::string each = spec.option("each", "patient");
  LACUNA_CHECK(each == "patient" || each == "picture", kSpecOp,
               "each must be patient or picture: got \"", each, '"');
  return each == "picture";
}

std::unique_ptr<Source> open(const Spec& spec, bool train) {
  if (spec.scheme == "cifar10") return open_cifar10(spec.place, train);
  if (spec.scheme == "idx") return open_idx(spec.place, train);
  if (spec.scheme == "images") {
    ImageFolderOptions o;
    o.size = option(spec, "size", 0, 1);
    o.channels = option(spec, "channels", 0, 1);
    LACUNA_CHECK(train, kSpecOp, "images:", spec.place,
                 " has no test split, all of it is train: for testing, name a folder of its own "
                 "and add ?split=train");
    return cached(open_image_folder(spec.place, o));
  }
  if (spec.scheme == "bags") {
    ImageFolderOptions o;
    o.size = option(spec, "size", 0, 1);
    o.channels = option(spec, "channels", 0, 1);
    BagFiles files = open_bag_files(spec.place, o, train, spec.held_out());
    auto pictures = cached(std::move(files.pictures));
    if (each_picture(spec)) return pictures;
    return make_bags(std::move(pictures), std::move(files.bags), seed_of(spec));
  }
  if (spec.scheme == "cases") {
    CasesOptions o;
    o.train = train;
    if (!spec.place.empty()) o.size = number("N of cases:N", spec.place, 1);
    if (!train) o.size = std::max<std::int64_t>(1, o.size / 5);
    o.seed = seed_of(spec);
    o.pictures = each_picture(spec);
    return make_cases(o);
  }
  ShapesOptions o;
  o.train = train;
  if (!spec.place.empty()) o.size = number("N of shapes:N", spec.place, 1);
  LACUNA_CHECK(o.size <= 100'000'000, kSpecOp, "shapes has at most 100,000,000 scenes: got ",
               o.size);
  if (!train) o.size = std::max<std::int64_t>(1, o.size / 5);
  o.seed = seed_of(spec);
  return cached(make_shapes(o));
}

}  // namespace

const std::vector<Scheme>& schemes() {
  static const std::vector<Scheme> all = {
      {"cifar10", "cifar10:DIR-or-tar.gz", "CIFAR-10, binary version", {"split"}},
      {"idx", "idx:DIR", "MNIST and its kin, idx files, plain or .gz", {"split"}},
      {"images",
       "images:DIR[?size=N]",
       "PNG and JPEG, a folder a class, or flat",
       {"split", "size", "channels"}},
      {"shapes",
       "shapes[:N]",
       "built in: N labelled 32x32 colour scenes with known factors to train on, N / 5 to test",
       {"split", "seed"}},
      {"bags",
       "bags:DIR-or-TSV",
       "several pictures a patient: a folder a patient, or a table",
       {"split", "test", "each", "size", "channels", "seed"}},
      {"cases",
       "cases[:N]",
       "built in: N patients of six pictures each with known factors to train on, N / 5 to test",
       {"split", "each", "seed"}},
      {"text",
       "text:FILE-or-DIR",
       "running text, .txt, .text or .md, plain or .gz",
       {"split", "test", "documents", "sentences"}},
      {"tokens",
       "tokens:FILE.bin",
       "tokens in nanoGPT's or llm.c's format",
       {"split", "test", "vocabulary"}},
      {"tsv",
       "tsv:FILE",
       "labelled sentences, or pairs of them",
       {"split", "test", "text", "pair", "label"}},
      {"conll", "conll:FILE", "words and their tags", {"split", "test"}},
      {"stories",
       "stories[:N]",
       "built in: N stories of known entropy to train on, N / 5 to test",
       {"split", "seed"}},
  };
  return all;
}

Spec parse_spec(const std::string& text) {
  Spec spec;
  const std::size_t colon = text.find(':');
  const std::size_t question = text.rfind('?');
  const bool has_options = question != std::string::npos;
  const std::string head = text.substr(0, question);
  spec.scheme = head.substr(0, colon);
  if (colon != std::string::npos && colon < head.size()) spec.place = head.substr(colon + 1);

  std::vector<std::string> names;
  std::string usages;
  const Scheme* scheme = nullptr;
  for (const Scheme& s : schemes()) {
    names.push_back(s.name);
    usages += (usages.empty() ? "" : ", ") + s.usage;
    if (s.name == spec.scheme) scheme = &s;
  }
  LACUNA_CHECK(scheme, kSpecOp, "must be one of ", usages, ": got \"", text, '"',
               suggestion(spec.scheme, names));
  LACUNA_CHECK(!spec.place.empty() || spec.scheme == "shapes" || spec.scheme == "cases" ||
                   spec.scheme == "stories",
               kSpecOp, "needs a place, ", scheme->usage, ": got \"", text, '"');
  for (std::size_t begin = question + 1; has_options;) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    const std::string pair = text.substr(begin, end - begin);
    const std::size_t equals = pair.find('=');
    LACUNA_CHECK(equals != std::string::npos, kSpecOp, "an option is name=value: got \"", pair,
                 "\" in \"", text, '"');
    const std::string name = pair.substr(0, equals);
    std::string known;
    for (const auto& o : scheme->options) known += (known.empty() ? "" : ", ") + o;
    LACUNA_CHECK(std::count(scheme->options.begin(), scheme->options.end(), name) == 1, kSpecOp,
                 spec.scheme, " has the options ", known, ": got \"", name, '"',
                 suggestion(name, scheme->options));
    spec.options[name] = pair.substr(equals + 1);
    if (end == text.size()) break;
    begin = end + 1;
  }
  return spec;
}

bool is_text(const Spec& spec) {
  for (const char* scheme : {"text", "tokens", "tsv", "conll", "stories"})
    if (spec.scheme == scheme) return true;
  return false;
}

bool is_train(const Spec& spec, const std::string& split) {
  const std::string wanted = spec.option("split", split);
  LACUNA_CHECK(wanted == "train" || wanted == "test", kSpecOp,
               "the split must be train or test: got \"", wanted, '"');
  return wanted == "train";
}

std::unique_ptr<Source> open_source(const std::string& text, const std::string& split,
                                    const TextOptions& options) {
  const Spec spec = parse_spec(text);
  const bool train = is_train(spec, split);
  return is_text(spec) ? open_text(spec, train, options) : open(spec, train);
}

}  // namespace lacuna
