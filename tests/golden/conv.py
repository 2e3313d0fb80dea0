"""Writes conv.json: convolutions, poolings and embedding by PyTorch in f64, with their gradients, for conv.cpp.

    python tests/golden/conv.py      (made with the versions recorded in the file)

Everything is written in Lacuna's layouts: images (n, h, w, c); convolution (out, kh, kw, in / groups); transposed
convolution (in, kh, kw, out / groups). Inputs are multiples of 1/8, so that both precisions start from the same numbers.
"""
import json
import pathlib
import platform

import torch
import torch.nn.functional as F

NHWC, NCHW = (0, 2, 3, 1), (0, 3, 1, 2)

CONV = {  # x (n, h, w, c), weight (out, kh, kw, in / groups), options of F.conv2d
    "plain": ((2, 5, 6, 3), (4, 3, 3, 3), dict()),
    "cifar": ((1, 8, 8, 3), (4, 3, 3, 3), dict(padding=(1, 1))),
    "stride": ((1, 9, 8, 3), (4, 3, 3, 3), dict(stride=(2, 3), padding=(1, 0))),
    "alexnet": ((1, 19, 15, 1), (2, 11, 11, 1), dict(stride=(4, 4), padding=(2, 2))),
    "dilation": ((1, 9, 10, 2), (3, 3, 3, 2), dict(padding=(2, 1), dilation=(2, 3))),
    "groups": ((1, 5, 6, 4), (6, 3, 3, 2), dict(padding=(1, 1), groups=2)),
    "depthwise": ((1, 6, 5, 4), (8, 3, 2, 1), dict(stride=(1, 2), groups=4)),
}
CONV_TRANSPOSE = {  # x, weight (in, kh, kw, out / groups), options of F.conv_transpose2d
    "plain": ((2, 3, 4, 3), (3, 3, 3, 4), dict()),
    "double": ((1, 4, 5, 3), (3, 3, 3, 2), dict(stride=(2, 2), padding=(1, 1), output_padding=(1, 1))),
    "uneven": ((1, 3, 4, 2), (2, 4, 3, 3), dict(stride=(3, 2), padding=(1, 0), output_padding=(2, 1))),
    "dilation": ((1, 4, 3, 2), (2, 3, 3, 2), dict(stride=(1, 2), padding=(1, 1), dilation=(2, 3),
                                                 output_padding=(1, 2))),
    "groups": ((1, 3, 4, 4), (4, 2, 3, 3), dict(stride=(2, 2), output_padding=(1, 0), groups=2)),
}
POOL = {  # x, options of F.max_pool2d and F.avg_pool2d
    "halves": ((2, 5, 6, 3), dict(kernel_size=(2, 2))),
    "resnet": ((1, 7, 8, 3), dict(kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))),
    "uneven": ((1, 7, 9, 2), dict(kernel_size=(3, 2), stride=(1, 3), padding=(0, 1))),
    "dilation": ((1, 8, 9, 2), dict(kernel_size=(2, 3), stride=(2, 1), padding=(1, 1), dilation=(3, 2))),
    "inside": ((1, 5, 6, 2), dict(kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), count_include_pad=False)),
}


def draw(generator, shape):
    return torch.randint(-8, 9, shape, generator=generator).double() / 8


def distinct(generator, shape):
    n = torch.Size(shape).numel()
    return ((torch.randperm(n, generator=generator) - n // 2).double() / 8).reshape(shape)


def block(t):
    return {"shape": list(t.shape), "values": t.flatten().tolist()}


def differentiate(generator, f, inputs):
    """f over leaves in Lacuna's layout; everything that the C++ side needs to see the same."""
    leaves = [t.requires_grad_() for t in inputs]
    y = f(*leaves)
    dy = draw(generator, y.shape)
    y.backward(dy)
    return {"inputs": [block(t.detach()) for t in leaves], "y": block(y.detach()), "dy": block(dy),
            "gradients": [block(t.grad) for t in leaves]}


def images(f):
    """f in PyTorch's layouts, for a 4-d first input and a 4-d weight in ours."""
    def g(x, *rest):
        weight = [w.permute(NCHW) if w.ndim == 4 else w for w in rest]
        return f(x.permute(NCHW), *weight).permute(NHWC)
    return g


def main():
    generator = torch.Generator().manual_seed(0)
    cases = []

    def add(op, name, options, f, inputs):
        cases.append({"op": op, "name": name, "options": options, **differentiate(generator, f, inputs)})

    for name, (x, weight, options) in CONV.items():
        add("conv2d", name, options, images(lambda x, w, b: F.conv2d(x, w, b, **options)),
            [draw(generator, s) for s in (x, weight, (weight[0],))])
    for name, (x, weight, options) in CONV_TRANSPOSE.items():
        out = weight[3] * options.get("groups", 1)
        add("conv_transpose2d", name, options, images(lambda x, w, b: F.conv_transpose2d(x, w, b, **options)),
            [draw(generator, s) for s in (x, weight, (out,))])
    for name, (x, options) in POOL.items():
        if "count_include_pad" not in options:
            add("max_pool2d", name, options, images(lambda x: F.max_pool2d(x, **options)), [distinct(generator, x)])
        if "dilation" not in options:
            add("avg_pool2d", name, options, images(lambda x: F.avg_pool2d(x, **options)), [distinct(generator, x)])
    add("global_avg_pool", "image", {}, lambda x: F.adaptive_avg_pool2d(x.permute(NCHW), 1).flatten(1),
        [draw(generator, (2, 4, 5, 3))])
    ids = torch.tensor([[3, 0, 6], [3, 3, 1]])
    add("embedding", "repeated", {"ids": block(ids)}, lambda w: F.embedding(ids, w), [draw(generator, (7, 5))])

    fixture = {"made_with": {"torch": torch.__version__, "python": platform.python_version()}, "cases": cases}
    path = pathlib.Path(__file__).with_name("conv.json")
    path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
