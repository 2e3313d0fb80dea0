// The trainer on the inpainting task: it learns, and a run that was stopped anywhere continues as if it had not been.
#include "../../ssl/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "../../core/safetensors.h"
#include "../../kernels/backend.h"
#include "../../kernels/cpu/parallel.h"
#include "../../nn/load_encoder.h"
#include "../../ssl/reconstruct.h"
#include "job.h"

namespace lacuna {

TEST(trainer, a_resumed_run_is_the_run_that_was_never_stopped) {
  InpaintingJob job;
  const Folder whole("whole");
  job.run(whole);
  const std::string metrics = whole.timeless(), evals = read_file(whole.file("eval.jsonl")),
                    checkpoint = read_file(whole.file("checkpoint.safetensors"));
  EXPECT_GT(metrics.size(), 500u);
  for (int threads : {1, 2}) {
    cpu::set_threads(threads);
    const bool small = std::getenv("LACUNA_SMALL") != nullptr;
    for (int stop : small ? std::vector<int>{9} : std::vector<int>{1, 5, 9, 13}) {
      const Folder part("part");
      job.run(part, false, stop);
      // What a kill leaves behind: lines that are newer than the checkpoint, and half a line.
      std::ofstream(part.file("metrics.jsonl"), std::ios::app)
          << "{\"step\":17,\"loss\":1}\n{\"step\":1";
      job.run(part, true);
      EXPECT_EQ(part.timeless(), metrics) << "stopped after step " << stop;
      EXPECT_EQ(read_file(part.file("eval.jsonl")), evals) << "stopped after step " << stop;
      EXPECT_TRUE(read_file(part.file("checkpoint.safetensors")) == checkpoint)
          << "stopped after step " << stop;
      EXPECT_TRUE(fs::exists(part.file("best.safetensors")));
    }
  }
}

// The first batch of the validation is tried before the first step, and leaves no trace.
TEST(trainer, a_validation_does_not_show_in_what_is_learned) {
  std::vector<double> losses[2];
  std::map<std::string, std::vector<float>> weights[2];
  for (const bool validates : {false, true}) {
    InpaintingJob job;
    job.set({{"task.noise", "0.2"}, {"train.log_every", "1"}});
    if (!validates) job.validation = nullptr;
    const Folder folder("validated");
    job.run(folder);
    losses[validates] = folder.values("metrics.jsonl", "loss");
    for (const auto& [name, tensor] : job.task->model().state_dict())
      weights[validates][name] = tensor.to_vector<float>();
  }
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(weights[0], weights[1]);
}

TEST(trainer, tries_the_validation_before_anything_is_begun) {
  Job job("simclr", make_shapes({.size = 16}));
  job.set({{"model.backbone", "resnet10"}, {"model.width", "4"}, {"train.batch_size", "4"}});
  struct Plain : Source {
    std::int64_t size() const override { return 4; }
    std::vector<Field> fields() const override { return {{"image", Dtype::u8, {32, 32, 3}}}; }
    std::vector<std::string> classes() const override { return make_shapes({})->classes(); }
    void read(std::int64_t, std::span<std::byte* const>) const override {}
    std::string name() const override { return "plain"; }
  };
  job.validation = std::make_shared<Plain>();
  const Folder folder("tried");
  EXPECT_EQ(error_of([&] { job.run(folder); }),
            "[train] the validation data must be what the task can judge: got plain: [batch] no "
            "field named \"label\": the data has image");
  EXPECT_TRUE(fs::is_empty(folder.path));
}

TEST(trainer, a_run_made_longer_is_the_longer_run) {
  InpaintingJob job;
  // 0: no validation is better than the first, and the checkpoint counts them.
  std::vector<const char*> rates{"0"};
  if (!std::getenv("LACUNA_SMALL")) rates.push_back("1e-3");
  for (const char* lr : rates) {
    const Folder whole("whole"), part("part");
    job.set("optim.lr", lr);
    job.run(whole);
    job.set("train.steps", "8");  // neither a logged step nor a validated one
    job.run(part);
    EXPECT_NE(read_file(part.file("metrics.jsonl")).find("{\"step\":8,"), std::string::npos);
    job.set("train.steps", "0");
    job.run(part, true);
    EXPECT_EQ(part.timeless(), whole.timeless());
    EXPECT_EQ(read_file(part.file("eval.jsonl")), read_file(whole.file("eval.jsonl")));
    EXPECT_TRUE(read_file(part.file("checkpoint.safetensors")) ==
                read_file(whole.file("checkpoint.safetensors")))
        << "lr " << lr;
  }
}

TEST(metrics, cutting_keeps_evaluations) {
  const Folder folder("cut");
  const std::string path = folder.file("eval.jsonl");
  write_file(
      path,
      "{\"step\":4,\"loss\":1,\"seconds\":2.5}\n{\"step\":6,\"loss\":3}\n"
      "{\"step\":6,\"protocol\":\"reconstruct\"}\n{\"step\":5,\"loss\":2}\n{\"step\":5,\"lo");
  EXPECT_EQ(cut_metrics(path, [](std::int64_t step) { return step <= 5; }), 2.5);
  EXPECT_EQ(read_file(path),
            "{\"step\":4,\"loss\":1,\"seconds\":2.5}\n{\"step\":6,\"protocol\":\"reconstruct\"}\n"
            "{\"step\":5,\"loss\":2}\n");
}

// A line of the log is the mean over its steps, the task's own parts included; a run that is interrupted logs its last steps.
TEST(trainer, logs_means_and_last_steps) {
  InpaintingJob job;
  job.set("train.log_every", "1");
  const Folder each("each"), three("three");
  job.run(each);
  job.set("train.log_every", "3");
  job.run(three, false, 5);
  EXPECT_EQ(three.values("metrics.jsonl", "step"), (std::vector<double>{3, 5}));
  for (const char* key : {"loss", "loss_hidden"}) {
    const auto one = each.values("metrics.jsonl", key), mean = three.values("metrics.jsonl", key);
    EXPECT_NEAR(mean[0], (one[0] + one[1] + one[2]) / 3, 1e-12) << key;
    EXPECT_NEAR(mean[1], (one[3] + one[4]) / 2, 1e-12) << key;
  }
}

TEST(trainer, resume_refuses_other_data) {
  InpaintingJob job;
  const Folder folder("other");
  job.run(folder, false, 5);
  const std::string before = read_file(folder.file("checkpoint.safetensors"));
  InpaintingJob other = job;
  other.data = make_shapes({.size = 50});
  const std::string said = error_of([&] { other.run(folder, true); });
  EXPECT_NE(said.find("made on 40 samples of image (32, 32, 3) u8, label () i64, factors (9) f32, "
                      "contents "),
            std::string::npos)
      << said;
  EXPECT_NE(said.find("; the data now has 50 samples"), std::string::npos) << said;
  other.data = make_shapes({.size = 40, .train = false});  // as many, but others
  EXPECT_NE(error_of([&] { other.run(folder, true); }).find("the data now has 40 samples"),
            std::string::npos);
  EXPECT_TRUE(read_file(folder.file("checkpoint.safetensors")) == before);
  job.set("data.workers", "1");  // what it may change
  job.set("train.threads", "1");
  EXPECT_EQ(error_of([&] { job.run(folder, true); }), "no error");
}

// Six numbers, of which one is another.
struct Few : Source {
  std::int64_t other;
  explicit Few(std::int64_t other) : other(other) {}
  std::int64_t size() const override { return 6; }
  std::vector<Field> fields() const override { return {{"value", Dtype::u8, {}}}; }
  void read(std::int64_t index, std::span<std::byte* const> out) const override {
    *out[0] = static_cast<std::byte>(index == other ? 9 : index);
  }
  std::string name() const override { return "few"; }
};

TEST(trainer, every_sample_of_small_data_counts) {
  for (std::int64_t other = 0; other < 6; other++)
    EXPECT_NE(description_of(Few(other)), description_of(Few(-1))) << other;
  EXPECT_EQ(description_of(Few(-1)), description_of(Few(7)));
}

TEST(trainer, an_encoder_is_loaded_from_its_checkpoint) {
  InpaintingJob job;
  job.set("model.bottleneck", "6");
  const Folder folder("encoder");
  job.run(folder);
  const std::string path = folder.file("checkpoint.safetensors");
  const auto encoder = load_encoder(path);
  const Safetensors saved = read_safetensors(path);
  EXPECT_EQ(encoder->state_dict().at("6.weight").to_vector<float>(),
            saved.tensors.at("model.encoder.6.weight").to_vector<float>());
  Context context;
  context.training = false;
  EXPECT_EQ(encoder->forward(context, Tensor::zeros({2, 32, 32, 3})).shape(), (Shape{2, 8, 8, 6}));
}

class trainer_device : public OnDevice {};
LACUNA_ON_DEVICES(trainer_device);

// The CUDA kernels train what the cpu trains; a run may move from one to the other.
TEST_P(trainer_device, trains_as_cpu_does) {
  InpaintingJob job(6);
  job.set({{"train.epochs", "0"},
           {"train.steps", "3"},
           {"train.batch_size", "2"},
           {"train.log_every", "1"}});
  const Folder on_cpu("cpu"), on_device("device"), moved("moved"), rounded("rounded");
  job.run(on_cpu);
  const auto losses = [](const Folder& folder) { return folder.values("metrics.jsonl", "loss"); };
  const auto expect_near = [&](const Folder& folder, double relative) {
    const auto want = losses(on_cpu), got = losses(folder);
    ASSERT_EQ(got.size(), 3u);
    for (int i = 0; i < 3; i++) EXPECT_NEAR(got[i], want[i], relative * want[i]) << "step " << i;
  };
  job.set("train.device", GetParam());
  job.run(on_device);
  expect_near(on_device, 1e-5);
  job.run(moved, false, 2);
  job.set("train.device", "cpu");
  job.run(moved, true);
  expect_near(moved, 1e-5);
  job.set("train.precision", "tf32");
  EXPECT_NE(error_of([&] { job.run(rounded); }).find("for cuda and emu"), std::string::npos);
  job.set("train.device", GetParam());
  job.run(rounded);
  expect_near(rounded, 1e-2);
  EXPECT_NE(losses(rounded), losses(on_device));
}

TEST(trainer, without_a_checkpoint_resume_starts_anew) {
  InpaintingJob job;
  const Folder whole("whole"), killed("killed");
  job.run(whole);
  std::ofstream(killed.file("metrics.jsonl")) << "{\"step\":3,\"loss\":9}\n";
  job.run(killed, true);
  EXPECT_EQ(killed.timeless(), whole.timeless());
}

TEST(trainer, resume_refuses_other_settings_and_other_files) {
  InpaintingJob job;
  const Folder folder("refuse");
  job.run(folder, false, 5);
  job.set("optim.lr", "0.5");
  EXPECT_NE(error_of([&] {
              job.run(folder, true);
            }).find("[resume] optim.lr was 0.001 and cannot become 0.5"),
            std::string::npos);
  job.set("optim.lr", "0.001");
  job.set("train.epochs", "3");
  job.set("train.threads", "1");
  job.run(folder, true);
  write_safetensors(folder.file("checkpoint.safetensors"), {{"x", Tensor::zeros({1})}});
  EXPECT_NE(error_of([&] { job.run(folder, true); }).find("is not a checkpoint of a run"),
            std::string::npos);
  write_file(folder.file("checkpoint.safetensors"), "no tensors");
  EXPECT_NE(error_of([&] { job.run(folder, true); }).find("checkpoint.safetensors"),
            std::string::npos);
}

// Above its floor the loss of a handful of pictures goes away: at most 1 % of where it started.
TEST(trainer, overfits_a_handful_of_samples) {
  if (std::getenv("LACUNA_SMALL"))
    GTEST_SKIP() << "LACUNA_SMALL: 3,600 steps are too many under a sanitizer";
  for (const char* mode : {"literal", "tanh", "unit"}) {
    InpaintingJob job(4);
    job.validation = nullptr;
    job.set({{"mode", mode},
             {"task.mask", "none"},
             {"train.epochs", "0"},
             {"train.steps", "1200"},
             {"train.save_every", "0"},
             {"optim.lr", "0.003"},
             {"optim.schedule", "cosine"}});
    const Folder folder("overfit");
    const double last = job.run(folder).last;
    EXPECT_LE(last - job.task->loss_floor(), 0.01 * job.task->loss_start())
        << mode << ": floor " << job.task->loss_floor() << ", start " << job.task->loss_start();
    EXPECT_GE(last, job.task->loss_floor() - 1e-6) << mode << ": nothing goes below the floor";
  }
}

TEST(trainer, a_loss_that_is_not_finite_names_the_op_and_keeps_the_checkpoint) {
  InpaintingJob job;
  const Folder folder("nan");
  job.run(folder, false, 5);
  const std::string before = read_file(folder.file("checkpoint.safetensors"));
  Safetensors broken = read_safetensors(folder.file("checkpoint.safetensors"));
  broken.tensors.at("model.decoder.0.weight").data<float>()[0] = NAN;
  write_safetensors(folder.file("checkpoint.safetensors"), broken.tensors, broken.metadata);
  const std::string text = error_of([&] { job.run(folder, true); });
  EXPECT_NE(text.find("the loss of step 6 is not finite"), std::string::npos) << text;
  EXPECT_NE(text.find("[conv_transpose2d] gave the first value that is not finite"),
            std::string::npos)
      << text;
  EXPECT_THROW(job.run(folder, true), RunError);
}

TEST(trainer, parameters_that_are_not_finite_are_never_saved) {
  InpaintingJob job;
  const Folder folder("nonfinite");
  job.set("train.save_every", "1");
  job.run(folder, false, 2);
  const std::string before = read_file(folder.file("checkpoint.safetensors"));
  const Folder fresh("nonfinite2");
  job.set("optim.eps", "0");  // 0 / 0 for the weights whose gradient is 0
  EXPECT_THROW(job.run(fresh), RunError);
  EXPECT_FALSE(fs::exists(fresh.file("checkpoint.safetensors")));
  EXPECT_EQ(read_file(folder.file("checkpoint.safetensors")), before);
}

TEST(trainer, early_stopping_ends_a_run_that_gets_no_better) {
  InpaintingJob job;
  const Folder folder("early");
  job.set("train.epochs", "50");
  job.set("train.patience", "2");
  job.set("train.eval_every", "1");
  job.set("optim.lr", "0");
  job.run(folder);
  std::istringstream lines(read_file(folder.file("eval.jsonl")));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) count++;
  EXPECT_EQ(count, 3);  // the first is the best, and two are no better
}

