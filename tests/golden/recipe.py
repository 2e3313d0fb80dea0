"""Writes recipe.safetensors: twenty steps of the inpainting recipe in PyTorch.

The network, loss and optimizer are the recipe's: batch 4, half of the values hidden by 0, MSE of a sigmoid against the whole
picture on [-1, 1], Adam at 1e-3. Pictures are smooth random colour fields. Everything is in the layouts of this project:
pictures (N, H, W, C), convolutions (out, kh, kw, in), transposed convolutions (in, kh, kw, out).

usage: python recipe.py            (PyTorch and safetensors from PyPI; the versions are in the file's metadata)
"""
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

STEPS, BATCH, PICTURES = 20, 4, 8


def make_model():
    encoder = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    decoder = nn.Sequential(nn.ConvTranspose2d(128, 64, 2, stride=2), nn.ReLU(),
                            nn.ConvTranspose2d(64, 3, 2, stride=2), nn.Sigmoid())
    return nn.ModuleDict({"encoder": encoder, "decoder": decoder})


def ours(name, tensor):
    """PyTorch's layout of a parameter to ours."""
    if tensor.ndim == 4:
        tensor = tensor.permute(0, 2, 3, 1)  # (out, in, ...) and (in, out, ...) alike: the second dimension goes last
    return np.array(tensor.detach().numpy(), order="C")  # a copy: the optimizer changes parameters in place


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    coarse = torch.rand(PICTURES, 3, 5, 5)
    pictures = (F.interpolate(coarse, size=(32, 32), mode="bicubic", align_corners=False).clamp(0, 1) * 255).round().to(torch.uint8)
    model = make_model()
    out = {"pictures": np.ascontiguousarray(pictures.permute(0, 2, 3, 1).numpy())}
    for name, p in model.named_parameters():
        out["weight." + name] = ours(name, p)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses, chosen, masks = [], [], []
    for step in range(STEPS):
        index = torch.randperm(PICTURES)[:BATCH]
        x = (pictures[index].float() / 255 - 0.5) / 0.5
        mask = torch.rand_like(x) > 0.5
        y = model["decoder"](model["encoder"](x * mask))
        loss = F.mse_loss(y, x)
        optimizer.zero_grad()
        loss.backward()
        if step == 0:
            for name, p in model.named_parameters():
                out["grad." + name] = ours(name, p.grad)
        optimizer.step()
        losses.append(loss.item())
        chosen.append(index.numpy())
        masks.append(np.packbits(mask.permute(0, 2, 3, 1).numpy().reshape(-1), bitorder="little"))
    out["losses"] = np.array(losses, dtype=np.float64)
    out["chosen"] = np.stack(chosen).astype(np.int64)
    out["kept_bits"] = np.stack(masks)
    here = os.path.dirname(os.path.abspath(__file__))
    save_file(out, os.path.join(here, "recipe.safetensors"), metadata={"torch": torch.__version__.split("+")[0], "numpy": np.__version__})
    print(losses)


if __name__ == "__main__":
    main()
