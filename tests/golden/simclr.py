"""Writes simclr.safetensors: ResNets of torchvision, and a step of SimCLR on views that are given, in f64.

Networks are too large to be kept, so their weights are a function of name and place that both sides compute (hashed() below), and of
what they give, samples are kept: SAMPLES values of a tensor at evenly spread places, in PyTorch's order, and its largest magnitude.
    small.NAME      resnet18 with the stem for small pictures on (4, 3, 32, 32) views, two of 2 pictures: "features", "evaluated"
                    (features in evaluation, after the step of the running statistics), "loss" (NT-Xent of a 2-layer head, temperature
                    0.5), grad.PARAMETER, sgd.PARAMETER and lars.PARAMETER (what one step adds), running_mean and running_var
    large.NAME      resnet50 with ImageNet's stem on (2, 3, 64, 64): "features", "evaluated", grad.PARAMETER of sum(features * weights)
    rates           of 12 steps: 4 of warm-up and a cosine, by torch.optim.lr_scheduler

usage: python simclr.py            (PyTorch, torchvision and safetensors from PyPI; the versions are in the file's metadata)
"""
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from safetensors.numpy import save_file

SAMPLES = 24
SGD = dict(lr=0.12, momentum=0.9, weight_decay=5e-4)
LARS = dict(lr=0.3, eta=1e-3, weight_decay=1e-4)


def hashed(name, shape):
    """f32 values in [-1, 1): FNV-1a of the name, and the finaliser of MurmurHash3 over the places."""
    salt = 2166136261
    for byte in name.encode():
        salt = (salt ^ byte) * 16777619 % 2**32
    x = np.arange(int(np.prod(shape)), dtype=np.uint32) * np.uint32(2654435761) + np.uint32(salt)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    values = (x >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)
    return torch.from_numpy(values.reshape(shape)).double()


def start(module):
    """Products: uniform, of He's variance. Norms: weights about 1, biases about 0."""
    with torch.no_grad():
        for name, p in module.named_parameters():
            values = hashed(name, tuple(p.shape))
            if p.ndim >= 2:
                scale = np.float32(np.sqrt(np.float32(6 / p[0].numel())))
                values = (values.float() * scale).double()
            elif name.endswith("weight"):
                values = (1 + values.float() * np.float32(0.25)).double()
            else:
                values = (values.float() * np.float32(0.125)).double()
            p.copy_(values)


def sampled(tensor):
    flat = tensor.detach().reshape(-1)
    places = torch.arange(SAMPLES) * flat.numel() // SAMPLES
    return torch.cat([flat[places], flat.abs().max()[None]]).numpy().astype(np.float64)


def resnet(make, small):
    net = make()
    net.fc = nn.Identity()
    if small:
        net.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        net.maxpool = nn.Identity()
    return net


def nt_xent(z, temperature):
    z = F.normalize(z, dim=1)
    scores = z @ z.T / temperature
    scores.fill_diagonal_(float("-inf"))
    return F.cross_entropy(scores, torch.arange(len(z)).roll(len(z) // 2))


class Simclr(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = resnet(torchvision.models.resnet18, True)
        self.projection = nn.Sequential(nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 128))

    def forward(self, views):
        self.features = self.encoder(views)
        return self.projection(self.features)


def lars_step(p, decay):
    """The first step: momentum has nothing yet."""
    g, trust = p.grad, 1.0
    if decay:
        g = g + LARS["weight_decay"] * p
        trust = LARS["eta"] * p.norm() / g.norm()
    return -LARS["lr"] * trust * g


def small(out):
    model = Simclr().double()
    start(model)
    views = (hashed("views", (4, 3, 32, 32)) + 1) / 2
    loss = nt_xent(model(views), 0.5)
    loss.backward()
    out["small.loss"] = np.array([loss.item()])
    out["small.features"] = model.features.detach().numpy()
    for name, b in model.named_buffers():
        if b.ndim:
            out["small." + name] = sampled(b)
    model.encoder.eval()
    with torch.no_grad():
        out["small.evaluated"] = model.encoder(views).numpy()
    groups = [{"params": [p for p in model.parameters() if p.ndim >= 2]},
              {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, **SGD)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for name, p in model.named_parameters():
        out["small.grad." + name] = sampled(p.grad)
        out["small.lars." + name] = sampled(lars_step(p, p.ndim >= 2))
    optimizer.step()
    for name, p in model.named_parameters():
        out["small.sgd." + name] = sampled(p - before[name])


def large(out):
    net = resnet(torchvision.models.resnet50, False).double()
    start(net)
    views = (hashed("views", (2, 3, 64, 64)) + 1) / 2
    features = net(views)
    (features * hashed("weights", tuple(features.shape))).sum().backward()
    out["large.features"] = features.detach().numpy()
    for name, p in net.named_parameters():
        out["large.grad." + name] = sampled(p.grad)
    net.eval()
    with torch.no_grad():
        out["large.evaluated"] = net(views).numpy()


def rates():
    p = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([p], lr=2.0)
    warm, steps, got = 4, 12, []
    schedule = torch.optim.lr_scheduler
    linear = schedule.LinearLR(optimizer, start_factor=1 / (warm + 1), total_iters=warm)
    cosine = schedule.CosineAnnealingLR(optimizer, T_max=steps - warm)
    both = schedule.SequentialLR(optimizer, [linear, cosine], milestones=[warm])
    for _ in range(steps):
        got.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        both.step()
    return np.array(got)


def main():
    torch.set_num_threads(2)
    out = {"rates": rates()}
    small(out)
    large(out)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "simclr.safetensors")
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, path,
              metadata={"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0], "numpy": np.__version__})
    print(path, os.path.getsize(path), "bytes; loss", out["small.loss"], "rates", out["rates"])


if __name__ == "__main__":
    main()
