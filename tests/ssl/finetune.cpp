// Fine-tuning on labelled text in memory.
#include "../../ssl/finetune.h"

#include "../../kernels/cpu/parallel.h"
#include "../../nn/backbones/bert.h"
#include "../../nn/backbones/gpt.h"
#include "../nn/support.h"
#include "job.h"
#include "labelled_rows.h"
#include "vectors.h"

namespace lacuna {
namespace {

constexpr std::int64_t kSize = kFirstWord + 2 * kTopicWords;

Bert tiny_bert(bool pooler = true) {
  Bert bert({.vocabulary = kSize,
             .positions = 10,
             .width = 32,
             .layers = 1,
             .heads = 2,
             .pooler = pooler,
             .dropout = 0});
  bert.initialize(7, "encoder");
  return bert;
}
Gpt tiny_gpt() {
  Gpt gpt({.vocabulary = kSize, .context = 10, .width = 32, .layers = 1, .heads = 2, .dropout = 0});
  gpt.initialize(7, "encoder");
  return gpt;
}

FinetuneOptions quick() {
  FinetuneOptions o;
  o.labels = {0};
  o.seeds = 1;
  o.min_steps = 60;
  o.batch_size = 8;
  o.lr = 3e-3;
  return o;
}

std::vector<double> figures(const FinetuneReport& report) {
  std::vector<double> all;
  for (const auto& line : report.lines)
    for (const auto& arm : line.arms)
      for (const auto& s : arm.trials[0]) all.insert(all.end(), {s.accuracy, s.f1});
  return all;
}

}  // namespace

TEST(finetune, overfits_a_handful_of_samples) {
  if (std::getenv("LACUNA_SMALL"))
    GTEST_SKIP() << "LACUNA_SMALL: these are too many steps under a sanitizer";
  const Rows rows = topics(12, 1), behind = topics(12, 1, true), words = tagged(12, 1);
  const Bert bert = tiny_bert(), without_pooler = tiny_bert(false);
  const Gpt gpt = tiny_gpt();
  for (const auto& [encoder, data] : {std::pair<const Module*, const Rows*>{&bert, &rows},
                                      {&without_pooler, &rows},
                                      {&gpt, &behind},
                                      {&gpt, &rows},
                                      {&bert, &words},
                                      {&gpt, &words}}) {
    FinetuneOptions o = quick();
    o.min_steps = 180;
    o.lr = 4e-3;
    o.dropout = 0;
    o.lm_weight = 0;
    o.done = [](const FinetuneTrial& t) { EXPECT_LT(t.loss, 0.01 * std::log(2.0)); };
    const FinetuneReport report = finetune(*encoder, *data, *data, o);
    ASSERT_EQ(report.lines.size(), 1u);
    EXPECT_EQ(figures(report), std::vector<double>(4, 1.0));
    EXPECT_EQ(report.lines[0].labels, 12);
    EXPECT_EQ(report.lines[0].steps, 180);
    EXPECT_EQ(report.spans, data == &words);
    EXPECT_LT(report.majority[0].accuracy, 0.7);
  }
}

TEST(finetune, language_model_beside_the_labels) {
  const Rows rows = topics(6, 1, true);
  const Gpt gpt = tiny_gpt();
  const auto model = make_labeller(gpt, DataInfo::of(rows), 0);
  model->initialize(1);
  Context context;
  const Batch batch = read_batch(rows, {0, 1, 2});
  const double labels = model->loss(context, batch, 0).item();
  const double half = model->loss(context, batch, 0.5).item() - labels;
  EXPECT_NEAR(labels, std::log(2.0), 0.1);
  EXPECT_NEAR(half, 0.5 * std::log(kSize + 3.0), 0.05);
  EXPECT_NEAR(model->loss(context, batch, 1).item() - labels, 2 * half, 1e-5);
  // A mean over the tokens that are there: padding changes nothing.
  Rows longer = rows;
  longer.length = 10;
  EXPECT_NEAR(model->loss(context, read_batch(longer, {0, 1, 2}), 0.5).item(), labels + half, 1e-6);
}

TEST(finetune, starts_from_the_trained_weights) {
  const Rows rows = topics(4, 1, true);
  const Gpt gpt = tiny_gpt();
  const auto model = make_labeller(gpt, DataInfo::of(rows), 0.1);
  model->initialize(3);
  const auto before = model->state_dict().at("encoder.token.weight").clone();
  model->start_from(gpt);
  for (const auto& [name, theirs] : gpt.state_dict()) {
    auto want = theirs.to_vector<float>();
    const auto got = model->state_dict().at("encoder." + name).to_vector<float>();
    if (name == "token.weight") {  // new tokens behind the others, as they were drawn: N(0, 0.02)
      const auto drawn_before = before.to_vector<float>();
      ASSERT_EQ(drawn_before.size(), want.size() + 3 * 32);
      double square = 0;
      for (std::size_t i = want.size(); i < drawn_before.size(); i++)
        square += drawn_before[i] * drawn_before[i] / (3 * 32);
      EXPECT_NEAR(std::sqrt(square), 0.02, 0.006);
      want.insert(want.end(), drawn_before.end() - 3 * 32, drawn_before.end());
    }
    EXPECT_EQ(got, want) << name;
  }
}

TEST(finetune, leaves_the_encoder_as_it_is) {
  const Rows rows = topics(12, 1);
  const Bert bert = tiny_bert();
  const auto before = bert.state_dict().at("token.weight").to_vector<float>();
  finetune(bert, rows, rows, quick());
  EXPECT_EQ(bert.state_dict().at("token.weight").to_vector<float>(), before);
}

TEST(finetune, same_bits_for_any_number_of_threads) {
  const Rows rows = topics(20, 1, true), test = topics(30, 2, true);
  const Gpt gpt = tiny_gpt();
  const int threads = cpu::threads();
  std::vector<std::vector<double>> runs;
  for (int count : {1, 3, 1}) {
    cpu::set_threads(count);
    FinetuneOptions o = quick();
    o.min_steps = 10;
    std::vector<double> seen;
    o.done = [&](const FinetuneTrial& t) { seen.push_back(t.loss); };
    const auto scores = figures(finetune(gpt, rows, test, o));
    seen.insert(seen.end(), scores.begin(), scores.end());
    runs.push_back(seen);
  }
  cpu::set_threads(threads);
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(runs[0], runs[2]);
}

TEST(finetune, takes_balanced_labels) {
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < 100; i++) labels.push_back(i % 10 == 0 ? 0 : i % 2 == 0 ? 1 : 2);
  const auto order = balanced_order(labels, 5);  // 10, 40 and 50 rows
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t i = 0; i < 100; i++) ASSERT_EQ(sorted[static_cast<std::size_t>(i)], i);
  std::vector<std::int64_t> counts(3);
  for (std::size_t k = 0; k < 100; k++) {
    counts[static_cast<std::size_t>(labels[static_cast<std::size_t>(order[k])])]++;
    const auto most = *std::max_element(counts.begin(), counts.end());
    for (std::size_t c = 0; c < 3; c++)
      EXPECT_GE(counts[c], std::min<std::int64_t>(most - 1, c == 0 ? 10 : c == 1 ? 40 : 50));
  }
  EXPECT_EQ(balanced_order(labels, 5), order);
  EXPECT_NE(balanced_order(labels, 6), order);
}

