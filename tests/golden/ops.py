"""Writes ops.safetensors: losses, norms, variance and GELU by PyTorch in f64, with their gradients, for ops.cpp.

    python tests/golden/ops.py      (made with the versions recorded in the file's metadata)

Tensors are named CASE.x0, x1, ... (inputs), CASE.y, CASE.dy (the upstream gradient), CASE.d0, d1, ... (gradients of the
inputs) and, of batch norm, CASE.mean and CASE.var (running statistics after the step). Floating-point inputs are multiples of
1/8, so that f32 and f64 start from the same numbers. Images are (n, h, w, c).
"""
import json
import pathlib
import platform
import struct

import torch
import torch.nn.functional as F

generator = torch.Generator().manual_seed(20)
tensors = {}


def draw(*shape, low=-16, high=16):
    return torch.randint(low, high + 1, shape, generator=generator).double() / 8


def classes(*shape, n, ignored=(), ignore_index=-100):
    t = torch.randint(0, n, shape, generator=generator)
    for i in ignored:
        t.view(-1)[i] = ignore_index
    return t


def case(name, f, *inputs, **more):
    """f(*inputs) and its gradients with a random upstream gradient; integer inputs have none."""
    leaves = [t.clone().requires_grad_() if t.is_floating_point() else t for t in inputs]
    y = f(*leaves)
    dy = draw(*y.shape, low=1, high=16)
    y.backward(dy)
    for i, (t, leaf) in enumerate(zip(inputs, leaves)):
        tensors[f"{name}.x{i}"] = t
        if leaf.grad is not None:
            tensors[f"{name}.d{i}"] = leaf.grad
    tensors[f"{name}.y"] = y.detach()
    tensors[f"{name}.dy"] = dy
    for key, t in more.items():
        tensors[f"{name}.{key}"] = t


logits = draw(12, 7, low=-40, high=40)
case("cross_entropy", F.cross_entropy, logits, classes(12, n=7))
case("cross_entropy_ignore", lambda x, t: F.cross_entropy(x, t, ignore_index=3), logits, classes(12, n=7))
case("cross_entropy_smoothing", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), logits,
     classes(12, n=7, ignored=(2, 5)))
case("mse_loss", F.mse_loss, draw(3, 4, 5), draw(3, 4, 5))
mask = torch.randint(0, 2, (2, 4, 5, 1), generator=generator).to(torch.uint8)
case("mse_loss_masked", lambda x, t, m: (m * (x - t) ** 2).sum() / m.expand_as(x).sum(), draw(2, 4, 5, 3),
     draw(2, 4, 5, 3), mask)
case("l1_loss", F.l1_loss, draw(3, 4, 5), draw(3, 4, 5))
case("bce_with_logits", F.binary_cross_entropy_with_logits, draw(4, 9, low=-64, high=64), draw(4, 9, low=0, high=8))
case("kl_unit_gaussian", lambda mu, logvar: torch.distributions.kl_divergence(
    torch.distributions.Normal(mu, (0.5 * logvar).exp()),
    torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))).sum() / mu.shape[0], draw(4, 6), draw(4, 6))


def batch_norm(training, mean, var):
    def f(x, gamma, beta):
        y = F.batch_norm(x.permute(0, 3, 1, 2), mean, var, gamma, beta, training, 0.1, 1e-5)
        return y.permute(0, 2, 3, 1)
    return f


for name, training in (("batch_norm_train", True), ("batch_norm_eval", False)):
    mean, var = draw(5), draw(5, low=1, high=16)
    first = {"mean_before": mean.clone(), "var_before": var.clone()}
    case(name, batch_norm(training, mean, var), draw(3, 4, 2, 5), draw(5), draw(5), mean=mean, var=var, **first)
case("layer_norm", lambda x, g, b: F.layer_norm(x, (9,), g, b), draw(6, 9), draw(9), draw(9))
case("layer_norm_two_dims", lambda x, g, b: F.layer_norm(x, (3, 4), g, b), draw(5, 3, 4), draw(3, 4), draw(3, 4))
case("l2_normalise", lambda x: F.normalize(x, dim=1), draw(4, 7))
case("var", lambda x: x.var(dim=(0, 2)), draw(3, 4, 5))
case("var_biased", lambda x: x.var(dim=1, unbiased=False), draw(3, 8))
case("logsumexp", lambda x: x.logsumexp(dim=1), draw(3, 8))
case("gelu", F.gelu, draw(4, 33, low=-40, high=40))
case("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), draw(4, 33, low=-40, high=40))

header = {"__metadata__": {"torch": torch.__version__, "python": platform.python_version(), "script": "tests/golden/ops.py"}}
DTYPES = {torch.float64: "F64", torch.int64: "I64", torch.uint8: "U8"}
data = b""
for name, t in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
    raw = t.contiguous().numpy().tobytes()
    header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
path = pathlib.Path(__file__).with_name("ops.safetensors")
path.write_bytes(struct.pack("<Q", len(text)) + text + data)
print(path.name, path.stat().st_size, "bytes")
