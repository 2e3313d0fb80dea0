#include "../../ssl/settings.h"

#include <gtest/gtest.h>

#include <functional>

#include "../../ssl/task.h"
#include "../errors.h"

namespace lacuna {
namespace {

using test::error_of;

Settings inpainting() {
  Settings s;
  declare_run(s, find_task("inpainting"));
  return s;
}

}  // namespace

TEST(settings, text_is_read_as_the_keys_type) {
  Settings s = inpainting();
  s.set("optim.lr", std::string("1e-2"));
  s.set("mode", std::string("tanh"));
  s.set("train.steps", std::string("12"));
  s.set("data.shuffle", std::string("false"));
  EXPECT_EQ(s.number("optim.lr"), 0.01);
  EXPECT_EQ(s.text("task.mode"), "tanh");
  EXPECT_EQ(s.integer("steps"), 12);
  EXPECT_FALSE(s.flag("data.shuffle"));
}

TEST(settings, the_recipe_is_the_tasks_preset) {
  const Settings s = inpainting();
  EXPECT_EQ(s.integer("train.batch_size"), 4);
  EXPECT_EQ(s.integer("train.epochs"), 5);
  EXPECT_EQ(s.number("optim.lr"), 1e-3);
  EXPECT_EQ(s.text("optim.optimizer"), "adam");
  EXPECT_EQ(s.number("task.mask_ratio"), 0.5);
  EXPECT_EQ(s.text("task.mode"), "literal");
}

TEST(settings, errors_say_what_would_be_right) {
  Settings s = inpainting();
  const auto set = [&](const char* name, const char* text) {
    return error_of([&] { s.set(name, std::string(text)); });
  };
  EXPECT_EQ(set("modee", "tanh"), "[config] unknown key \"modee\" (did you mean \"mode\"?)");
  EXPECT_EQ(set("task.mask_ration", "1"),
            "[config] unknown key \"task.mask_ration\" (did you mean \"task.mask_ratio\"?)");
  EXPECT_EQ(set("xyzzy", "1"), "[config] unknown key \"xyzzy\"");
  EXPECT_EQ(set("mode", "tanhh"),
            "[config] task.mode must be one of literal, tanh, unit: got \"tanhh\" (did you mean "
            "\"tanh\"?)");
  EXPECT_EQ(set("batch_size", "-4"),
            "[config] train.batch_size must be between 1 and 1048576: got -4");
  EXPECT_EQ(set("batch_size", "4.5"),
            "[config] train.batch_size takes a whole number: got \"4.5\"");
  EXPECT_EQ(set("lr", "fast"), "[config] optim.lr takes a number: got \"fast\"");
  EXPECT_EQ(set("lr", "nan"), "[config] optim.lr must be finite: got nan");
  EXPECT_EQ(set("shuffle", "yes"), "[config] data.shuffle takes true or false: got \"yes\"");
  EXPECT_EQ(error_of([] { find_task("inpaiting"); }),
            "[task] no task named \"inpaiting\" (did you mean \"inpainting\"?)");
}

TEST(settings, a_key_is_read_by_its_other_name_and_written_by_its_own) {
  for (const char* task : {"gpt", "bert"}) {
    Settings s;
    declare_run(s, find_task(task));
    s.set("length", std::string("24"));
    EXPECT_EQ(s.integer("model.context"), 24) << task;
    s.set("model.length", std::string("32"));
    EXPECT_EQ(s.integer("context"), 32) << task;
    EXPECT_NE(s.to_json().find("\"context\":32"), std::string::npos);
    EXPECT_EQ(s.to_json().find("\"length\""), std::string::npos);
    s.from_json("{\"model\":{\"length\":48}}");  // as older checkpoints have it
    EXPECT_EQ(s.integer("context"), 48) << task;
  }
}

TEST(settings, each_device_has_its_precision_unless_told_otherwise) {
  Settings s = inpainting();
  const auto on = [&](const char* device) {
    s.set("train.device", std::string(device));
    return precision_of(s);
  };
  EXPECT_EQ(on("cpu"), "f32");
  EXPECT_EQ(on("emu"), "f32");
  EXPECT_EQ(on("cuda"), "bf16");
  EXPECT_EQ(on("cuda:1"), "bf16");
  EXPECT_EQ(use_precision(s), Dtype::bf16);
  for (const char* told : {"f32", "tf32", "bf16"}) {
    s.set("train.precision", std::string(told));
    EXPECT_EQ(on("cuda"), told);
    EXPECT_EQ(on("emu"), told);
  }
  s.set("train.precision", std::string("auto"));
  EXPECT_EQ(on("cpu"), "f32");
  EXPECT_EQ(use_precision(s), Dtype::f32);
}

TEST(settings, json_round_trip_leaves_out_the_machine) {
  Settings s = inpainting();
  s.set("train.threads", std::string("7"));
  s.set("optim.lr", std::string("0.1"));
  s.set("data.train", std::string("cifar10:\"a b\""));
  const std::string json = s.to_json();
  EXPECT_EQ(json.find("threads"), std::string::npos);
  EXPECT_NE(s.to_json(true).find("threads"), std::string::npos);
  Settings t = inpainting();
  t.from_json(json);
  EXPECT_EQ(t.to_json(), json);
  EXPECT_NE(
      error_of([&] { t.from_json("{\"task\":{\"mood\":1}}"); }).find("did you mean \"task.mode\"?"),
      std::string::npos);
  EXPECT_NE(error_of([&] { t.from_json("[1"); }).find("not a JSON object"), std::string::npos);
}

}  // namespace lacuna
