// SimCLR: two random views of a picture should have embeddings that are closer to each other than to those of all other pictures
// of the batch. Chen, Kornblith, Norouzi, Hinton, "A simple framework for contrastive learning of visual representations", ICML 2020.
//
//   x_1 .. x_2N   two views of each of N pictures: crop, flip, colours (task.crop, task.colour, ...), in one batch through the net
//   h = f(x)      the encoder (a ResNet), which is what transfers;  z = g(h), the projection head, which is thrown away
//   loss          mean over i of -log(exp(s_i,other(i)) / sum over k != i of exp(s_ik)),   s_ij = cos(z_i, z_j) / temperature
//
// It starts at ln(2N - 1), where all embeddings are alike, and cannot fall below ln(1 + (2N - 2) exp(-(1 + 1/(N - 1)) / temperature)),
// where views agree and different pictures' embeddings have the least mean cosine that N vectors can have, -1/(N - 1): a loss
// that looks large may be a good one. The floor that is printed is that of the smallest batch of training; the last batch of a
// validation may be smaller still, and its loss lower.
//
// task.loss=supcon takes all views of one class as positives (Khosla et al., "Supervised contrastive learning", NeurIPS 2020): not
// self-supervised, but what the same network can reach with labels.
//
// task.positives=partners makes the two views of two pictures of one bag instead of one picture (MICLe: Azizi et al., "Big
// self-supervised models advance medical image classification", ICCV 2021): what a bag's pictures do not share is not learned.
// Its recipe has three steps: this task on single pictures, this task on bags from there (--init), fine-tuning.
//
// The defaults are a recipe for CIFAR-10 that has been reproduced (github.com/dkobak/simclr-cifar10): SGD, weak colours, no blur,
// a head without BatchNorm. optim.optimizer=lars with optim.lr_scaling, model.head_norm and the rest make the paper's own.
#include "simclr.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../core/ops/augment_image.h"
#include "../core/ops/concat.h"
#include "../core/ops/cross_entropy.h"
#include "../core/ops/elementwise.h"
#include "../core/ops/info_nce.h"
#include "../core/ops/layer_norm.h"
#include "../core/ops/mask_image.h"
#include "../core/ops/reduce.h"
#include "../core/ops/shape.h"
#include "../core/suggest.h"
#include "../core/tape.h"
#include "../nn/layers/activation.h"
#include "../nn/layers/batch_norm.h"
#include "augmentation.h"
#include "embedding_metrics.h"
#include "label_metrics.h"

namespace lacuna {

Sequential projection_head(const ProjectionOptions& o) {
  Sequential head;
  for (std::int64_t i = 0; i < o.layers; i++) {
    const bool last = i + 1 == o.layers;
    const std::int64_t out = last ? o.out : o.width;
    head.add(Linear({.in = i == 0 ? o.in : o.width, .out = out, .bias = !o.norm}));
    if (o.norm) head.add(BatchNorm({.channels = out, .bias = !last}));
    if (!last) head.add(ReLU());
  }
  return head;
}

SimclrModel::SimclrModel(const ResNetOptions& resnet, ProjectionOptions head, std::int64_t classes)
    : encoder(resnet) {
  head.in = encoder.features();
  projection = projection_head(head);
  if (classes > 0)
    probe.emplace(
        Linear::Options{.in = encoder.features(), .out = classes, .start = init::constant(0)});
}

void SimclrModel::members(Members& m) {
  m.child("encoder", encoder);
  m.child("projection", projection);
  if (probe) m.child("probe", *probe);
}

namespace {

class Simclr : public Task {
 public:
  Simclr(const Settings& s, const DataInfo& data, const Field& image)
      : supervised_(s.text("task.loss") == "supcon"),
        partners_(s.text("task.positives") == "partners"),
        temperature_(s.number("task.temperature")),
        pictures_(s.integer("train.batch_size")),
        drop_last_(s.flag("data.drop_last")),
        classes_(static_cast<std::int64_t>(data.classes.size())),
        class_names_(data.classes),
        recipe_(augmentation_of(s, "task", side_of_views(s))),
        model_({.depth = std::stoll(s.text("model.backbone").substr(6)),
                .width = s.integer("model.width"),
                .channels = image.shape[2],
                .imagenet_stem = s.text("model.stem") == "imagenet"},
               {.width = s.integer("model.head_width"),
                .out = s.integer("model.head_out"),
                .layers = s.integer("model.head_layers"),
                .norm = s.flag("model.head_norm")},
               classes_) {
    LACUNA_CHECK(pictures_ >= 2, "simclr",
                 "a picture is told from the others of its batch: train.batch_size must be at "
                 "least 2, got ",
                 pictures_);
    LACUNA_CHECK(s.integer("train.accumulate") == 1, "simclr",
                 "a batch in pieces has fewer pictures to tell apart: train.accumulate must be 1, "
                 "got ",
                 s.integer("train.accumulate"));
    LACUNA_CHECK(!supervised_ || classes_ > 0, "simclr",
                 "task.loss=supcon needs labels, and this data has none");
    const double lr = learning_rate(s);
    probe_scale_ = lr > 0 ? s.number("task.probe_lr") / lr : 0;
  }

