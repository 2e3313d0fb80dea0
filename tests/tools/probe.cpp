// lacuna eval knn, linear and finetune on pictures, from a short run to the report.
#include "probe.h"
#include "../../datasets/image_io.h"

namespace lacuna::test {
namespace {

const char* const kSubjects[] = {"pretrained", "random_frozen", "raw", "supervised"};

}  // namespace

TEST_F(Probe, KnnHasItsControlsAndSaysEverything) {
  const std::string checkpoint = read_all(run() + "/checkpoint.safetensors");
  const Outcome o = lacuna(command(
      "knn", {"--k", "5", "--budget", "1", "--shift", "noise:4", "--shift", "shapes:50?seed=9"}));
  expect_ok(o);
  EXPECT_FALSE(holds(o.out, "200 votes"));
  expect_parts(o.out, {"60 samples, to learn from", "20 samples, to judge by; 10 classes",
                       "weighted: 5 votes of exp(cosine / 0.1); plain: 10 votes",
                       "shift 1:", "shift 2:", "pretrained", "random, frozen", "raw samples",
                       "supervised from scratch", "commonest class",
                       "accuracy and mean F1 of classes, in %"});
  const auto line = last();
  // A line has accuracy and F1 of two rules on three sets, and both are those of eval.jsonl.
  const std::size_t begin = o.out.find("pretrained");
  std::istringstream table(o.out.substr(begin, o.out.find('\n', begin) - begin));
  std::string word;
  std::vector<std::string> cells;
  while (table >> word) cells.push_back(word);
  ASSERT_EQ(cells.size(), 3u + 2 * 3 * 2);
  for (const char* figure : {"accuracy", "f1"})
    EXPECT_NEAR(std::stod(cells[figure[0] == 'a' ? 3 : 4]),
                100 * line["labels"]["60"]["pretrained"]["weighted"]["test"][figure].get<double>(),
                0.051);
  EXPECT_EQ(line["protocol"], "knn");
  EXPECT_EQ(line["step"], 3);
  EXPECT_EQ(line["k"], 5);
  EXPECT_EQ(line["plain_k"], 10);
  EXPECT_EQ(line["temperature"], 0.1);
  EXPECT_EQ(line["nearness"], "cosine");
  EXPECT_EQ(line["budget_epochs"], 1);
  EXPECT_EQ(line["seed"], 0);
  EXPECT_EQ(line["train_rows"], 60);
  EXPECT_EQ(line["test_rows"], 20);
  EXPECT_TRUE(line["majority"]["accuracy"].is_number());
  EXPECT_EQ(line["sets"], (nlohmann::json{"test", "noise:4", "shapes:50?seed=9"}));
  const auto& subjects = line["labels"]["60"];
  ASSERT_EQ(subjects.size(), 4u);
  for (const char* subject : kSubjects) {
    const auto& row = subjects[subject];
    EXPECT_EQ(row["width"], std::string(subject) == "raw" ? 3072 : 128);
    EXPECT_EQ(row.contains("hash"), std::string(subject) != "raw");
    for (const char* rule : {"weighted", "plain"}) EXPECT_EQ(row[rule].size(), 3u);
  }
  EXPECT_NE(subjects["pretrained"]["hash"], subjects["random_frozen"]["hash"]);
  int samples = 0;
  for (const auto& row : line["confusion"])
    for (const auto& count : row) samples += count.get<int>();
  EXPECT_EQ(samples, 20);
  EXPECT_EQ(read_all(run() + "/neighbours.png").substr(1, 3), "PNG");
  EXPECT_EQ(read_all(run() + "/checkpoint.safetensors"), checkpoint);
}

TEST_F(Probe, LinearIsTheSameForAnyNumberOfThreads) {
  nlohmann::json lines[2];
  for (int k = 0; k < 2; k++) {
    expect_ok(lacuna(command("linear", {"--epochs", "5", "--batch-size", "30", "--standardise",
                                        "--threads", k ? "2" : "1", "--quiet"})));
    lines[k] = last();
  }
  EXPECT_EQ(lines[0], lines[1]);
  EXPECT_EQ(lines[0]["protocol"], "linear");
  EXPECT_EQ(lines[0]["augmented"], false);
  EXPECT_EQ(lines[0]["standardise"], true);
  EXPECT_EQ(lines[0]["budget_epochs"], 1);  // 24 of 60 samples seen
  EXPECT_EQ(lines[0]["labels"]["60"].size(), 4u);
  EXPECT_TRUE(lines[0]["labels"]["60"]["raw"]["linear"]["test"]["accuracy"].is_number());
}

TEST_F(Probe, LinearWithAugmentation) {
  const Outcome o = lacuna(
      command("linear", {"--augment", "--epochs", "2", "--batch-size", "32", "--budget", "0"}));
  expect_ok(o);
  expect_parts(o.out, {"vectors of views (crop 0.08, flip 0.5): SGD, rate 0.0125 by a cosine"});
  const auto line = last();
  EXPECT_EQ(line["augmented"], true);
  EXPECT_EQ(line["optimizer"], "sgd");
  EXPECT_EQ(line["lr"], 0.0125);
  EXPECT_EQ(line["views"]["crop"], 0.08);
  EXPECT_EQ(line["views"]["interpolation"], "bicubic");
  EXPECT_EQ(line["views"]["colour"], 0);
  EXPECT_EQ(line["weight_decay"], 0);
  EXPECT_EQ(line["labels"]["60"].size(), 3u);
  expect_bad(command("linear", {"--augment", "--standardise"}), "leave out --augment");
  expect_bad(command("linear", {"--crop", "0.5"}), "--crop is for views, which --augment asks for");
  expect_bad(command("linear", {"--augment", "--crop", "2"}), "views.crop must be between 0 and 1");
}

// Where the bank is smaller than k, all of it votes, and that is the number that is said.
TEST_F(Probe, SaysHowManyVote) {
  const Words more = {"--budget", "0", "--labels"};
  expect_parts(lacuna(command("knn", more + Words{"0"})).out,
               {"weighted: 60 votes", "plain: 10 votes"});
  expect_parts(lacuna(command("knn", more + Words{"5,0"})).out, {"weighted: 5 to 60 votes"});
  expect_ok(lacuna({"report", "--run", run()}));
  expect_parts(read_all(run() + "/report.html"), {"weighted: 5 to 60 votes"});
}

TEST_F(Probe, WithoutABudgetThereIsNoSupervisedLine) {
  expect_ok(lacuna(command("knn", {"--budget", "0", "--quiet", "--test", "shapes:30"})));
  EXPECT_FALSE(last()["labels"]["60"].contains("supervised"));
  EXPECT_FALSE(last().contains("supervised"));
  EXPECT_EQ(last()["test_rows"], 6);
}

// Fixed lists of rows and a few seeds, for every line.
TEST_F(Probe, LearnsFromFewLabels) {
  for (const char* protocol : {"knn", "linear"}) {
    Words more = {"--labels", "1/class,50%,0", "--seeds", "2", "--budget",
                  "1",        "--shift",       "blur:2"};
    if (std::string(protocol) == "linear") more = more + Words{"--epochs", "3"};
    const Outcome o = lacuna(command(protocol, more));
    expect_ok(o);
    expect_parts(o.out, {"mean ± standard deviation of 2 seeds", "labels", " ± "});
    const auto line = last();
    EXPECT_EQ(line["seeds"], 2);
    ASSERT_EQ(line["labels"].size(), 3u);
    for (const char* labels : {"10", "30", "60"}) {
      const auto& subjects = line["labels"][labels];
      EXPECT_EQ(subjects.size(), 4u);
      for (const auto& row : subjects)
        for (const std::string rule : line["rules"])
          for (const char* set : {"test", "blur:2"}) {
            const auto& scores = row[rule][set];
            ASSERT_EQ(scores["trials"].size(), 2u);
            EXPECT_NEAR(
                scores["accuracy"].get<double>(),
                (scores["trials"][0][0].get<double>() + scores["trials"][1][0].get<double>()) / 2,
                1e-12);
          }
    }
    if (std::string(protocol) != "knn") continue;
    // With all labels nothing is drawn.
    EXPECT_EQ(line["labels"]["60"]["pretrained"]["plain"]["test"]["accuracy_std"], 0);
    // The same rows again, and others of another seed.
    const auto trial = [&](const Words& words) {
      expect_ok(
          lacuna(command(protocol, words + Words{"--budget", "0", "--labels", "10", "--quiet"})));
      return last()["labels"]["10"]["raw"];
    };
    const auto first = trial({"--seed", "0"}), second = trial({"--seed", "1"});
    const auto& both = line["labels"]["10"]["raw"]["weighted"]["test"]["trials"];
    EXPECT_EQ(first["weighted"]["test"]["trials"][0], both[0]);
    EXPECT_EQ(second["weighted"]["test"]["trials"][0], both[1]);
  }
  expect_ok(lacuna({"report", "--run", run()}));
  const std::string page = read_all(run() + "/report.html");
  expect_parts(page, {"<td class=\"n\">10</td><td>pretrained</td>",
                      "<td class=\"n\">60</td><td>supervised from scratch</td>", "blur:2</th>",
                      "mean ± standard deviation of 2 seeds"});
}

TEST_F(Probe, FinetunesPictures) {
  const Words few = {"--epochs", "1", "--min-steps", "2"};
  const Outcome o =
      lacuna(command("finetune", few + Words{"--labels", "1/class,50%,0", "--seeds", "2", "--shift",
                                             "noise:5", "--shift", "shapes:50?seed=9"}));
  expect_ok(o);
  expect_parts(o.out, {"supervised from scratch", "random, frozen", "raw samples", "commonest",
                       "learns from views: crop 0.08, flip 0.5", "shift 2"});
  const auto line = last();
  ASSERT_EQ(line["labels"].size(), 3u);
  for (const char* labels : {"10", "30", "60"})
    for (const char* arm : {"pretrained", "scratch", "random_frozen", "raw"}) {
      const auto& scores = line["labels"][labels][arm];
      EXPECT_EQ(scores["trials"].size(), 2u) << labels << arm;
      ASSERT_EQ(scores["shift"].size(), 2u);
      for (const auto& shift : scores["shift"]) EXPECT_EQ(shift["trials"].size(), 2u);
    }
  EXPECT_EQ(line["sets"], (nlohmann::json{"test", "noise:5", "shapes:50?seed=9"}));
  EXPECT_EQ(line["majority"]["shift"]["noise:5"]["accuracy"], line["majority"]["accuracy"]);
  EXPECT_EQ(line["augmented"], true);
  EXPECT_EQ(line["views"]["crop"], 0.08);
  EXPECT_EQ(line["lr"], 1e-3);
  EXPECT_EQ(line["head_lr"], 1e-2);
  expect_ok(lacuna({"report", "--run", run()}));
  expect_parts(read_all(run() + "/report.html"),
               {"<th class=\"n\">accuracy, noise:5</th>", "views of crop 0.08, flip 0.5"});
  // Again the same, another, and none.
  const auto trial = [&](const Words& words) {
    const Words one = few + Words{"--labels", "30", "--seeds", "1", "--quiet"};
    expect_ok(lacuna(command("finetune", one + words)));
    return last();
  };
  const auto once = trial({"--threads", "1"}), again = trial({"--threads", "2"});
  EXPECT_EQ(once, again);
  const auto micle = trial({"--crop", "0.2", "--colour", "0.5", "--rotate", "45", "--blur", "0.5",
                            "--solarise", "0.1", "--cutout", "8"});
  EXPECT_EQ(micle["views"]["rotate"], 45);
  EXPECT_EQ(micle["views"]["solarise"], 0.1);
  EXPECT_EQ(micle["views"]["cutout"], 8);
  EXPECT_EQ(micle["views"]["flip"], 0.5);
  const auto none = trial({"--no-augment"});
  EXPECT_EQ(none["augmented"], false);
  EXPECT_FALSE(none.contains("views"));
  expect_bad(command("finetune", {"--no-augment", "--crop", "0.5"}), "leave out --no-augment");
  expect_bad(command("finetune", {"--flip", "2"}), "views.flip must be between 0 and 1");
}

// A run on bags of pictures, whose probe watched other classes: patients, single pictures, and another data's classes.
TEST_F(Probe, JudgesARunOnBags) {
  const std::string micle = *folder / "micle";
  expect_ok(lacuna({"train", "simclr", "--data", "cases:24", "--out", micle, "--steps", "2",
                    "--batch-size", "8", "--set", "positives=partners", "--set",
                    "model.backbone=resnet10", "--set", "model.width=4", "--quiet"}));
  const auto judged = [&](const Words& words) {
    expect_ok(lacuna(Words{"eval", "knn", "--run", micle, "--budget", "1", "--quiet"} + words));
    std::istringstream in(read_all(micle + "/eval.jsonl"));
    nlohmann::json json;
    for (std::string line; std::getline(in, line);) json = nlohmann::json::parse(line);
    return json;
  };
  const auto patients = judged({}), pictures = judged({"--data", "cases:24?each=picture"});
  EXPECT_EQ(patients["train_rows"], 24);
  EXPECT_EQ(pictures["train_rows"], 24 * 6);
  EXPECT_EQ(patients["labels"]["24"].size(), 4u);
  EXPECT_EQ(pictures["labels"]["144"].size(), 4u);
  int seed = 0;
  for (const char* file : {"train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png"})
    expect_ok(lacuna({"data", "views", "shapes:8?seed=" + std::to_string(seed++), "--out",
                      folder->write(file, "")}));
  const auto other = judged({"--data", "images:" + *folder / "train" + "?size=32", "--test",
                             "images:" + *folder / "test" + "?size=32&split=train"});
  EXPECT_EQ(other["classes"], (nlohmann::json{"a", "b"}));
  EXPECT_EQ(other["labels"]["2"].size(), 4u);
}

// An encoder that was trained on smaller views than the pictures are is judged on as small ones, augmented or not.
TEST_F(Probe, JudgesByPicturesOfTheSizeOfViews) {
  const std::string small = *folder / "small";
  expect_ok(lacuna({"train", "simclr", "--data", "shapes:40", "--out", small, "--steps", "2",
                    "--batch-size", "8", "--set", "size=16", "--set", "model.backbone=resnet10",
                    "--set", "model.width=4", "--quiet"}));
  const Words run = {"--run", small, "--quiet"};
  expect_ok(lacuna(Words{"eval", "linear", "--epochs", "2", "--budget", "1"} + run));
  expect_ok(lacuna(Words{"eval", "linear", "--augment", "--epochs", "1", "--budget", "0"} + run));
  expect_ok(lacuna(Words{"eval", "finetune", "--labels", "0", "--seeds", "1", "--epochs", "1",
                         "--min-steps", "1"} +
                   run));
}

// The sheet of neighbours has cells as large as the pictures that are judged, whatever those are that it shows beside them.
TEST_F(Probe, NeighboursOfAnotherSizeAreShownAsLargeAsTheOthers) {
  for (const char* place :
       {"large/cats/1.png", "large/dogs/1.png", "tiny/cats/1.png", "tiny/dogs/1.png"})
    expect_ok(lacuna({"data", "views", "shapes:8?seed=" + std::to_string(std::strlen(place)),
                      "--out", folder->write(place, "")}));
  const auto pictures = [&](const char* name, const char* side) {
    return "images:" + *folder / name + "?split=train&size=" + side;
  };
  for (const char* side : {"8", "16", "48"}) {
    expect_ok(lacuna(command("knn", {"--data", pictures("large", "32"), "--test",
                                     pictures("tiny", side), "--budget", "0"})));
    const Image sheet = read_image(run() + "/neighbours.png");
    const std::int64_t cell = 64 / std::stoll(side) * std::stoll(side) + 8;
    EXPECT_EQ(sheet.height, 2 * cell);
    EXPECT_EQ(sheet.width, 3 * cell + cell / 4);
    EXPECT_EQ(last()["specs"], (Words{pictures("large", "32"), pictures("tiny", side)}));
  }
}

TEST_F(Probe, BadInputIsOneLine) {
  expect_bad(command("knn", {"--k", "0"}), "--k must be a whole number from 1");
  expect_bad(command("knn", {"--temperature", "0"}), "--temperature must be a number");
  expect_bad(command("knn", {"--shift", "blur:9"}), "a severity is 1 to 5");
  expect_bad(command("knn", {"--shift", "fog"}), "fog");
  expect_bad(command("knn", {"--test", "shapes:60?split=train"}),
             "--test must not be what is learned from");
  expect_bad(command("linear", {"--lr", "no"}), "--lr must be a number");
  expect_bad(command("linear", {"--epochs", "0"}), "--epochs must be");
  expect_bad(command("linear", {"--budget", "-1"}), "--budget must be");
  expect_bad(command("map", {"--points", "6000"}), "--points must be");
  expect_bad(command("finetune", {"--labels", "3/klass"}), "--labels must be a whole number");
  expect_bad(command("knn", {"--data", "stories"}), "takes text: got stories");
  expect_bad(command("knn", {"--seeds", "0"}), "--seeds must be a whole number from 1");
  expect_bad(command("linear", {"--seed", "-1"}), "--seed must be a whole number from 0");
  expect_bad(command("map", {"--data", "shapes:20"}), "needs at least 7 samples: got 4");
  for (const char* name : {"cats/1.png", "dogs/1.png"})
    expect_ok(lacuna({"data", "views", "shapes:8?seed=" + std::to_string(name[0]), "--out",
                      folder->write(std::string("pets/") + name, "")}));
  const std::string pets = "images:" + *folder / "pets" + "?size=32&split=train";
  for (const char* protocol : {"knn", "linear", "finetune"}) {
    expect_bad(command(protocol, {"--test", pets}), "got 2 (cats, dogs) in ");
    expect_bad(command(protocol, {"--shift", pets}), " and 6 more) in shapes (train)");
  }
  expect_bad(command("knn", {"--data", "images:" + *folder / "pets/cats" + "?size=32", "--test",
                             "images:" + *folder / "pets/dogs" + "?size=32&split=train"}),
             "needs labels of at least two classes");
}

}  // namespace lacuna::test
