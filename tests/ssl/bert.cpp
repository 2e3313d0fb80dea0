// The task bert on texts in memory. How tokens are chosen and replaced, a million of them, is tests/ops/mask_tokens.cpp.
#include "../../nn/backbones/bert.h"
#include "../../kernels/backend.h"
#include "../../nn/load_encoder.h"
#include "job.h"
#include "text_source.h"

namespace lacuna {
namespace {

Job small(std::shared_ptr<const Source> text) {
  Job job("bert", std::move(text));
  job.set({{"model.layers", "2"},
           {"model.width", "32"},
           {"model.heads", "2"},
           {"model.context", "24"},
           {"model.positions", "24"},
           {"train.batch_size", "4"},
           {"train.steps", "6"},
           {"optim.lr", "1e-3"},
           {"optim.warmup", "2"}});
  return job;
}

}  // namespace

// Masks are new each epoch; a handful of rows is known by heart all the same, once each token has been hidden often enough.
TEST(bert_task, overfits_a_handful_of_samples) {
  if (std::getenv("LACUNA_SMALL"))
    GTEST_SKIP() << "LACUNA_SMALL: these are too many steps under a sanitizer";
  for (const char* nsp : {"true", "false"}) {
    Job job = small(random_pairs(4, 24, 40));
    job.set("task.nsp", nsp);
    job.set("model.dropout", "0");
    job.set("task.random_share",
            "0");  // a token that was exchanged is not to be told from one that was not
    job.set("task.mask_share", "1");
    job.set("train.steps", "600");
    job.set("optim.lr", "3e-3");
    job.set("optim.warmup", "30");
    job.set("optim.weight_decay", "0");
    const Folder folder("overfit");
    job.run(folder);
    const auto losses = folder.values("metrics.jsonl", "loss");
    EXPECT_NEAR(losses[0], job.task->loss_start(), 0.2);
    double last = 0;
    for (std::size_t i = losses.size() - 10; i < losses.size(); i++) last += losses[i] / 10;
    EXPECT_LT(last, 0.01 * losses[0]) << "nsp " << nsp;
    EXPECT_GT(folder.values("metrics.jsonl", "mlm_accuracy").back(), 0.99);
  }
}

TEST(bert_task, resumes_exactly) {
  Job job = small(random_pairs(12, 24, 40));
  job.validation = random_pairs(5, 24, 40);
  job.set("train.eval_every", "2");
  expect_exact_resume(job, 3);
}

TEST(bert_task, logs_its_parts) {
  Job job = small(random_pairs(12, 24, 40));
  job.set("train.batch_size", "12");
  job.set("train.steps", "1");
  const Folder folder("parts");
  job.run(folder);
  const auto value = [&](const char* key) { return folder.values("metrics.jsonl", key)[0]; };
  EXPECT_NEAR(value("loss"), value("mlm_loss") + value("nsp_loss"), 1e-5);
  EXPECT_EQ(value("nsp_balance"), 0.5);
  EXPECT_NEAR(value("mlm_loss"), std::log(40.0), 0.2);
  EXPECT_NEAR(job.task->loss_start(), std::log(40.0) + std::log(2.0), 1e-12);
  EXPECT_GT(job.task->loss_plateau(), std::log(20.0));
  EXPECT_LT(job.task->loss_plateau(),
            std::log(35.0) + std::log(2.0));  // [CLS] and its like do not count
}

TEST(bert_task, accumulates_to_the_same_step) {
  std::vector<std::vector<double>> losses;
  std::vector<std::vector<float>> weights;
  for (const char* pieces : {"1", "3"}) {
    Job job = small(random_pairs(14, 24, 40));
    job.set("train.batch_size", "7");
    job.set("train.accumulate", pieces);
    const Folder folder("accumulate");
    job.run(folder);
    losses.push_back(folder.values("metrics.jsonl", "loss"));
    const auto mlm = folder.values("metrics.jsonl", "mlm_loss");
    losses.back().insert(losses.back().end(), mlm.begin(), mlm.end());
    weights.push_back(job.task->model().state_dict().at("nsp.weight").to_vector<float>());
  }
  for (std::size_t i = 0; i < losses[0].size(); i++) EXPECT_NEAR(losses[1][i], losses[0][i], 1e-5);
  for (std::size_t i = 0; i < weights[0].size(); i++)
    EXPECT_NEAR(weights[1][i], weights[0][i], 1e-5);
}

// Large-batch optimizers through the task's groups: vectors neither decay nor adapt.
TEST(bert_task, learns_with_every_optimizer) {
  const std::pair<const char*, const char*> rates[] = {
      {"adam", "1e-3"}, {"adamw", "1e-3"}, {"lamb", "1e-2"}, {"lars", "0.1"}, {"sgd", "1e-2"}};
  for (const auto& [optimizer, rate] : rates) {
    Job job = small(random_pairs(8, 24, 40));
    job.set("optim.optimizer", optimizer);
    job.set("optim.lr", rate);
    job.set("optim.momentum", "0.9");
    job.set("optim.trust", "0.01");
    job.set("model.dropout", "0");
    job.set("train.batch_size", "8");
    job.set("train.steps", "60");
    const Folder folder("optimizer");
    job.run(folder);
    const auto losses = folder.values("metrics.jsonl", "loss");
    const auto mean = [&](std::size_t begin) {
      double sum = 0;
      for (std::size_t i = begin; i < begin + 10; i++) sum += losses[i] / 10;
      return sum;
    };
    EXPECT_LT(mean(50), mean(0) - 0.03) << optimizer;
  }
}

TEST(bert_task, says_when_pairs_are_all_alike) {
  auto text = random_pairs(8, 24, 40);
  for (auto& sample : text->samples) sample.label = 1;
  Job job = small(text);
  const auto warnings = job.run(Folder("balance")).warnings;
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("of the pairs a share of 1"), std::string::npos) << warnings[0];
}

TEST(bert_task, an_encoder_is_loaded_from_its_checkpoint) {
  Job job = small(random_pairs(4, 24, 40));
  const Folder folder("encoder");
  job.run(folder);
  const auto encoder = load_encoder((folder.path / "checkpoint.safetensors").string());
  Context context{.training = false};
  const Tensor tokens = Tensor::zeros({1, 5}, Dtype::i64);
  EXPECT_EQ(encoder->forward(context, tokens).to_vector<float>(),
            job.task->encoder().forward(context, tokens).to_vector<float>());
}

TEST(bert_task, refuses_a_vocabulary_without_a_mask) {
  auto text = random_pairs(4, 24, 40);
  text->words.mask = -1;
  Job job = small(text);
  EXPECT_THROW(job.run(Folder("mask")), Error);
}

class bert_device : public OnDevice {};
LACUNA_ON_DEVICES(bert_device);

TEST_P(bert_device, trains_as_cpu_does) {
  Job job = small(random_pairs(4, 24, 40));
  job.set({{"train.steps", "2"}, {"train.batch_size", "2"}});
  const auto [want, got] = losses(job);
  ASSERT_EQ(got.size(), 2u);
  for (int i : {0, 1}) EXPECT_NEAR(got[i], want[i], 1e-5 * want[i]);
}

}  // namespace lacuna
