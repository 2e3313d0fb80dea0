#include "labelled.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "../../kernels/cpu/parallel.h"
#include "cut.h"
#include "text_files.h"

namespace lacuna {
namespace {

using Ids = std::vector<std::int32_t>;

struct Row {
  Ids a, b;
  std::int64_t label = -1;
  std::vector<std::int64_t> tags;  // one for each token of a
};

struct Data {
  std::string name;
  bool has_pairs = false, has_tags = false;
  std::vector<std::string> classes;
  std::vector<Row> rows;
};

class Labelled : public Source {
 public:
  Labelled(Data data, Vocabulary vocabulary, std::int64_t length, bool new_tokens)
      : data_(std::move(data)), vocabulary_(vocabulary), length_(length) {
    if (vocabulary_.cls >= 0 && vocabulary_.sep >= 0) {
      start_ = vocabulary_.cls;
      between_ = last_ = vocabulary_.sep;
    } else if (!new_tokens) {
      start_ = between_ = vocabulary_.end;
    } else {
      start_ = vocabulary_.size;
      between_ = vocabulary_.sep = start_ + 1;
      last_ = vocabulary_.cls = start_ + 2;
      vocabulary_.size += 3;
    }
    if (length_ == 0)
      for (const Row& row : data_.rows)
        length_ = std::max(length_, special() + size_of(row.a) + size_of(row.b));
    LACUNA_CHECK(length_ >= special() + 2, "text", "rows must have room for two tokens beside the ",
                 special(), " special ones: got length ", length_);
    LACUNA_CHECK(!data_.rows.empty(), "text", "must have rows: got none in ", data_.name);
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(data_.rows.size()); }
  std::vector<Field> fields() const override {
    return {{"tokens", Dtype::i64, {length_}},
            {"segment", Dtype::i64, {length_}},
            {"length", Dtype::i64, {}},
            data_.has_tags ? Field{"tag", Dtype::i64, {length_}} : Field{"label", Dtype::i64, {}}};
  }
  std::vector<std::string> classes() const override { return data_.classes; }
  Vocabulary vocabulary() const override { return vocabulary_; }
  std::string name() const override { return data_.name; }
  std::string left_out() const override {
    return text::left_out(size(), length_, "rows", [&](std::int64_t i) {
      return special() + size_of(data_.rows[i].a) + size_of(data_.rows[i].b);
    });
  }

  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    LACUNA_CHECK(index >= 0 && index < size(), "text", "sample ids are 0 to ", size() - 1, ": got ",
                 index, " of ", data_.name);
    const Row& row = data_.rows[index];
    std::int64_t a = size_of(row.a), b = size_of(row.b);
    while (a + b > length_ - special()) (a > b ? a : b)--;
    auto* tokens = text::as<std::int64_t>(out[0]);
    auto* segment = text::as<std::int64_t>(out[1]);
    std::int64_t n = 0;
    const auto put = [&](std::int64_t token) {
      if (token >= 0) tokens[n++] = token;
    };
    put(start_);
    n = std::copy_n(row.a.begin(), a, tokens + n) - tokens;
    std::int64_t first = length_;  // of segment 1
    if (data_.has_pairs) {
      put(between_);
      first = n;
      n = std::copy_n(row.b.begin(), b, tokens + n) - tokens;
    }
    put(last_);
    LACUNA_CHECK(n > 0, "text", "a row must have a token: row ", index + 1, " of ", data_.name,
                 " has none");
    std::fill(tokens + n, tokens + length_, text::padding_of(vocabulary_));
    std::fill(segment, segment + length_, 0);
    if (first < n) std::fill(segment + first, segment + n, 1);
    *text::as<std::int64_t>(out[2]) = n;
    auto* target = text::as<std::int64_t>(out[3]);
    if (data_.has_tags) {
      std::fill(target, target + length_, -1);
      std::copy_n(row.tags.begin(), a, target + (start_ >= 0));
    } else {
      *target = row.label;
    }
  }

 private:
  static std::int64_t size_of(const Ids& ids) { return static_cast<std::int64_t>(ids.size()); }
  std::int64_t special() const {
    return (start_ >= 0) + (last_ >= 0) + (data_.has_pairs && between_ >= 0);
  }