// Both arms learn from the same rows: where the trained encoder is the untrained one of the trial's seed, they are the same.
TEST(finetune, arms_differ_in_nothing_but_the_start) {
  const Rows rows = topics(40, 1), test = topics(50, 2);
  Bert bert = tiny_bert();
  bert.initialize(3, "encoder");
  FinetuneOptions o = quick();
  o.labels = {8, 0, 16, 1000};
  o.seed = 3;
  o.min_steps = 12;
  o.dropout = 0.5;
  std::map<std::int64_t, std::vector<double>> losses;
  o.done = [&](const FinetuneTrial& t) {
    EXPECT_EQ(t.seed, 3u);
    losses[t.labels].push_back(t.loss);
  };
  const FinetuneReport report = finetune(bert, rows, test, o);
  ASSERT_EQ(report.lines.size(), 3u);  // 1000 is all
  EXPECT_EQ(report.lines[0].labels, 8);
  EXPECT_EQ(report.lines[0].steps, 12);
  EXPECT_EQ(report.lines[2].labels, 40);
  EXPECT_EQ(report.lines[2].steps, 15);
  for (const auto& line : report.lines) {
    ASSERT_EQ(losses[line.labels].size(), 2u);
    EXPECT_EQ(losses[line.labels][0], losses[line.labels][1]);
    EXPECT_EQ(line.arm("pretrained").mean().accuracy, line.arm("scratch").mean().accuracy);
  }
  EXPECT_NE(losses[8][0], losses[16][0]);
}

