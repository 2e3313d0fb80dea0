#pragma once
// How data reaches a task. A data set is a Source; a loader turns it into Batches; a task reads a Batch's named tensors.
// datasets/ makes them, ssl/ uses them, and neither knows the other.
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tensor.h"

namespace lacuna {

/// Named tensors with one row a sample. Images are "image": (N, H, W, C) u8; classes are "label": (N) i64.
struct Batch {
  std::map<std::string, Tensor> fields;
  std::vector<std::int64_t> ids;  // sample id of each row: its index in the source

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
  bool has(const std::string& name) const { return fields.count(name) != 0; }
  /// Fails with the names there are.
  const Tensor& operator[](const std::string& name) const;
  Batch to(Device device) const;
};

struct Field {
  std::string name;
  Dtype dtype = Dtype::u8;
  Shape shape;  // of one sample
};

/// Of a Source of text: which numbers its tokens are. -1 where there is no such token.
struct Vocabulary {
  std::int64_t size = 0;  // tokens are 0 .. size - 1; 0: not text
  std::int64_t pad = -1, unknown = -1;
  std::int64_t cls = -1, sep = -1, mask = -1;  // BERT's
  std::int64_t end = -1;                       // between two documents: GPT-2's <|endoftext|>
  std::vector<std::uint8_t> continues = {};    // of each token 1 where it goes on with the word
                                               // before it (WordPiece's ##); empty: unknown

  bool operator==(const Vocabulary&) const = default;
};

/// How a task wants text cut into samples. All tokens are i64; what is behind a sample's length is padding (pad, or 0).
struct TextView {
  enum class Kind {
    none,  // not text
    windows,  // "tokens" (length + 1), the last of which is only a target; "length" (): tokens that are there
    pairs,  // "tokens" (length): [CLS] A [SEP] B [SEP]; "segment" (length): 0 in A, 1 in B; "length" ();
            // "label" (): 1 where B is from another document, 0 where it follows A
    segments,  // as pairs, without B and "label": [CLS] A [SEP]
  };
  Kind kind = Kind::none;
  std::int64_t length = 0;
  double short_share = 0;  // of pairs and segments that aim at fewer tokens than fit
  bool aligned =
      false;  // windows that start where a document starts, one a document, and end with it
  std::uint64_t seed = 0;
};

/// A finite collection of samples, each a pure function of its index.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::int64_t size() const = 0;
  virtual std::vector<Field> fields() const = 0;
  /// Writes sample `index`: out[k] receives field k, packed row-major. Called from several threads at once.
  virtual void read(std::int64_t index, std::span<std::byte* const> out) const = 0;
  /// The same of a later epoch, for sources that cut their data anew each time (text): epoch 0 is read().
  virtual void read_in_epoch(std::int64_t index, std::int64_t epoch,
                             std::span<std::byte* const> out) const {
    (void)epoch;
    read(index, out);
  }
  /// Names of the values of "label"; empty where there are none.
  virtual std::vector<std::string> classes() const { return {}; }
  /// Of text.
  virtual Vocabulary vocabulary() const { return {}; }
  /// Lowest mean loss, in nats a token, that any model of this text can reach; NaN where nobody knows (all but `stories`).
  virtual double entropy() const;
  /// What error texts and logs call it: "cifar10:DIR (train)".
  virtual std::string name() const = 0;
  /// What of the data is in no sample because it does not fit, in words; "" where nothing is left out.
  virtual std::string left_out() const { return ""; }
};

/// Samples `ids` of a source, in that order, as `epoch` has them.
Batch read_batch(const Source& source, const std::vector<std::int64_t>& ids,
                 std::int64_t epoch = 0);

/// An endless stream of batches, a pure function of the batch's number: epoch e is batches e * per_epoch() and on.
class Batches {
 public:
  virtual ~Batches() = default;
  virtual std::int64_t per_epoch() const = 0;
  virtual std::int64_t batch_size() const = 0;
  virtual const Source& source() const = 0;
  /// The next batch is number `step`. O(1).
  virtual void seek(std::int64_t step) = 0;
  virtual Batch next() = 0;
};

}  // namespace lacuna
