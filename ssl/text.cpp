#include "text.h"

#include <algorithm>

#include "../core/ops/index.h"
#include "../core/ops/shape.h"

namespace lacuna {

Tensor Targets::rows_of(const Tensor& hidden) const {
  const Tensor rows = flatten(hidden, 0, 1);
  return places.defined() ? index_select(rows, 0, places) : rows;
}

Targets next_tokens(const Tensor& windows, const Tensor& lengths) {
  const std::int64_t n = windows.dim(0), length = windows.dim(1) - 1;
  const auto there = lengths.to_vector<std::int64_t>();
  std::vector<std::int64_t> places;
  for (std::int64_t row = 0; row < n; row++)
    for (std::int64_t i = 0; i < std::min(length, there[row] - 1); i++)
      places.push_back(row * length + i);
  const Tensor all = contiguous(reshape(slice(windows, 1, 1, length + 1), {n * length}));
  const auto count = static_cast<std::int64_t>(places.size());
  if (count == n * length) return {{}, all, count};
  const Tensor some = Tensor::from(places, {count}, windows.device());
  return {some, index_select(all, 0, some), count};
}

Targets labelled(const Tensor& labels, std::int64_t ignored) {
  const auto values = labels.to_vector<std::int64_t>();
  std::vector<std::int64_t> places, tokens;
  for (std::size_t i = 0; i < values.size(); i++) {
    if (values[i] == ignored) continue;
    places.push_back(static_cast<std::int64_t>(i));
    tokens.push_back(values[i]);
  }
  const auto count = static_cast<std::int64_t>(places.size());
  return {Tensor::from(places, {count}, labels.device()),
          Tensor::from(tokens, {count}, labels.device()), count};
}

const Field& token_field(const DataInfo& data, const char* task) {
  for (const Field& field : data.fields)
    if (field.name == "tokens" && field.dtype == Dtype::i64 && field.shape.size() == 1 &&
        data.vocabulary.size > 0)
      return field;
  fail(task, "needs text (stories, text:FILE, tokens:FILE.bin): the data has no field \"tokens\"");
}

std::vector<std::int64_t> count_tokens(const Source& source, std::int64_t first,
                                       const std::vector<std::int64_t>& special) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(source.vocabulary().size));
  const std::int64_t some = std::min<std::int64_t>(source.size(), 65536), at_once = 256;
  for (std::int64_t begin = 0; begin < some; begin += at_once) {
    std::vector<std::int64_t> ids;
    for (std::int64_t i = begin; i < std::min(some, begin + at_once); i++)
      ids.push_back(static_cast<std::int64_t>(
          static_cast<double>(i) * static_cast<double>(source.size()) / static_cast<double>(some)));
    const Batch batch = read_batch(source, ids);
    const Tensor &tokens = batch["tokens"], &lengths = batch["length"];
    for (std::int64_t row = 0; row < tokens.dim(0); row++) {
      const auto* const t = tokens.data<std::int64_t>() + row * tokens.dim(1);
      const std::int64_t end = std::min(tokens.dim(1), lengths.data<std::int64_t>()[row]);
      for (std::int64_t i = first; i < end; i++) {
        LACUNA_CHECK(t[i] >= 0 && t[i] < source.vocabulary().size, "text", source.name(),
                     " has a token that is not in its vocabulary of ", source.vocabulary().size,
                     ": ", t[i]);
        counts[static_cast<std::size_t>(t[i])]++;
      }
    }
  }
  for (std::int64_t token : special)
    if (token >= 0) counts[static_cast<std::size_t>(token)] = 0;
  return counts;
}

double entropy_of(const std::vector<std::int64_t>& counts) {
  double sum = 0, entropy = 0;
  for (std::int64_t n : counts) sum += static_cast<double>(n);
  if (sum == 0) return std::numeric_limits<double>::quiet_NaN();
  for (std::int64_t n : counts)
    if (n > 0) entropy -= static_cast<double>(n) / sum * std::log(static_cast<double>(n) / sum);
  return entropy;
}

std::string PlateauWatch::see(const Metrics& logged, const std::string& key, double plateau) {
  for (const auto& [name, value] : logged) {
    if (name != key) continue;
    lines_ = std::fabs(value - plateau) <= 0.02 * plateau ? lines_ + 1 : 0;
    if (lines_ != 5) return "";
    return key + " has stayed near " + std::to_string(plateau) +
           ", what the frequencies of tokens alone give, for 5 lines of the log: another optim.lr, "
           "a longer optim.warmup or more steps may help";
  }
  return "";
}

}  // namespace lacuna
