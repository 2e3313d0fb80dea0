#include "trace.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "../core/tape.h"
#include "../datasets/spec.h"
#include "config.h"
#include "text.h"

namespace lacuna::tools {
namespace {

// Shape of a node's input, from whoever still knows it.
Shape input_shape(const Node& node, std::size_t i) {
  if (i < node.inputs.size() && node.inputs[i]) return node.inputs[i]->shape;
  const auto& saved = node.saved.tensors();
  return i < saved.size() && saved[i].defined() ? saved[i].shape() : Shape{};
}

double numel(const Shape& s) { return static_cast<double>(s.numel()); }

bool is_attention(const Node& node) {
  return !std::strcmp(node.op, "attention") || !std::strcmp(node.op, "self_attention");
}

// Multiply-adds of an op's forward; each gradient that it gives costs as many again (attention's three: 2.5 times as many).
double multiply_adds(const Node& node) {
  const Shape x = input_shape(node, 0), w = input_shape(node, 1);
  if (numel(node.shape) == 0) return 0;
  if (!std::strcmp(node.op, "conv2d") && w.size() == 4)
    return numel(node.shape) * numel(w) / static_cast<double>(w[0]);
  if (!std::strcmp(node.op, "conv_transpose2d") && w.size() == 4)
    return numel(x) * numel(w) / static_cast<double>(w[0]);
  if (!std::strcmp(node.op, "linear") && w.size() == 2)
    return numel(node.shape) * static_cast<double>(w[1]);
  // Scores and their use; what a mask hides is counted.
  if (!std::strcmp(node.op, "self_attention"))
    return 2 * numel(node.shape) * static_cast<double>(node.shape[1]);
  if (!std::strcmp(node.op, "attention") && w.size() == 4)
    return 2 * numel(node.shape) * static_cast<double>(w[2]);
  if (!std::strcmp(node.op, "matmul") && x.size() >= 2) {
    // a's last two are (m, k) or (k, m), and m is known.
    const double m = static_cast<double>(node.shape[node.shape.size() - 2]);
    return numel(node.shape) * static_cast<double>(x[x.size() - 1] * x[x.size() - 2]) / m;
  }
  return 0;
}

}  // namespace

void declare_trace(Options& options, TraceOptions& into) {
  options.positional("TASK", into.task, "one of those that `lacuna list` names");
  options.value("--data", into.data, "what its samples look like; shapes, or stories, unless given",
                "SPEC");
  options.value("--batch-size", into.batch, "samples a step", "N");
  options.value("--device", into.device, "cpu, cuda, cuda:1, ... or emu", "DEVICE");
  options.value("--threads", into.threads, "threads of the kernels; 0: one a core", "N");
  options.value("--config", into.config, "settings; flags and --set count for more", "FILE.toml");
  options.values("--set", into.sets, "any key of the settings; may be given often", "key=value");
}

StepFlops count_flops(const Tensor& y) {
  StepFlops flops;
  std::unordered_set<const Node*> seen;
  std::vector<const Node*> stack{y.node().get()};
  while (!stack.empty()) {
    const Node* node = stack.back();
    stack.pop_back();
    if (!node || !seen.insert(node).second) continue;
    const double once = 2 * multiply_adds(*node);
    flops.forward += once;
    if (is_attention(*node))
      flops.backward += 2.5 * once;
    else
      for (std::size_t i = 0; i < std::min<std::size_t>(node->inputs.size(), 2); i++)
        if (node->inputs[i]) flops.backward += once;
    for (const auto& input : node->inputs) stack.push_back(input.get());
  }
  return flops;
}

Trace::Trace(const TraceOptions& options) {
  const TaskInfo& info = find_task(options.task);
  settings = settings_of(info);
  if (!options.config.empty()) read_config_file(settings, options.config);
  if (!options.batch.empty()) settings.set("train.batch_size", options.batch);
  if (!options.device.empty()) settings.set("train.device", options.device);
  if (!options.threads.empty()) settings.set("train.threads", options.threads);
  set_keys(settings, options.sets);
  settings.set("train.precision", precision_of(settings));
  device = use_machine(settings);
  const std::string spec = !options.data.empty() ? options.data : info.text ? "stories" : "shapes";
  settings.set("data.train", spec);
  source = open_source(spec, "train", text_options(info, settings, make_tokenizer(info, settings)));
  task = info.make(settings, DataInfo::of(*source));
  task->prepare(*source);
  task->model().initialize(static_cast<std::uint64_t>(settings.integer("train.seed")));
  task->model().to(device);
}

Losses Trace::step(std::int64_t samples) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(samples));
  for (std::size_t i = 0; i < ids.size(); i++)
    ids[i] = static_cast<std::int64_t>(i) % source->size();
  Context context;
  context.seed = static_cast<std::uint64_t>(settings.integer("train.seed"));
  context.activations = use_precision(settings);
  context.ids = row_ids(ids, 1, device);
  return task->step(context, read_batch(*source, ids).to(device));
}

}  // namespace lacuna::tools