  Module& model() override { return model_; }
  Module& encoder() override { return model_.encoder; }
  bool decays(const NamedTensor& p) const override { return p.tensor.ndim() >= 2 && !watches(p); }
  double lr_scale(const NamedTensor& p) const override { return watches(p) ? probe_scale_ : 1; }
  bool counts_in_norm(const NamedTensor& p) const override { return !watches(p); }
  bool repeats() const override { return !supervised_; }

  // An epoch's last batch may be short, and the fewer pictures the lower the floor.
  void prepare(const Source& train) override {
    const auto fields = train.fields();
    const auto is_partner = [](const Field& f) { return f.name == "partner"; };
    LACUNA_CHECK(!partners_ || std::any_of(fields.begin(), fields.end(), is_partner), "simclr",
                 "task.positives=partners needs bags of pictures (bags:, cases): got ",
                 train.name());
    const std::int64_t rest = train.size() % pictures_;
    least_ = rest > 0 && (!drop_last_ || train.size() < pictures_) ? rest : pictures_;
  }
  // Labels are numbers: of other classes they would mean something else.
  void check_validation(const Source& validation) override {
    LACUNA_CHECK(class_names_.empty() || validation.classes() == class_names_, "simclr",
                 "the probe knows the training data's classes, ", counted(class_names_), ": got ",
                 counted(validation.classes()));
  }
  double loss_start() const override { return std::log(2.0 * static_cast<double>(pictures_) - 1); }
  double loss_floor() const override {
    const double n = static_cast<double>(least_);
    if (n < 2) return 0;
    // With labels a row has at least one positive, and no negative's cosine is further than 2 below it.
    const double gap = supervised_ ? 2 : 1 + 1 / (n - 1);
    return std::log1p((2 * n - 2) * std::exp(-gap / temperature_));
  }
  std::string watch(const Metrics& logged) override { return collapse_.see(logged); }

  Losses step(Context& context, const Batch& batch, int) override {
    const Tensor h = model_.encoder.forward(context, views(context, batch));
    const Tensor z = model_.projection.forward(context, h);
    Losses losses{
        supervised_ ? supcon(z, twice(batch["label"]), classes_, temperature_) : nt_xent(z),
        embedding_metrics(h, z)};
    if (model_.probe) {
      const Tensor scores = model_.probe->forward(context, h.detach());
      const Tensor labels = twice(batch["label"]);
      losses.aside = cross_entropy(scores, labels);
      losses.parts["probe_loss"] = losses.aside.detach();
      losses.parts["probe_accuracy"] = accuracy_of(scores, labels);
    }
    return losses;
  }

  // The whole picture on [0, 1], as its views are; of task.size what evaluation_view() shows.
  Tensor represent(Context& context, const Batch& batch) override {
    const Tensor pixels =
        evaluation_view(batch["image"], recipe_.height, recipe_.interpolation, context.activations);
    return to(model_.encoder.forward(context, pixels), Dtype::f32);
  }

  std::vector<Picture> pictures(Context& context, const Batch& batch) override {
    NoGrad guard;
    const Tensor originals = sources(batch);
    const Tensor pixels = to(affine(to(views(context, batch), Dtype::f32), 255, 0.5), Dtype::u8);
    const std::int64_t n = batch.size();
    std::vector<Picture> result;
    for (std::int64_t i = 0; i < originals.dim(0); i++)
      result.push_back({i < n ? "original" : "partner", to(select(originals, 0, i), Device{})});
    for (std::int64_t i = 0; i < 2 * n; i++)
      result.push_back({i < n ? "first" : "second", to(select(pixels, 0, i), Device{})});
    return result;
  }

 private:
  static bool watches(const NamedTensor& p) { return p.name.rfind("probe.", 0) == 0; }

  // What the views are of: (N, H, W, C), or (2N, ..) where the second ones are of the partners.
  Tensor sources(const Batch& batch) const {
    const Tensor& image = batch["image"];
    if (!partners_) return image;
    const Tensor& partner = batch["partner"];  // an Error inside of a list would confuse g++ 12
    return concat({image, partner});
  }
  // (2N, h, w, C), one view of all pictures and then the other.
  Tensor views(const Context& context, const Batch& batch) const {
    const Tensor& image = batch["image"];
    const Tensor ids = ids_of("simclr", context, image.dim(0), image.device());
    const Tensor drawn =
        draw_views(context, ids, image.dim(1), image.dim(2), recipe_, context.epoch, 2);
    return apply_views(sources(batch), drawn, recipe_, context.activations);
  }
  static Tensor twice(const Tensor& labels) { return concat({labels, labels}); }