TEST(finetune, rates_of_the_arms) {
  const Rows rows = topics(12, 1);
  const Bert bert = tiny_bert();
  FinetuneOptions o = quick();
  o.scratch_lr = 1e-12;
  o.done = [](const FinetuneTrial& t) {
    if (t.arm == "pretrained")
      EXPECT_LT(t.loss, 0.1);
    else
      EXPECT_GT(t.loss, 0.6);
  };
  finetune(bert, rows, rows, o);
}

// Words of one topic stand together in the text that pretraining reads, so it can tell topics apart before there is a label;
// a few labelled rows have only some of the words.
TEST(finetune, pretraining_helps_where_labels_are_few) {
  if (std::getenv("LACUNA_SMALL"))
    GTEST_SKIP() << "LACUNA_SMALL: these are too many steps under a sanitizer";
  for (const char* task : {"bert", "gpt"}) {
    const bool gpt = std::string(task) == "gpt";
    auto text = std::make_shared<FakeText>();
    Rows read = topics(2000, 11, false, 11);
    read.length = 16;
    text->words = read.words;
    for (const auto& row : read.rows) {
      FakeText::Sample s;
      s.tokens = row.tokens;
      s.length = static_cast<std::int64_t>(row.tokens.size());
      s.tokens.resize(static_cast<std::size_t>(read.length));
      if (!gpt) s.segment.resize(s.tokens.size());
      text->samples.push_back(s);
    }
    Job job(task, text);
    if (!gpt) job.set("task.mask_probability", "0.3");
    if (!gpt) job.set("task.nsp", "false");
    if (!gpt) job.set("model.context", "16");
    job.set(gpt ? "model.context" : "model.positions", "16");
    job.set({{"model.layers", "1"},
             {"model.width", "32"},
             {"model.heads", "2"},
             {"model.dropout", "0"},
             {"train.batch_size", "32"},
             {"train.steps", "300"},
             {"optim.bias_correction", "true"},
             {"optim.warmup", "20"},
             {"optim.lr", "2e-3"}});
    job.run(Folder("finetune"));
    const Rows train = topics(100, 21, gpt), test = topics(200, 22, gpt);
    FinetuneOptions o = quick();
    o.labels = {8};
    o.seeds = 3;
    o.lr = 1e-3;
    const FinetuneReport report = finetune(job.task->encoder(), train, test, o);
    const double with = report.lines[0].arm("pretrained").mean().accuracy,
                 without = report.lines[0].arm("scratch").mean().accuracy;
    EXPECT_GT(with, 0.8) << task;
    EXPECT_GT(with, without + 0.1) << task;
    EXPECT_NEAR(report.majority[0].accuracy, 0.5, 1e-9);
    EXPECT_EQ(report.lines[0].arm("pretrained").trials[0].size(), 3u);
  }
}

