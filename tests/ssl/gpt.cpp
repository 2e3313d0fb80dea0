// The task gpt on texts in memory.
#include "../../kernels/backend.h"
#include "../../nn/load_encoder.h"
#include "../../ssl/text.h"
#include "job.h"
#include "text_source.h"

namespace lacuna {
namespace {

Job small(std::shared_ptr<const Source> text) {
  Job job("gpt", std::move(text));
  job.set({{"model.layers", "2"},
           {"model.width", "32"},
           {"model.heads", "2"},
           {"model.context", "16"},
           {"train.batch_size", "4"},
           {"train.steps", "6"}});
  return job;
}

}  // namespace

// The first token of a row cannot be known, so rows begin with different ones: everything else is a matter of memory.
TEST(gpt_task, overfits_a_handful_of_samples) {
  if (std::getenv("LACUNA_SMALL"))
    GTEST_SKIP() << "LACUNA_SMALL: these are too many steps under a sanitizer";
  for (const char* kind : {"gpt2", "gpt1"}) {
    auto text = random_windows(4, 16, 23);
    for (std::size_t i = 0; i < 4; i++) text->samples[i].tokens[0] = static_cast<std::int64_t>(i);
    Job job = small(text);
    job.set("model.kind", kind);
    job.set("train.steps", "300");
    job.set("optim.lr", "3e-3");
    job.set("optim.warmup", "10");
    job.set("optim.weight_decay", "0");
    const Folder folder("overfit");
    const double last = job.run(folder).last;
    const double first = folder.values("metrics.jsonl", "loss")[0];
    EXPECT_NEAR(first, std::log(23.0), 0.1) << kind;
    EXPECT_LT(last, 0.01 * first) << kind;
  }
}

TEST(gpt_task, resumes_exactly) {
  Job job = small(random_windows(12, 16, 23, true));
  job.validation = random_windows(5, 16, 23, true);
  job.set("model.dropout", "0.1");
  job.set("train.eval_every", "2");
  expect_exact_resume(job, 3);
}

TEST(gpt_task, knows_its_lines) {
  auto text = random_windows(3, 16, 4, true);
  text->nats = 0.75;
  Job job = small(text);
  job.run(Folder("lines"));
  EXPECT_NEAR(job.task->loss_start(), std::log(4.0), 1e-12);
  EXPECT_EQ(job.task->loss_floor(), 0.75);
  std::vector<double> counts(4);
  double sum = 0, entropy = 0;
  for (const auto& s : text->samples)
    for (std::int64_t i = 1; i < s.length; i++) counts[s.tokens[i]]++, sum++;
  for (double n : counts) entropy -= n > 0 ? n / sum * std::log(n / sum) : 0;
  EXPECT_NEAR(job.task->loss_plateau(), entropy, 1e-12);
}

// What is padding counts nowhere, and a validation is the mean over its tokens, not over its batches.
TEST(gpt_task, the_loss_is_the_mean_over_tokens) {
  auto text = random_windows(7, 16, 23, true), noisy = random_windows(7, 16, 23, true);
  for (auto& s : noisy->samples)
    for (std::size_t i = static_cast<std::size_t>(s.length); i < s.tokens.size(); i++)
      s.tokens[i] = 9;
  std::vector<double> losses;
  for (const auto& validation : {text, noisy}) {
    Job job = small(text);
    job.validation = validation;
    job.set("train.steps", "1");
    const Folder folder("mean");
    job.run(folder);
    losses.push_back(folder.values("eval.jsonl", "loss")[0]);
    double sum = 0, tokens = 0;
    Context context{.training = false};
    for (std::int64_t i = 0; i < 7; i++) {
      const Batch one = read_batch(*validation, {i});
      const double n = static_cast<double>(validation->samples[i].length - 1);
      sum += n * job.task->step(context, one).total.item();
      tokens += n;
    }
    EXPECT_NEAR(losses.back(), sum / tokens, 1e-6);
  }
  EXPECT_EQ(losses[0], losses[1]);
}

// Pieces of a batch give the same step as the batch, dropout included, whatever their tokens number.
TEST(gpt_task, accumulates_to_the_same_step) {
  std::vector<std::vector<double>> losses, accuracies;
  std::vector<std::vector<float>> weights;
  for (const char* pieces : {"1", "2", "3", "100"}) {
    Job job = small(random_windows(14, 16, 23, true));
    job.validation = random_windows(5, 16, 23, true);
    job.set("model.dropout", "0.2");
    job.set("train.batch_size", "7");
    job.set("train.accumulate", pieces);
    const Folder folder("accumulate");
    job.run(folder);
    losses.push_back(folder.values("metrics.jsonl", "loss"));
    accuracies.push_back(folder.values("eval.jsonl", "accuracy"));
    weights.push_back(job.task->model().state_dict().at("encoder.token.weight").to_vector<float>());
  }
  for (std::size_t k = 1; k < losses.size(); k++) {
    for (std::size_t i = 0; i < losses[0].size(); i++)
      EXPECT_NEAR(losses[k][i], losses[0][i], 1e-5);
    for (std::size_t i = 0; i < weights[0].size(); i++)
      EXPECT_NEAR(weights[k][i], weights[0][i], 1e-5) << i;
    EXPECT_EQ(accuracies[k], accuracies[0]);
  }
}

TEST(gpt_task, says_when_it_learns_frequencies_only) {
  Job job = small(random_windows(200, 16, 23));
  job.set("optim.lr", "0");
  job.set("train.steps", "12");
  const Folder folder("plateau");
  const auto warnings =
      job.run(folder).warnings;  // random tokens: the start is close to the unigram line
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("what the frequencies of tokens alone give"), std::string::npos);
}

