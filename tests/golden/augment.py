"""Writes augment.safetensors: each augmentation with fixed parameters, by torchvision.transforms.v2.functional in float64.

A case NAME is NAME.images (N, H, W, C) u8, NAME.views (N, 16) f32 as kernels/augment_image.h has them, and NAME.out
(N, h, w, C) f32. NAME.options holds what is no draw: interpolation (0 bilinear, 1 bicubic), the blur's kernel, the cutout's size
and fill. Resizing is resized_crop with antialias=True, which is torchvision's default.

usage: python augment.py            (torchvision and safetensors from PyPI; the versions are in the file's metadata)
"""
import os

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as F

MODES = [InterpolationMode.BILINEAR, InterpolationMode.BICUBIC]
NAMES = ["top", "left", "height", "width", "flip", "angle", "order", "brightness", "contrast", "saturation", "hue", "grey", "sigma", "solarise", "cut_top",
         "cut_left"]
JITTER = ["brightness", "contrast", "saturation", "hue"]
OUT = {}
rng = np.random.default_rng(5)


def number_of(order):
    """Place of an order among the 24: of the operations left, by their numbers, which comes next; the first digit counts least."""
    left, number, base = list(range(4)), 0, 1
    for k, name in enumerate(order):
        digit = left.index(JITTER.index(name))
        left.pop(digit)
        number, base = number + digit * base, base * (4 - k)
    return number


def picture(height, width, channels):
    """Smooth colours with noise on them."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(rng.uniform(0.2, 0.9) * y + rng.uniform(0.2, 0.9) * x + rng.uniform(0, 6)) for _ in range(channels)]
    return np.clip(127 + 110 * np.stack(waves, -1) + rng.normal(0, 20, (height, width, channels)), 0, 255).astype(np.uint8)


def apply(image, view, size, mode, kernel, cutout, fill):
    x = torch.from_numpy(image).permute(2, 0, 1).double() / 255
    v = {name: float(value) for name, value in zip(NAMES, view)}  # as rounded to f32
    x = F.resized_crop(x, int(v["top"]), int(v["left"]), int(v["height"]), int(v["width"]), list(size), MODES[mode], antialias=True).clamp(0, 1)
    if v["flip"]:
        x = F.horizontal_flip(x)
    if v["angle"]:
        x = F.rotate(x, v["angle"], InterpolationMode.BILINEAR)
    for name in ORDERS[int(v["order"])] if v["order"] >= 0 else ():
        x = getattr(F, "adjust_" + name)(x, v[name]).clamp(0, 1)
    if v["grey"]:
        x = F.rgb_to_grayscale(x, num_output_channels=x.shape[0])
    if v["sigma"]:
        x = F.gaussian_blur(x, [kernel, kernel], [v["sigma"], v["sigma"]])
    if v["solarise"] <= 1:
        x = F.solarize(x, v["solarise"])
    if v["cut_top"] < size[0]:
        top, left = max(int(v["cut_top"]), 0), max(int(v["cut_left"]), 0)
        bottom, right = int(v["cut_top"]) + cutout, int(v["cut_left"]) + cutout
        x = F.erase(x, top, left, min(bottom, size[0]) - top, min(right, size[1]) - left, torch.full((1, 1, 1), fill).double())
    return x.permute(1, 2, 0).numpy()


ORDERS = {}


def case(name, *views, shape=(12, 10), size=(9, 11), channels=3, mode=1, kernel=3, cutout=4, fill=0.0):
    images, rows, out = [], [], []
    for given in views:
        image = picture(*shape, channels)
        order = given.pop("order", None)
        v = {"height": shape[0], "width": shape[1], "order": -1, "brightness": 1, "contrast": 1, "saturation": 1, "solarise": 2, "cut_top": size[0],
             "cut_left": size[1], **given}
        if order is not None:
            v["order"] = number_of(order)
            ORDERS[v["order"]] = order
        row = np.array([v.get(n, 0) for n in NAMES], np.float32)
        images.append(image)
        rows.append(row)
        out.append(apply(image, row, size, mode, kernel, cutout, fill))
    OUT[name + ".images"] = np.stack(images)
    OUT[name + ".views"] = np.stack(rows)
    OUT[name + ".out"] = np.ascontiguousarray(np.stack(out).astype(np.float32))
    OUT[name + ".options"] = np.array([mode, kernel, cutout, fill], np.float64)


def main():
    for mode, name in enumerate(("bilinear", "bicubic")):
        case(name + "_larger", {"top": 2, "left": 3, "height": 6, "width": 5}, {"top": 0, "left": 0, "height": 3, "width": 2}, mode=mode)
        case(name + "_smaller", {"top": 1, "left": 2, "height": 22, "width": 27}, {"left": 5, "height": 9, "width": 25}, shape=(24, 31), size=(5, 7), mode=mode)
    case("flip", {"flip": 1})
    case("rotate", {"angle": 30}, {"angle": -75.5}, {"angle": 180}, {"angle": 3, "flip": 1})
    for name, values in {"brightness": (0.3, 1.7), "contrast": (0.25, 1.9), "saturation": (0.1, 2.5), "hue": (-0.5, -0.13, 0.21, 0.4)}.items():
        case(name, *({name: value, "order": JITTER} for value in values))
    strong = {"brightness": 1.6, "contrast": 1.5, "saturation": 0.4, "hue": 0.17}
    orders = [JITTER, JITTER[::-1], ["contrast", "hue", "brightness", "saturation"], ["saturation", "brightness", "hue", "contrast"]]
    case("jitter", *({**strong, "order": order} for order in orders))
    case("grey", {"grey": 1})
    case("blur", {"sigma": 0.4}, {"sigma": 1.9}, kernel=7)
    case("solarise", {"solarise": 0.3}, {"solarise": 0.75})
    case("cutout", {"cut_top": 2, "cut_left": 3}, {"cut_top": -2, "cut_left": 9}, fill=0.25)
    case("one_channel", {"top": 1, "left": 1, "height": 8, "width": 7, **strong, "order": orders[3], "grey": 1, "sigma": 1.0}, {"flip": 1, "angle": 20},
         channels=1, kernel=5)
    case("all", {"top": 3, "left": 4, "height": 20, "width": 21, "flip": 1, "angle": -12, **strong, "order": orders[2], "sigma": 0.8, "solarise": 0.6,
                 "cut_top": 5, "cut_left": 6}, shape=(25, 28), size=(16, 16), kernel=5)
    here = os.path.dirname(os.path.abspath(__file__))
    versions = {"torch": torch.__version__.split("+")[0], "torchvision": torchvision.__version__.split("+")[0], "numpy": np.__version__}
    save_file(OUT, os.path.join(here, "augment.safetensors"), metadata=versions)


if __name__ == "__main__":
    main()