TEST(finetune, mean_and_deviation) {
  FinetuneArm arm;
  arm.trials = {{{0.5, 0.1}, {0.7, 0.1}, {0.9, 0.4}}, {{0.25, 0}}};
  EXPECT_DOUBLE_EQ(arm.mean().accuracy, 0.7);
  EXPECT_DOUBLE_EQ(arm.mean().f1, 0.2);
  EXPECT_NEAR(arm.deviation().accuracy, 0.2, 1e-12);
  EXPECT_NEAR(arm.deviation().f1, std::sqrt(0.03), 1e-12);
  EXPECT_EQ(arm.mean(1).accuracy, 0.25);
  EXPECT_TRUE(std::isnan(arm.deviation(1).f1));
}

TEST(finetune, refuses_what_does_not_fit) {
  const Bert bert = tiny_bert();
  const Gpt gpt = tiny_gpt();
  const Rows rows = topics(8, 1);
  const FinetuneOptions o = quick();
  Rows other = rows;
  other.names = {"no", "yes", "perhaps"};
  EXPECT_THROWS_WITH(finetune(bert, rows, other, o), "must have the training data's classes");
  Rows one = rows;
  one.names = {"no"};
  EXPECT_THROWS_WITH(finetune(bert, one, one, o),
                     "at least two classes (tsv:FILE, conll:FILE): got 1");
  Rows none = rows;
  none.has_labels = false;
  EXPECT_THROWS_WITH(finetune(bert, none, none, o), "needs labelled text");
  Rows longer = rows;
  longer.length = 11;
  EXPECT_THROWS_WITH(finetune(bert, longer, rows, o), "at most 10 tokens");
  EXPECT_THROWS_WITH(finetune(bert, rows, longer, o), "at most 10 tokens");
  EXPECT_THROWS_WITH(finetune(bert, topics(8, 1, true), rows, o),
                     "of which there are 125: got 128");
  Rows foreign = rows;
  foreign.words.size = 130;
  EXPECT_THROWS_WITH(finetune(gpt, foreign, foreign, o), "of which there are 125: got 130");
  Rows empty = rows;
  empty.rows.clear();
  EXPECT_THROWS_WITH(finetune(bert, rows, empty, o), "needs rows: got 8 in rows and 0");
  Rows words = tagged(8, 1);
  words.names = {"no", "yes"};
  EXPECT_THROWS_WITH(finetune(bert, rows, words, o), "both tags of words");
  Rows wrong = rows;
  wrong.rows[3].label = 2;
  EXPECT_THROWS_WITH(finetune(bert, wrong, rows, o), "labels are 0 to 1: got 2");
  FinetuneOptions no_trial = o;
  no_trial.labels.clear();
  EXPECT_THROWS_WITH(finetune(bert, rows, rows, no_trial), "needs a number of labels");
  no_trial = o;
  no_trial.labels = {-5};
  EXPECT_THROWS_WITH(finetune(bert, rows, rows, no_trial), "at least 0: got -5");
  FinetuneOptions wild = o;
  wild.lr = 1e30;
  EXPECT_THROW(finetune(bert, rows, rows, wild), RunError);
}

// Which rows a trial learns from must not change with the program: results are compared across versions.
TEST(finetune, takes_the_same_rows_for_ever) {
  const auto order = balanced_order(turns(50000, 10), 1);
  EXPECT_EQ(std::vector<std::int64_t>(order.begin(), order.begin() + 12),
            (std::vector<std::int64_t>{17500, 35491, 9542, 13203, 3454, 38335, 30486, 47397, 15008,
                                       2109, 5590, 10591}));
  const auto other = balanced_order(turns(50000, 10), 2);
  EXPECT_EQ(std::vector<std::int64_t>(other.begin(), other.begin() + 4),
            (std::vector<std::int64_t>{49880, 31401, 11702, 33073}));
}

}  // namespace lacuna
