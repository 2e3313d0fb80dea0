"""Writes optim.json: ten steps of each optimizer by torch.optim, for tests/nn/optim.cpp; of LAMB and LARS, which
torch.optim does not have, by the formulas of their papers below.

    python tests/golden/optim.py      (made with the versions recorded in the file)
"""
import json
import pathlib
import platform

import torch

STEPS = 10
KEPT = (1, 2, 10)  # steps after which parameters are recorded
SIZES = {"a.weight": (37,), "b.bias": (3,)}
CASES = {
    "sgd": ("SGD", dict(lr=0.1)),
    "sgd_decay": ("SGD", dict(lr=0.1, weight_decay=0.05)),
    "momentum": ("SGD", dict(lr=0.05, momentum=0.9)),
    "momentum_decay": ("SGD", dict(lr=0.05, momentum=0.9, weight_decay=0.05)),
    "nesterov": ("SGD", dict(lr=0.05, momentum=0.8, nesterov=True, weight_decay=0.01)),
    "adam": ("Adam", dict(lr=1e-3)),
    "adam_decay": ("Adam", dict(lr=1e-2, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    "adamw": ("AdamW", dict(lr=1e-2, weight_decay=0.1)),
    "adam_clipped": ("Adam", dict(lr=1e-2, max_norm=0.5)),
    "lamb": ("Lamb", dict(lr=1e-2, weight_decay=0.01)),
    "lamb_plain_bias": ("Lamb", dict(lr=1e-2, betas=(0.8, 0.95), weight_decay=0.1, excluded="b.bias")),
    "lamb_uncorrected": ("Lamb", dict(lr=1e-2, weight_decay=0.01, bias_correction=False, max_norm=0.5)),
    "lars": ("Lars", dict(lr=2.0, momentum=0.9, eta=0.02, weight_decay=1e-2)),
    "lars_plain_bias": ("Lars", dict(lr=0.2, momentum=0.9, eta=0.001, weight_decay=1e-4, excluded="b.bias")),
}


class Lamb:
    """You et al. 2020, Algorithm 2, with phi(x) = x."""

    def __init__(self, params, lr, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.0, bias_correction=True, excluded=None):
        self.params, self.lr, self.betas, self.eps = params, lr, betas, eps
        self.decay, self.correct, self.excluded, self.t = weight_decay, bias_correction, excluded, 0
        self.m = {n: torch.zeros_like(p) for n, p in params.items()}
        self.v = {n: torch.zeros_like(p) for n, p in params.items()}

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2 = self.betas
        for n, w in self.params.items():
            self.m[n] = b1 * self.m[n] + (1 - b1) * w.grad
            self.v[n] = b2 * self.v[n] + (1 - b2) * w.grad ** 2
            c1, c2 = (1 - b1 ** self.t, 1 - b2 ** self.t) if self.correct else (1.0, 1.0)
            r = (self.m[n] / c1) / ((self.v[n] / c2).sqrt() + self.eps)
            trust = 1.0
            if n != self.excluded:
                r = r + self.decay * w
                if w.norm() > 0 and r.norm() > 0:
                    trust = w.norm() / r.norm()
            w -= self.lr * trust * r


class Lars:
    """You, Gitman, Ginsburg 2017 as SimCLR has it: decay joins the gradient first, the buffer holds the rate."""

    def __init__(self, params, lr, momentum, eta, weight_decay, excluded=None):
        self.params, self.lr, self.momentum, self.eta = params, lr, momentum, eta
        self.decay, self.excluded = weight_decay, excluded
        self.m = {n: torch.zeros_like(p) for n, p in params.items()}

    @torch.no_grad()
    def step(self):
        for n, w in self.params.items():
            g, trust = w.grad, 1.0
            if n != self.excluded:
                g = g + self.decay * w
                if w.norm() > 0 and g.norm() > 0:
                    trust = self.eta * w.norm() / g.norm()
            self.m[n] = self.momentum * self.m[n] + self.lr * trust * g
            w -= self.m[n]


def tensors(generator, scale):
    # Values that f32 holds exactly, so that both types start from the same ones.
    return {n: (torch.randn(s, generator=generator) * scale).tolist() for n, s in SIZES.items()}


def run(kind, options, start, gradients, dtype):
    options = dict(options)
    max_norm = options.pop("max_norm", None)
    params = {n: torch.nn.Parameter(torch.tensor(v, dtype=dtype)) for n, v in start.items()}
    if kind in ("Lamb", "Lars"):
        optimizer = globals()[kind](params, **options)
    else:
        optimizer = getattr(torch.optim, kind)(params.values(), foreach=False, **options)
    out = {"params": {}, "norms": []}
    for step in range(1, STEPS + 1):
        for n, p in params.items():
            p.grad = torch.tensor(gradients[step - 1][n], dtype=dtype)
        if max_norm:
            out["norms"].append(torch.nn.utils.clip_grad_norm_(params.values(), max_norm).item())
        optimizer.step()
        if step in KEPT:
            out["params"][str(step)] = {n: p.tolist() for n, p in params.items()}
    return out


def main():
    generator = torch.Generator().manual_seed(0)
    start = tensors(generator, 1.0)
    gradients = [tensors(generator, 0.3) for _ in range(STEPS)]
    gradients[4]["a.weight"][0] = 0.0
    cases = {}
    for name, (kind, options) in CASES.items():
        cases[name] = {"kind": kind, "options": options,
                       "f32": run(kind, options, start, gradients, torch.float32),
                       "f64": run(kind, options, start, gradients, torch.float64)}
    fixture = {"made_with": {"torch": torch.__version__, "python": platform.python_version()},
               "start": start, "gradients": gradients, "cases": cases}
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


main()
