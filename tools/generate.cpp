// lacuna generate: text from a GPT that goes on from a prompt, as it comes.
#include "../ssl/generate.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval.h"

namespace lacuna::tools {
namespace {

// Readable but for a last character that may still become whole.
std::string readable_start(const std::string& text) {
  const std::string_view whole = whole_characters(text);
  return readable(whole) + text.substr(whole.size());
}

class Generate : public Command {
 public:
  void declare(Options& options) override {
    options.value("--run", folder_.path, "the run folder, of a task that generates", "DIR");
    options.value("--prompt", prompt_,
                  "what the text goes on from; a document's start unless given", "TEXT");
    options.flag("--bare", bare_,
                 "no <|endoftext|> before the prompt, where else a document would begin with one");
    options.value("--tokens", tokens_, "most tokens of a text; 200 unless given", "N");
    options.value("--temperature", temperature_,
                  "scores are divided by it; 0: always the likeliest token; 1 unless given", "X");
    options.value("--top-k", top_k_, "only the K likeliest tokens; 0: all", "K");
    options.value("--top-p", top_p_, "of these, the likeliest that make up P together", "P");
    options.value("--stop", stop_, "end before this text comes", "TEXT");
    options.value("--samples", samples_, "how many texts; 1 unless given", "N");
    options.value("--seed", seed_, "of the draws; 0 unless given", "N");
    options.flag("--best", folder_.best, "the checkpoint of the best validation, not the last one");
    options.value("--device", device_, "cpu, cuda, cuda:1, ... or emu; the run's unless given",
                  "DEVICE");
    options.value("--threads", threads_, "threads of the kernels; 0: one a core", "N");
  }
  int run() override;

 private:
  std::vector<std::int64_t> prompt_tokens(const Tokenizer& tokenizer) const;
  void write_sample(GptModel& model, const Tokenizer& tokenizer, GenerateOptions options) const;

  RunFolder folder_;
  bool bare_ = false;
  std::string prompt_, tokens_ = "200", temperature_ = "1", top_k_ = "0", top_p_ = "1", stop_,
                       samples_ = "1", seed_ = "0", device_, threads_;
};

int Generate::run() {
  LACUNA_CHECK(!folder_.path.empty(), "usage", "--run DIR is missing: the run to generate from");
  GenerateOptions options;
  options.max_tokens = integer_option("--tokens", tokens_, 1, 1 << 30);
  options.sampling.temperature = number_option("--temperature", temperature_, 0, 1e6);
  options.sampling.top_k = integer_option("--top-k", top_k_, 0, 1 << 30);
  options.sampling.top_p = number_option("--top-p", top_p_, 1e-9, 1);
  options.seed = static_cast<std::uint64_t>(
      integer_option("--seed", seed_, 0, std::numeric_limits<std::int64_t>::max()));
  const auto samples = integer_option("--samples", samples_, 1, 1 << 20);

  RunConfig config = read_run(folder_);
  if (!device_.empty()) config.settings.set("train.device", device_);
  if (!threads_.empty()) config.settings.set("train.threads", threads_);
  const Device device = use_machine(config.settings);
  LACUNA_CHECK(config.info->text, "generate", "the task ", config.info->name, " makes no text");
  const auto tokenizer = need_tokenizer(folder_);
  const Trained trained =
      load_trained(folder_, config, data_of(*config.info, config.settings, *tokenizer), device);
  auto* model = dynamic_cast<GptModel*>(&trained.task->model());
  LACUNA_CHECK(model, "generate", "the task ", config.info->name,
               " makes no text (lacuna eval fill fills blanks)");
  options.stop = tokenizer->vocabulary().end;
  for (options.sample = 0; options.sample < samples; options.sample++) {
    if (options.sample) fmt::print("----\n");
    write_sample(*model, *tokenizer, options);
  }
  return 0;
}

std::vector<std::int64_t> Generate::prompt_tokens(const Tokenizer& tokenizer) const {
  const std::int64_t end = tokenizer.vocabulary().end;
  std::vector<std::int64_t> tokens;
  // Where documents end with a token, a text begins behind one.
  if (end >= 0 && !bare_) tokens.push_back(end);
  for (std::int32_t id : tokenizer.ids(prompt_.empty() && end < 0 ? "\n" : prompt_))
    tokens.push_back(id);
  const auto ids = tokenizer.ids(prompt_);
  std::int64_t unknown = std::count(ids.begin(), ids.end(), tokenizer.vocabulary().unknown);
  if (unknown > 0)
    fmt::print(stderr,
               "lacuna: warning: {} of the prompt's {} tokens are unknown to the run's tokenizer\n",
               unknown, ids.size());
  LACUNA_CHECK(!tokens.empty(), "generate", "--prompt has no tokens: got \"", prompt_, '"');
  return tokens;
}

void Generate::write_sample(GptModel& model, const Tokenizer& tokenizer,
                            GenerateOptions options) const {
  const std::vector<std::int64_t> prompt = prompt_tokens(tokenizer);
  std::vector<std::int32_t> text;
  for (std::int64_t t : prompt) text.push_back(static_cast<std::int32_t>(t));
  const std::size_t own = tokenizer.decode(text).size();
  std::string shown;
  // A character may take several tokens, and a stop several, too: what may still change is held back.
  const auto show = [&](const std::string& all, bool last) {
    std::string_view ready = last ? std::string_view(all) : whole_characters(all);
    if (!last && !stop_.empty())
      ready = ready.substr(0, ready.size() - std::min(ready.size(), stop_.size()));
    if (ready.size() <= shown.size()) return;
    const std::string_view fresh = ready.substr(shown.size());
    std::fwrite(fresh.data(), 1, fresh.size(), stdout);
    std::fflush(stdout);
    shown += fresh;
  };
  std::string all = readable_start(tokenizer.decode(text));
  show(all, false);
  options.on_token = [&](std::int64_t token) {
    text.push_back(static_cast<std::int32_t>(token));
    all = readable_start(tokenizer.decode(text));
    const auto stop = stop_.empty() ? std::string::npos : all.find(stop_, own);
    if (stop != std::string::npos) {
      all.resize(stop);
      return false;
    }
    show(all, false);
    return true;
  };
  generate(model, prompt, options);
  all = readable(all);
  show(all, true);
  fmt::print("\n");
}

}  // namespace

extern const CommandInfo generate_command{"generate", "text from a GPT that goes on from a prompt",
                                          make_command<Generate>};

}  // namespace lacuna::tools