// Where values are hidden must come from the sample, not from its place: a reconstruction score may not depend on the batch.
TEST(trainer, reconstruction_scores_do_not_depend_on_the_batch_size) {
  InpaintingJob job;
  const auto task = find_task("inpainting").make(job.settings, DataInfo::of(*job.data));
  task->prepare(*job.data);
  task->model().initialize(0);
  auto& reconstructs = dynamic_cast<Reconstructs&>(*task);
  const ReconstructionReport a = evaluate_reconstruction(reconstructs, *job.data, 1, 7),
                             b = evaluate_reconstruction(reconstructs, *job.data, 1, 40);
  EXPECT_NEAR(a.hidden.at("model").mse, b.hidden.at("model").mse, 1e-6);
  EXPECT_DOUBLE_EQ(a.all.at("nearest_pixel").ssim, b.all.at("nearest_pixel").ssim);
  EXPECT_NEAR(a.hidden_share, 0.5, 0.01);
  // A baseline leaves visible values alone: its error over all is its error over the hidden ones times their share.
  EXPECT_NEAR(a.all.at("mean_fill").mse, a.hidden.at("mean_fill").mse * a.hidden_share, 1e-9);
  EXPECT_GT(a.hidden.at("mean_fill").mse, a.hidden.at("nearest_pixel").mse);
}

// The floor of `literal` is the mean of x^2 over negative values, and what an all-zero output would leave.
TEST(trainer, the_floor_is_exact) {
  InpaintingJob job;
  const auto task = find_task("inpainting").make(job.settings, DataInfo::of(*job.data));
  task->prepare(*job.data);
  double sum = 0, n = 0;
  for (std::int64_t i = 0; i < job.data->size(); i++)
    for (double v : read_batch(*job.data, {i})["image"].to_vector<double>()) {
      const double x = v / 127.5 - 1;
      sum += x < 0 ? x * x : 0;
      n++;
    }
  EXPECT_NEAR(task->loss_floor(), sum / n, 1e-12);
}

}  // namespace lacuna
