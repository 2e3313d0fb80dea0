#include "attention_maps.h"

#include <fmt/format.h>

#include <cmath>

#include "../core/ops/shape.h"
#include "../core/tape.h"
#include "../datasets/image_io.h"
#include "../nn/backbones/bert.h"
#include "../nn/backbones/gpt.h"
#include "html.h"
#include "rows.h"
#include "text.h"

namespace lacuna::tools {
namespace {

constexpr int kCell = 14;     // of a map, in its own units
constexpr int kLabels = 110;  // room for the tokens

struct Looked {
  std::vector<Tensor> maps;  // of each layer: (1, heads, s, s)
  std::vector<std::string> tokens;
};

Looked look(Task& task, const Tokenizer& tokenizer, const std::string& sentence) {
  const NoGrad guard;
  Looked found;
  Context context{.training = false};
  context.attention_maps = &found.maps;
  std::vector<std::int32_t> ids;
  if (auto* bert = dynamic_cast<BertModel*>(&task.model())) {
    Rows rows = rows_of_text(tokenizer, bert->encoder.options().positions, sentence);
    bert->encoder.forward(context, rows.tokens, rows.segments, rows.lengths);
    ids = std::move(rows.ids);
  } else {
    auto* gpt = dynamic_cast<GptModel*>(&task.model());
    LACUNA_CHECK(gpt, "report", "--sentence is for models of text");
    if (const auto end = tokenizer.vocabulary().end; end >= 0)
      ids.push_back(static_cast<std::int32_t>(end));
    for (std::int32_t id : tokenizer.ids(sentence)) ids.push_back(id);
    gpt->encoder.forward(context, rows_of_ids(ids, ids.size()).tokens);
  }
  for (std::int32_t id : ids) found.tokens.push_back(tokenizer.token(id));
  return found;
}

// A PNG of one pixel a pair; the page enlarges it. Roots, so that small shares can be seen as well.
std::string pixels(const std::vector<float>& shares, std::int64_t size) {
  std::vector<std::uint8_t> rgba(static_cast<std::size_t>(4 * size * size));
  for (std::size_t i = 0; i < shares.size(); i++) {
    const std::uint8_t blue[] = {31, 111, 178};
    for (std::size_t c = 0; c < 3; c++) rgba[4 * i + c] = blue[c];
    rgba[4 * i + 3] = static_cast<std::uint8_t>(std::lround(255 * std::sqrt(shares[i])));
  }
  const auto png = encode_png(rgba, size, size, 4);
  return base64({reinterpret_cast<const char*>(png.data()), png.size()});
}

std::string map_of(const std::vector<float>& shares, const std::vector<std::string>& tokens,
                   const std::string& caption) {
  const auto size = static_cast<std::int64_t>(tokens.size());
  const std::int64_t side = kCell * size, all = side + kLabels;
  std::string svg = fmt::format(
      "<figure class=\"card\"><svg class=\"chart\" viewBox=\"0 0 {0} {0}\" role=\"img\" "
      "aria-label=\"{1}\">",
      all, escaped(caption));
  for (std::int64_t i = 0; i < size; i++) {
    const std::string token = escaped(tokens[static_cast<std::size_t>(i)]);
    const std::int64_t middle = kLabels + kCell * i + kCell / 2 + 4;
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", kLabels - 6, middle,
                       token);
    svg += fmt::format("<text transform=\"translate({} {}) rotate(-90)\">{}</text>", middle,
                       kLabels - 6, token);
  }
  svg += fmt::format(
      "<image x=\"{0}\" y=\"{0}\" width=\"{1}\" height=\"{1}\" preserveAspectRatio=\"none\" "
      "style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{2}\"/>"
      "<rect class=\"frame\" x=\"{0}\" y=\"{0}\" width=\"{1}\" height=\"{1}\"/></svg>"
      "<figcaption>{3}</figcaption></figure>\n",
      kLabels, side, pixels(shares, size), escaped(caption));
  return svg;
}

}  // namespace

std::string attention_section(const RunFolder& folder, const RunConfig& config,
                              const std::string& sentence) {
  LACUNA_CHECK(config.info->text, "report", "--sentence is for models of text: got the task ",
               config.info->name);
  const auto tokenizer = need_tokenizer(folder);
  const Trained trained =
      load_trained(folder, config, data_of(*config.info, config.settings, *tokenizer), Device{});
  const Looked found = look(*trained.task, *tokenizer, sentence);
  std::string out;
  for (std::size_t layer = 0; layer < found.maps.size(); layer++)
    for (std::int64_t head = 0; head < found.maps[layer].dim(1); head++)
      out += map_of(contiguous(select(select(found.maps[layer], 1, head), 0, 0)).to_vector<float>(),
                    found.tokens, fmt::format("layer {}, head {}", layer + 1, head + 1));
  return "<h2>Attention</h2>\n<p class=\"soft\">A row for each token that looks, a column for each "
         "that it looks at; the darker, the larger its share.</p>\n<div class=\"parts\">\n" +
         out + "</div>\n";
}

}  // namespace lacuna::tools
