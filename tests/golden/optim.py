"""Writes optim.json: ten steps of each optimizer by torch.optim, for tests/nn/optim.cpp.

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
}


def tensors(generator, scale):
    # Values that f32 holds exactly, so that both types start from the same ones.
    return {n: (torch.randn(s, generator=generator) * scale).tolist() for n, s in SIZES.items()}


def run(kind, options, start, gradients, dtype):
    options = dict(options)
    max_norm = options.pop("max_norm", None)
    params = {n: torch.nn.Parameter(torch.tensor(v, dtype=dtype)) for n, v in start.items()}
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