  Data data_;
  Vocabulary vocabulary_;
  std::int64_t length_, start_ = -1, between_ = -1, last_ = -1;  // -1: there is no such token
};

bool is_number(const std::string& text, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> classes_of(const std::set<std::string>& labels) {
  std::vector<std::string> classes(labels.begin(), labels.end());
  std::int64_t x, y;
  if (std::all_of(classes.begin(), classes.end(),
                  [&](const auto& name) { return is_number(name, x); }))
    std::sort(classes.begin(), classes.end(), [&](const auto& p, const auto& q) {
      return is_number(p, x) && is_number(q, y) && x < y;
    });
  return classes;
}

std::int64_t class_of(const std::vector<std::string>& classes, const std::string& label,
                      const std::string& name) {
  const auto it = std::find(classes.begin(), classes.end(), label);
  std::string all;
  if (it == classes.end())
    for (const auto& c : classes) all += (all.empty() ? "" : ", ") + c;
  LACUNA_CHECK(it != classes.end(), "text", "labels must be among ", all, ": got \"", label,
               "\" in ", name);
  return it - classes.begin();
}

// The rows of the split that is asked for.
template <class T>
void keep_split(std::vector<T>& rows, const LabelledOptions& o) {
  if (o.held_out <= 0) return;
  const auto n = static_cast<std::int64_t>(rows.size());
  const auto cut = static_cast<std::int64_t>(static_cast<double>(n) * (1 - o.held_out));
  if (o.train)
    rows.erase(rows.begin() + cut, rows.end());
  else
    rows.erase(rows.begin(), rows.begin() + cut);
}

bool is_test(const LabelledRow& row) {
  return row.split.size() >= 4 && row.split.compare(row.split.size() - 4, 4, "test") == 0;
}

// The tokens of a sentence of words, of which each one's first carries its tag.
Row encode(const TaggedSentence& sentence, const std::vector<std::string>& classes,
           const Tokenizer& tokenizer, const std::string& name) {
  std::string text;
  std::vector<std::int64_t> ends;
  for (const auto& word : sentence.words) {
    text += (text.empty() ? "" : " ") + word;
    ends.push_back(static_cast<std::int64_t>(text.size()));
  }
  Row row;
  std::size_t word = 0;
  bool fresh = true;
  for (const Token& t : tokenizer.encode(text)) {
    // A token belongs to the word that its last byte is in; one with the blank before a word, to that word.
    while (word < ends.size() && t.end > ends[word]) {
      word++;
      fresh = true;
    }
    row.a.push_back(t.id);
    row.tags.push_back(fresh && word < ends.size() ? class_of(classes, sentence.tags[word], name)
                                                   : -1);
    fresh = false;
  }
  return row;
}

}  // namespace

std::unique_ptr<Source> open_tsv(const std::string& path, const Tokenizer& tokenizer,
                                 const LabelledOptions& o) {
  std::vector<LabelledRow> rows = parse_tsv(read_text(path), path, o.columns);
  Data data;
  data.name = "tsv:" + path;
  data.has_pairs =
      std::any_of(rows.begin(), rows.end(), [](const auto& row) { return !row.pair.empty(); });
  std::set<std::string> labels;
  for (const auto& row : rows) labels.insert(row.label);
  data.classes = o.classes.empty() ? classes_of(labels) : o.classes;
  const auto tests = std::count_if(rows.begin(), rows.end(), is_test);
  if (o.held_out > 0)
    keep_split(rows, o);
  else if (tests > 0 && tests < static_cast<std::ptrdiff_t>(rows.size()))
    rows.erase(std::remove_if(rows.begin(), rows.end(),
                              [&](const auto& row) { return is_test(row) == o.train; }),
               rows.end());
  data.rows.resize(rows.size());
  cpu::parallel_for(static_cast<std::int64_t>(rows.size()), 64,
                    [&](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t i = begin; i < end; i++)
                        data.rows[i] = {tokenizer.ids(rows[i].text),
                                        tokenizer.ids(rows[i].pair),
                                        class_of(data.classes, rows[i].label, path),
                                        {}};
                    });
  return std::make_unique<Labelled>(std::move(data), tokenizer.vocabulary(), o.length,
                                    o.new_tokens);
}

std::unique_ptr<Source> open_conll(const std::string& path, const Tokenizer& tokenizer,
                                   const LabelledOptions& o) {
  std::vector<TaggedSentence> sentences = parse_conll(read_text(path), path);
  Data data;
  data.name = "conll:" + path;
  data.has_tags = true;
  std::set<std::string> tags;
  for (const auto& s : sentences) tags.insert(s.tags.begin(), s.tags.end());
  data.classes = o.classes.empty() ? classes_of(tags) : o.classes;
  keep_split(sentences, o);
  data.rows.resize(sentences.size());
  cpu::parallel_for(static_cast<std::int64_t>(sentences.size()), 64,
                    [&](std::int64_t begin, std::int64_t end) {
                      for (std::int64_t i = begin; i < end; i++)
                        data.rows[i] = encode(sentences[i], data.classes, tokenizer, path);
                    });
  return std::make_unique<Labelled>(std::move(data), tokenizer.vocabulary(), o.length,
                                    o.new_tokens);
}

}  // namespace lacuna
