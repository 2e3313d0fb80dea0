// Weights of transformers' models, with their config.json; and files that do not belong together.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "../../core/safetensors.h"
#include "command.h"

namespace lacuna::test {
namespace {

namespace fs = std::filesystem;

Outcome ok(const Words& words) {
  Outcome o = lacuna(words);
  EXPECT_EQ(o.status, 0) << o.err;
  return o;
}

void expect_bad(const Words& words, const std::string& says) {
  const Outcome o = lacuna(words);
  EXPECT_EQ(o.status, 2) << says;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
  EXPECT_TRUE(holds(o.err, says)) << says << " is not in " << o.err;
}

const Words kSmall = {"--data", "stories:20", "--steps", "1",        "--batch-size", "2",
                      "--set",  "layers=1",   "--set",   "width=16", "--quiet"};

std::string train(const TemporaryFolder& f, const std::string& task, const Words& more) {
  ok(Words{"train", task, "--out", f / task, "--set", "heads=2"} + kSmall + more);
  return f / task;
}

nlohmann::json json_of(const std::string& path) { return nlohmann::json::parse(read_all(path)); }

// The settings that `lacuna import` printed, as arguments.
Words settings_in(const std::string& line) {
  std::istringstream in(line.substr(line.find(" --set")));
  Words words;
  for (std::string word; in >> word && word.find(':') == std::string::npos;) words.push_back(word);
  return words;
}

}  // namespace

TEST(HuggingFace, ConfigGoesOutAndComesBack) {
  TemporaryFolder f;
  const struct {
    const char *task, *heads, *gelu, *eps, *dropout, *architecture;
    Words more;
  } rows[] = {
      {"bert",
       "num_attention_heads",
       "hidden_act",
       "layer_norm_eps",
       "hidden_dropout_prob",
       "BertForPreTraining",
       {}},
      {"gpt",
       "n_head",
       "activation_function",
       "layer_norm_epsilon",
       "resid_pdrop",
       "GPT2LMHeadModel",
       {"--set", "bias=false"}},
  };
  for (const auto& row : rows) {
    const std::string run =
        train(f, row.task,
              Words{"--set", "gelu=erf", "--set", "norm_eps=1e-3", "--set", "model.dropout=0.25"} +
                  row.more);
    const std::string theirs = f / (std::string(row.task) + "-out"),
                      weights = theirs + "/model.safetensors",
                      ours = f / (std::string(row.task) + "-in");
    fs::create_directories(theirs);
    ok({"export", "--run", run, "--out", weights});
    const nlohmann::json config = json_of(theirs + "/config.json");
    EXPECT_EQ(config[row.heads], 2);
    EXPECT_EQ(config[row.gelu], "gelu");
    EXPECT_EQ(config[row.eps], 1e-3);
    EXPECT_EQ(config[row.dropout], 0.25);
    EXPECT_EQ(config["architectures"][0], row.architecture);
    ok({"export", "--run", run, "--out", weights});  // once more is no other config

    const Outcome o = ok({"import", weights, "--out", ours});
    for (const char* part : {"heads=2", "gelu=erf", "norm_eps=0.001", "dropout=0.25"})
      EXPECT_TRUE(holds(o.out, part)) << part << " is not in " << o.out;
    EXPECT_FALSE(holds(o.out, "assumed")) << o.out;
    const Words next = Words{"train",        row.task, "--data",  "stories:20", "--steps", "1",
                             "--batch-size", "2",      "--quiet", "--init",     ours};
    ok(next + settings_in(o.out) + Words{"--out", ours + "-run"});
    // The same shapes, and another network.
    const Words other = next + settings_in(o.out) + Words{"--out", f / "x"};
    expect_bad(other + Words{"--set", "heads=4"}, "heads = 2, this one has 4");
    expect_bad(other + Words{"--set", "gelu=tanh"}, "gelu_tanh = 0, this one has 1");
    expect_bad(other + Words{"--set", "norm_eps=1e-6"}, "eps = 0.001");

    // A config.json that is not theirs is as good as none; one of other weights is refused.
    fs::remove(theirs + "/config.json");
    EXPECT_TRUE(holds(ok({"import", weights, "--out", ours}).out, "model.heads=1, model.gelu="));
    f.write(std::string(row.task) + "-out/config.json", "{\"name\": \"a package\"}");
    EXPECT_TRUE(holds(ok({"import", weights, "--out", ours}).out, "are assumed"));
    expect_bad({"export", "--run", run, "--out", weights},
               "is there already and says other things");
    for (const auto& [key, value, says] :
         {std::tuple<const char*, nlohmann::json, const char*>{row.heads, "two",
                                                               "must have a number"},
          {row.heads, 0, "whole number from 1"},
          {row.gelu, "relu", "must be gelu or gelu_new: got \"relu\""},
          {"model_type", "t5", "must be of the weights' model"},
          {"is_decoder", true, "is_decoder must be false"},
          {row.task[0] == 'b' ? "hidden_size" : "n_embd", 32, "is of other weights"}}) {
      nlohmann::json changed = config;
      changed[key] = value;
      f.write(std::string(row.task) + "-out/config.json", changed.dump());
      expect_bad({"import", weights, "--out", ours}, says);
    }
    f.write(std::string(row.task) + "-out/config.json", "{");
    expect_bad({"import", weights, "--out", ours}, "must be a JSON object");
  }
}

TEST(HuggingFace, BertWithoutPairs) {
  TemporaryFolder f;
  const std::string run = train(f, "bert", {"--set", "nsp=false"}),
                    weights = f / "model.safetensors";
  ok({"export", "--run", run, "--out", weights});
  EXPECT_EQ(json_of(f / "config.json")["architectures"][0], "BertForMaskedLM");
  const Outcome o = ok({"import", weights, "--out", f / "ours"});
  EXPECT_TRUE(holds(o.out, "--set task.nsp=false")) << o.out;
  ok(Words{"train", "bert", "--data", "stories:20", "--steps", "1", "--batch-size", "2", "--quiet",
           "--init", f / "ours", "--out", f / "next"} +
     settings_in(o.out));
}

TEST(HuggingFace, WeightsOfAnotherTaskAreRefused) {
  TemporaryFolder f;
  const std::string bert = train(f, "bert", {}), gpt = train(f, "gpt", {});
  const Words next = Words{"train", "gpt", "--out", f / "x", "--set", "heads=2"} + kSmall;
  expect_bad(next + Words{"--init", bert}, "is of the task bert, not of gpt");
  ok({"export", "--run", bert, "--out", f / "theirs"});
  ok({"import", f / "theirs", "--out", f / "ours"});
  expect_bad(next + Words{"--init", f / "ours"}, "is of the task bert, not of gpt");
  fs::copy_file(bert + "/checkpoint.safetensors", gpt + "/checkpoint.safetensors",
                fs::copy_options::overwrite_existing);
  expect_bad({"export", "--run", gpt, "--out", f / "y"}, "is of task bert, not gpt");
}

TEST(Tokenizers, AnotherOfTheSameSizeIsRefused) {
  TemporaryFolder f;
  const auto run_of = [&](const char* name, const char* line) {
    std::string text;
    for (int i = 0; i < 40; i++) text += line;
    const std::string spec = "text:" + f.write(std::string(name) + ".txt", text);
    return Words{"train",        "gpt",   "--data", spec,
                 "--tokenizer",  "char",  "--set",  "data.cache=" + (f / "cache"),
                 "--steps",      "1",     "--set",  "context=8",
                 "--batch-size", "2",     "--set",  "width=16",
                 "--quiet",      "--out", f / name};
  };
  const Words first = run_of("first", "abcd\n"), second = run_of("second", "wxyz\n");
  ok(first);
  expect_bad(second + Words{"--init", f / "first"}, "was trained with another tokenizer");
  ok(second);
  const Words same = run_of("third", "dcba\n");
  ok(same + Words{"--init", f / "first"});
  // In a run's folder, too.
  const std::string checkpoint = f / "first/checkpoint.safetensors";
  fs::copy_file(f / "second/tokenizer.json", f / "first/tokenizer.json",
                fs::copy_options::overwrite_existing);
  expect_bad({"generate", "--run", f / "first", "--prompt", "w"}, "another tokenizer");
  expect_bad({"train", "gpt", "--out", f / "first", "--resume", "--steps", "2"},
             "another tokenizer");
  // Checkpoints from before say nothing of it.
  Safetensors old = read_safetensors(checkpoint);
  ASSERT_EQ(old.metadata.erase("tokenizer"), 1u);
  write_safetensors(checkpoint, old.tensors, old.metadata);
  ok({"generate", "--run", f / "first", "--prompt", "w", "--tokens", "2"});
  ok(run_of("fourth", "wxyz\n") + Words{"--init", f / "first"});
}

TEST(Tokenizers, StayThemselvesInARunsFolder) {
  TemporaryFolder f;
  std::string text;
  for (int i = 0; i < 200; i++)
    text += "Zürich's cafés aren't DEAR: 1,250!\nno, not at all .\n\nmore\n";
  const std::string file = f.write("t.txt", text);
  for (const char* kind : {"wordpiece", "bpe"}) {
    const std::string json = f / kind + ".json", run = f / kind;
    ok({"tokenizer", "train", kind, "--vocab", "320", "--data", file, "--out", json, "--case",
        "keep"});
    ok({"train", "gpt", "--data", "text:" + file, "--tokenizer", "hf:" + json, "--steps", "1",
        "--set", "context=8", "--batch-size", "2", "--set", "width=16", "--set",
        "data.cache=" + (f / "cache"), "--quiet", "--out", run});
    ok({"generate", "--run", run, "--prompt", "more", "--tokens", "2"});
  }
}

}  // namespace lacuna::test
