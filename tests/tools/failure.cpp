// What goes wrong while a run runs: exit status 1, one line, and nothing that was on disk is lost.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>

#include "../../core/safetensors.h"
#include "command.h"

namespace lacuna::test {
namespace {

namespace fs = std::filesystem;

void expect_failure(const Outcome& o) {
  EXPECT_EQ(o.status, 1) << o.err;
  EXPECT_EQ(o.err.rfind("lacuna: error: ", 0), 0u) << o.err;
  EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << o.err;
}

std::vector<std::string> train(const std::string& run, const char* steps) {
  return {"train",        "inpainting", "--data",       "shapes:32",  "--out",       run,
          "--steps",      steps,        "--batch-size", "8",          "--log-every", "1",
          "--save-every", "3",          "--set",        "pictures=0", "--quiet"};
}

std::vector<std::string> on_to(const std::string& run, const char* steps) {
  return {"train", "inpainting", "--out", run, "--steps", steps, "--resume", "--quiet"};
}

// The checkpoint is whole when the run goes on from it to the same end as one that never met a limit.
void expect_whole(const std::string& run) {
  TemporaryFolder folder;
  ASSERT_EQ(lacuna(train(folder / "run", "9")).status, 0);
  const Outcome o = lacuna(on_to(run, "9"));
  ASSERT_EQ(o.status, 0) << o.err;
  EXPECT_TRUE(read_all(run + "/checkpoint.safetensors") ==
              read_all(folder / "run/checkpoint.safetensors"));
  for (const auto& entry : fs::directory_iterator(run))
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
}

TEST(FullDisk, LeavesTheLastCheckpointWhole) {
  // A file may not grow beyond 500 kB: what a disk does that fills up while the second checkpoint is written.
  TemporaryFolder folder;
  const std::string run = folder / "run";
  ASSERT_EQ(lacuna(train(run, "3")).status, 0);
  const std::string before = read_all(run + "/checkpoint.safetensors");
  Limits limits;
  limits.file_bytes = 500000;
  expect_failure(lacuna(on_to(run, "9"), limits));
  EXPECT_TRUE(read_all(run + "/checkpoint.safetensors") == before);
  expect_whole(run);
}

TEST(FullDisk, OfItsOwn) {
  TemporaryFolder folder;
  if (geteuid() != 0 || mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m") != 0)
    GTEST_SKIP() << "no right to mount a small disk here";
  const std::string run = folder / "run";
  // A checkpoint takes 1.3 MB, so that the first one fits and the second, written beside it, does not.
  expect_failure(lacuna(train(run, "9")));
  EXPECT_EQ(fs::file_size(run + "/checkpoint.safetensors") > 1000000, true);
  ASSERT_EQ(mount("tmpfs", folder.path().c_str(), "tmpfs", MS_REMOUNT, "size=32m"), 0);
  expect_whole(run);
  EXPECT_EQ(umount2(folder.path().c_str(), MNT_DETACH), 0);
}

TEST(FullDisk, BehindStandardOutput) {
  Limits limits;
  limits.stdout_to = "/dev/full";
  expect_failure(lacuna({"list"}, limits));
}

TEST(Loss, ThatIsNotFiniteStopsTheRun) {
  TemporaryFolder folder;
  const std::string run = folder / "run", path = run + "/checkpoint.safetensors";
  ASSERT_EQ(lacuna(train(run, "3")).status, 0);
  Safetensors broken = read_safetensors(path);
  broken.tensors.at("model.encoder.0.bias").data<float>()[0] = std::nanf("");
  write_safetensors(path, broken.tensors, broken.metadata);
  const std::string before = read_all(path);
  const Outcome o = lacuna(on_to(run, "9"));
  expect_failure(o);
  EXPECT_NE(o.err.find("not finite"), std::string::npos) << o.err;
  EXPECT_NE(o.err.find("conv2d"), std::string::npos) << o.err;  // the first op that made it
  EXPECT_TRUE(read_all(path) == before);
}

}  // namespace
}  // namespace lacuna::test
