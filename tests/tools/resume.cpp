// A run that is killed and resumed is the run that was never stopped: metrics (times aside) and the final checkpoint, bit
// for bit, with one thread and with two.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "command.h"

namespace lacuna::test {
namespace {

namespace fs = std::filesystem;

// 40 steps: 5 epochs of 8. A checkpoint every 15 steps and at the end, which is not where epochs end.
std::vector<std::string> arguments(const std::string& out, const std::string& threads) {
  return {"train",        "inpainting",   "--data",      "shapes:128", "--val",
          "shapes:40",    "--out",        out,           "--epochs",   "5",
          "--batch-size", "16",           "--log-every", "1",          "--save-every",
          "15",           "--eval-every", "8",           "--threads",  threads,
          "--set",        "mode=tanh",    "--set",       "pictures=0", "--quiet"};
}

std::vector<std::string> resumed(const std::string& out, const std::string& threads) {
  return {"train", "inpainting", "--out", out, "--threads", threads, "--resume", "--quiet"};
}

std::size_t lines_of(const std::string& path) {
  const std::string text = read_all(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// The run that nothing happens to.
struct Reference {
  TemporaryFolder folder;
  std::string run = folder / "run", metrics, evaluations, checkpoint;
  Reference() {
    const Outcome o = lacuna(arguments(run, "1"));
    EXPECT_EQ(o.status, 0) << o.err;
    metrics = without_times(read_all(run + "/metrics.jsonl"));
    evaluations = without_times(read_all(run + "/eval.jsonl"));
    checkpoint = read_all(run + "/checkpoint.safetensors");
  }
};
const Reference& reference() {
  static const Reference* const r = new Reference;
  return *r;
}

void expect_same(const std::string& run) {
  EXPECT_EQ(without_times(read_all(run + "/metrics.jsonl")), reference().metrics);
  EXPECT_EQ(without_times(read_all(run + "/eval.jsonl")), reference().evaluations);
  EXPECT_TRUE(read_all(run + "/checkpoint.safetensors") == reference().checkpoint);
}

// Starts `command`, and kills it with SIGKILL once metrics.jsonl has `lines` lines. False where it ended before that.
bool run_and_kill(const std::vector<std::string>& command, const std::string& run,
                  std::size_t lines) {
  const pid_t child = start_lacuna(command);
  for (int i = 0; i < 60000; i++) {
    if (lines_of(run + "/metrics.jsonl") >= lines) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  kill(child, SIGKILL);
  return wait_for(child) == 128 + SIGKILL;
}

class Resume : public testing::TestWithParam<const char*> {};

TEST(Reference, IsARunOf40Steps) {
  EXPECT_EQ(lines_of(reference().run + "/metrics.jsonl"), 40u);
  EXPECT_EQ(lines_of(reference().run + "/eval.jsonl"), 5u);
  EXPECT_GT(reference().checkpoint.size(), 3u * 4 * 109251);
}

TEST_P(Resume, AfterThreeKills) {
  TemporaryFolder folder;
  const std::string run = folder / "run", threads = GetParam();
  // Before the first checkpoint, between two, and after the second; each time what was logged since is done again.
  ASSERT_TRUE(run_and_kill(arguments(run, threads), run, 4));
  ASSERT_FALSE(fs::exists(run + "/checkpoint.safetensors"));
  ASSERT_TRUE(run_and_kill(resumed(run, threads), run, 19));
  ASSERT_TRUE(fs::exists(run + "/checkpoint.safetensors"));
  ASSERT_TRUE(run_and_kill(resumed(run, threads), run, 33));
  const Outcome o = lacuna(resumed(run, threads));
  ASSERT_EQ(o.status, 0) << o.err;
  expect_same(run);
}

TEST_P(Resume, AfterCtrlC) {
  TemporaryFolder folder;
  const std::string run = folder / "run", threads = GetParam();
  const pid_t child = start_lacuna(arguments(run, threads));
  while (lines_of(run + "/metrics.jsonl") < 6)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  kill(child, SIGINT);
  EXPECT_EQ(wait_for(child), 130);
  EXPECT_TRUE(fs::exists(run + "/checkpoint.safetensors"));  // though none was due before step 15
  const Outcome o = lacuna(resumed(run, threads));
  ASSERT_EQ(o.status, 0) << o.err;
  expect_same(run);
}

TEST_P(Resume, AfterATornLine) {
  TemporaryFolder folder;
  const std::string run = folder / "run", threads = GetParam();
  ASSERT_TRUE(run_and_kill(arguments(run, threads), run, 18));
  const std::string metrics = read_all(run + "/metrics.jsonl");
  folder.write("run/metrics.jsonl", metrics + "{\"step\": 19, \"lo");
  const Outcome o = lacuna(resumed(run, threads));
  ASSERT_EQ(o.status, 0) << o.err;
  expect_same(run);
}

INSTANTIATE_TEST_SUITE_P(Threads, Resume, testing::Values("1", "2"),
                         [](const auto& info) { return std::string("Threads") + info.param; });

TEST(Resume, WaitsForTheFolder) {
  TemporaryFolder folder;
  const std::string run = folder / "run";
  const pid_t child = start_lacuna(arguments(run, "1"));
  while (lines_of(run + "/metrics.jsonl") < 2)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const Outcome o = lacuna(resumed(run, "1"));
  EXPECT_EQ(o.status, 2);
  EXPECT_NE(o.err.find("in use by another process"), std::string::npos) << o.err;
  EXPECT_EQ(wait_for(child), 0);
  expect_same(run);
}

TEST(Train, GoesOnWhenNobodyReads) {
  TemporaryFolder folder;
  const std::string run = folder / "run";
  auto command = arguments(run, "1");
  command.pop_back();  // --quiet
  Limits limits;
  limits.stdout_closed = true;
  EXPECT_EQ(lacuna(command, limits).status, 1);  // for what could not be said
  expect_same(run);
}

TEST(Resume, OfAFinishedRunChangesNothing) {
  TemporaryFolder folder;
  const std::string run = folder / "run";
  fs::copy(reference().run, run, fs::copy_options::recursive);
  const Outcome o = lacuna(resumed(run, "2"));
  ASSERT_EQ(o.status, 0) << o.err;
  expect_same(run);
}

TEST(Resume, MayGoOnForLonger) {
  TemporaryFolder folder;
  const std::string run = folder / "run";
  fs::copy(reference().run, run, fs::copy_options::recursive);
  auto command = resumed(run, "1");
  command.insert(command.end(), {"--epochs", "6"});
  const Outcome o = lacuna(command);
  ASSERT_EQ(o.status, 0) << o.err;
  const std::string metrics = without_times(read_all(run + "/metrics.jsonl"));
  EXPECT_EQ(metrics.substr(0, reference().metrics.size()), reference().metrics);
  EXPECT_EQ(lines_of(run + "/metrics.jsonl"), 48u);
}

}  // namespace
}  // namespace lacuna::test