TEST(gpt_task, decays_matrices_only) {
  Job job = small(random_windows(4, 16, 23));
  job.set("train.steps", "1");
  job.run(Folder("decay"));
  std::int64_t free = 0;
  for (const NamedTensor& p : job.task->model().parameters()) {
    const bool matrix = p.name.ends_with("weight") && p.name.find("norm") == std::string::npos;
    EXPECT_EQ(job.task->decays(p), matrix) << p.name;
    free += !matrix;
  }
  EXPECT_EQ(free, 2 * 8 + 2);
}

TEST(gpt_task, an_encoder_is_loaded_from_its_checkpoint) {
  Job job = small(random_windows(4, 16, 23));
  const Folder folder("encoder");
  job.run(folder);
  const auto encoder = load_encoder((folder.path / "checkpoint.safetensors").string());
  Context context{.training = false};
  const Tensor tokens = Tensor::zeros({1, 5}, Dtype::i64);
  EXPECT_EQ(encoder->forward(context, tokens).to_vector<float>(),
            job.task->encoder().forward(context, tokens).to_vector<float>());
}

TEST(gpt_task, refuses_what_is_not_text) {
  Job job = small(random_windows(4, 17, 23));
  EXPECT_THROW(job.run(Folder("long")), Error);
  DataInfo pictures{{{"image", Dtype::u8, {32, 32, 3}}}};
  EXPECT_THROW(find_task("gpt").make(job.settings, pictures), Error);
}

class gpt_device : public OnDevice {};
LACUNA_ON_DEVICES(gpt_device);

TEST_P(gpt_device, trains_as_cpu_does) {
  Job job = small(random_windows(4, 16, 23, true));
  job.set({{"train.steps", "2"}, {"train.batch_size", "2"}, {"model.dropout", "0.1"}});
  const auto [want, got] = losses(job);
  ASSERT_EQ(got.size(), 2u);
  for (int i : {0, 1}) EXPECT_NEAR(got[i], want[i], 1e-5 * want[i]);
}

}  // namespace lacuna