  // lacuna::nt_xent() with the index kept: a step that is recorded brings nothing from the host.
  Tensor nt_xent(const Tensor& z) {
    Tensor& other = other_[z.dim(0)];
    if (!other.defined()) other = other_views(z.dim(0), z.device());
    const Tensor unit = l2_normalise(z);
    return mean(info_nce(unit, unit, other, {.temperature = temperature_, .self = 0}));
  }

  bool supervised_, partners_;
  double temperature_;
  std::int64_t pictures_, least_ = pictures_;  // of a batch, and of the smallest one
  bool drop_last_;
  std::int64_t classes_;
  std::vector<std::string> class_names_;
  double probe_scale_ = 0;
  Augmentation recipe_;
  SimclrModel model_;
  CollapseWatch collapse_;
  std::map<std::int64_t, Tensor> other_;
};

void declare_simclr(Settings& s) {
  s.declare("task.loss", std::string("nt_xent"),
            "nt_xent: the other view is the positive; supcon: all views of the class, by labels",
            {"nt_xent", "supcon"});
  s.declare("task.positives", std::string("views"),
            "views: two views of a picture are alike; partners: of two pictures of a bag (MICLe)",
            {"views", "partners"});
  s.declare("task.temperature", 0.5, "of the softmax over cosines", 1e-3, 1e3);
  s.declare("task.size", std::int64_t{0},
            "side of a view, in pixels; 0: the picture's. Evaluation resizes pictures to it: the "
            "shorter side to size / 0.875, then the centre (up to 32 pixels all of it)",
            0, 4096);
  declare_views(s, "task", {.crop = 0.2, .interpolation = "bilinear", .colour = 0.5, .grey = 0.1});
  s.declare("task.probe_lr", 0.1,
            "learning rate of the linear probe on detached features, where the data has labels", 0,
            1e6);
  s.declare("model.backbone", std::string("resnet18"), "the encoder",
            {"resnet10", "resnet18", "resnet34", "resnet50"});
  s.declare("model.width", std::int64_t{64}, "channels of its first stage", 1, 1024);
  s.declare("model.stem", std::string("small"),
            "its first layers: small (3x3) for pictures of 32 pixels, imagenet (7x7, pooling)",
            {"small", "imagenet"});
  s.declare("model.head_layers", std::int64_t{2}, "linear layers of the projection head", 1, 3);
  s.declare("model.head_width", std::int64_t{1024}, "numbers between them", 1, 1 << 16);
  s.declare("model.head_out", std::int64_t{128}, "numbers of an embedding", 1, 1 << 16);
  s.declare("model.head_norm", false, "BatchNorm behind each of them, in place of biases");
  // The recipe's own.
  s.declare("data.drop_last", true, "leave out an epoch's last batch where it is short");
  s.declare("train.batch_size", std::int64_t{512}, "samples a step, two views each", 1, 1 << 20);
  s.declare("train.epochs", std::int64_t{100}, "passes over the data", 0, 1e9).resumable = true;
  s.declare("optim.optimizer", std::string("sgd"), "adam, adamw, lamb, lars or sgd",
            optimizer_names());
  s.declare("optim.lr", 0.06, "learning rate", 0, 1e6);
  s.declare("optim.lr_scaling", std::string("linear"),
            "what optim.lr is multiplied by: none: 1; linear: batch_size / 256; sqrt: the square "
            "root of batch_size",
            {"none", "linear", "sqrt"});
  s.declare("optim.momentum", 0.9, "sgd, lars: momentum", 0, 1);
  s.declare("optim.weight_decay", 5e-4,
            "of weights, not of norms and biases; adam, lars, sgd: added to the gradient; adamw, "
            "lamb: decoupled",
            0, 1e6);
  s.declare("optim.schedule", std::string("cosine"),
            "of the learning rate after warm-up: constant, linear or cosine (to final_lr), step",
            {"constant", "linear", "cosine", "step"});
}

std::unique_ptr<Task> make_simclr(const Settings& settings, const DataInfo& data) {
  for (const Field& f : data.fields)
    if (f.name == "image" && f.dtype == Dtype::u8 && f.shape.size() == 3)
      return std::make_unique<Simclr>(settings, data, f);
  fail("simclr", "needs pictures: the data has no field \"image\" of (H, W, C) u8");
}

}  // namespace

extern const TaskInfo simclr_task{
    "simclr",       "two views of a picture are to be alike, and other pictures not",
    declare_simclr, make_simclr,
    nullptr,        embedding_figures};

}  // namespace lacuna
