"""PyTorch's kernels on a GPU, in the cases of lacuna_cuda_bench.

usage: lacuna_cuda_bench --list > cases.json
       python bench/torch_kernels.py cases.json --out torch.json [--only OP] [--seconds N]     on a GPU
       python bench/torch_kernels.py cases.json --check                          without one: runs each case once, for small cases
       lacuna_cuda_bench --out FOLDER --torch torch.json                         puts the times beside its own

Measured as lacuna_cuda_bench does it: bf16 or f32 on random normal data, several sets of arrays that together exceed the
second-level cache, CUDA events around as many calls as take about a millisecond (recorded as a CUDA graph where PyTorch can, so
that Python's overhead does not count), 51 rounds in which the ways of a case take turns, medians. A case's ways are eager
PyTorch, torch.compile, and the backends of its attention; one that fails is left out, with a line on the standard error.
Errors against f64 are not looked at here (-1).
"""
import argparse
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

BEYOND_CACHE = 150 << 20
SAMPLES = 51
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "i64": torch.int64, "i32": torch.int32, "u8": torch.uint8}


def make(operand, device):
    shape, dtype = operand["shape"], DTYPES[operand["dtype"]]
    if not dtype.is_floating_point:
        return torch.randint(0, max(operand["limit"], 1), shape, dtype=dtype, device=device)
    return torch.randn(shape, dtype=dtype, device=device)


def images(x):
    """(n, h, w, c) as PyTorch's (n, c, h, w) with the same memory: channels_last."""
    return x.permute(0, 3, 1, 2)


# Each function: a case's settings and arrays to a dict of ways, each a function without arguments. What is prepared
# outside of it is not timed.
def matmul(s, a):
    x, y = (a[0].t() if s["transpose_a"] else a[0]), (a[1].t() if s["transpose_b"] else a[1])
    return {"eager": lambda: torch.mm(x, y, out=a[2])}


def convolution(kind, transposed):
    def ways(s, a):
        stride, padding = [int(s["stride"])] * 2, [int(s["padding"])] * 2
        # The case of a transposed convolution is that of the plain one whose gradient it is: images and results change places.
        x, w, y = images(a[0]), images(a[1]), images(a[2])
        if transposed:
            x, y = y, x
        needs = [kind == "grad_input", kind == "grad_weight", False]
        if kind == "forward":
            return {"cuDNN": lambda: torch.convolution(x, w, None, stride, padding, [1, 1], transposed, [0, 0], 1)}
        return {"cuDNN": lambda: torch.ops.aten.convolution_backward(y, x, w, None, stride, padding, [1, 1], transposed, [0, 0], 1, needs)}
    return ways


def conv_bias_relu(s, a):
    x, w, b = images(a[0]), images(a[1]), a[3]
    run = lambda x, w, b: F.relu(F.conv2d(x, w, b, int(s["stride"]), int(s["padding"])))
    return both(run, x, w, b)


def both(f, *args):
    compiled = torch.compile(f, dynamic=False)
    return {"eager": lambda: f(*args), "compiled": lambda: compiled(*args)}


def gradients(f, inputs, dy):
    """Ways of the backward pass alone: of eager PyTorch, and of the compiled forward pass's."""
    ways = {}
    for name, g in (("eager", f), ("compiled", torch.compile(f, dynamic=False))):
        def prepare(g=g):
            y = g()
            return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)
        ways[name] = Later(prepare)
    return ways


class Later:
    """A way that is prepared by a call which may fail."""

    def __init__(self, prepare):
        self.prepare = prepare


def attention(backward):
    def ways(s, a):
        from torch.nn.attention import SDPBackend, sdpa_kernel
        q, k, v = (t.requires_grad_(backward) for t in a[1:4])
        window, causal, empty = int(s["window"]), bool(s["causal"]), s["empty"]
        found = {}

        def add(name, f):
            def prepare():
                y = f()
                return lambda: torch.autograd.grad(y, (q, k, v), a[6], retain_graph=True)
            found[name] = Later(prepare) if backward else f

        if not window and not empty:
            for name, backend in (("cuDNN", SDPBackend.CUDNN_ATTENTION), ("FlashAttention-2", SDPBackend.FLASH_ATTENTION)):
                def run(backend=backend):
                    with sdpa_kernel([backend]):
                        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
                add(name, run)
        if q.device.type == "cuda" and (window or empty):
            from torch.nn.attention.flex_attention import create_block_mask, flex_attention
            n = q.shape[2]
            shown = torch.rand((n + 63) // 64, (n + 63) // 64, device=q.device) >= empty

            def seen(b, h, i, j):
                if empty:
                    return shown[i // 64, j // 64]
                return (i >= j) & (i - j < window) if window else i >= j
            mask = create_block_mask(seen, None, None, n, n, device=q.device, BLOCK_SIZE=64 if empty else 128)
            flex = torch.compile(flex_attention, dynamic=False)
            add("FlexAttention", lambda: flex(q, k, v, block_mask=mask))
        return found
    return ways


def softmax(s, a):
    return both(lambda x: F.softmax(x, -1), a[1])


def gelu(s, a):
    return both(F.gelu, a[1])


def dropout(s, a):
    return both(lambda x: F.dropout(x, s["p"]), a[1])


def max_pool2d(s, a):
    x = images(a[1])
    return {"eager": lambda: F.max_pool2d(x, 3, 2, 1, return_indices=True)}


def layer_norm_forward(s, a):
    gamma, beta = a[3].to(a[2].dtype), a[4].to(a[2].dtype)
    return both(lambda x: F.layer_norm(x, x.shape[-1:], gamma, beta), a[2])


def layer_norm_backward(s, a):
    x, dy = a[4].requires_grad_(), a[3]
    gamma, beta = a[6].to(x.dtype).requires_grad_(), a[1].to(x.dtype).requires_grad_()
    return gradients(lambda: F.layer_norm(x, x.shape[-1:], gamma, beta), (x, gamma, beta), dy)


def cross_entropy(backward):
    def ways(s, a):
        logits, targets = a[3].requires_grad_(backward), a[4]
        loss = lambda x: F.cross_entropy(x, targets)
        return gradients(lambda: loss(logits), (logits,), None) if backward else both(loss, logits)
    return ways


def embedding_forward(s, a):
    return both(lambda w: F.embedding(a[2], w), a[1])


def embedding_backward(s, a):
    w = a[0].requires_grad_()
    return {"eager": Later(lambda: (lambda y: lambda: torch.autograd.grad(y, (w,), a[1], retain_graph=True))(F.embedding(a[2], w)))}


def adamw(s, a):
    sizes = [int(s["size %d" % i]) for i in range(len(s))]
    parameters = [torch.nn.Parameter(p) for p in a[0].split(sizes)]
    for p, g in zip(parameters, a[1].split(sizes)):
        p.grad = g
    fused = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.1, fused=a[0].device.type == "cuda", capturable=a[0].device.type == "cuda")
    return {"fused": fused.step}


def random_subset(s, a):
    n, length, count = a[1].shape[0], a[1].shape[1], int(s["count"])

    def run(noise=None):
        order = torch.argsort(torch.rand(n, length, device=a[1].device), dim=1)
        places = torch.argsort(order, dim=1)
        return order[:, :count], places, places >= count
    return both(run)


def mae_masks(s, a):
    x, fill, count = a[1], a[3], int(s["count"])
    n, length, d = x.shape

    def run(x):
        order = torch.argsort(torch.rand(n, length, device=x.device), dim=1)
        places = torch.argsort(order, dim=1)
        kept = torch.gather(x, 1, order[:, :count, None].expand(-1, -1, d))
        whole = torch.cat([kept, fill.expand(n, length - count, d)], 1)
        return torch.gather(whole, 1, places[:, :, None].expand(-1, -1, d)), places >= count
    return both(run, x)


def patch_loss(prediction, target, hidden):
    variance, mean = torch.var_mean(target.float(), -1, keepdim=True)
    t = (target.float() - mean) * torch.rsqrt(variance + 1e-6)
    return ((prediction.float() - t).square().mean(-1) * hidden).sum() / hidden.sum()


def patch_mse(backward):
    def ways(s, a):
        prediction, target, hidden = a[3].requires_grad_(backward), a[4], a[6]
        if not backward:
            return both(patch_loss, prediction, target, hidden)
        return gradients(lambda: patch_loss(prediction, target, hidden), (prediction,), None)
    return ways


def mask_tokens(s, a):
    def run(tokens):
        chosen = torch.rand(tokens.shape, device=tokens.device) < s["p"]
        what = torch.rand(tokens.shape, device=tokens.device)
        other = torch.randint(0, int(s["vocabulary"]), tokens.shape, device=tokens.device)
        masked = torch.where(what < 0.8, int(s["mask_id"]), torch.where(what < 0.9, other, tokens))
        return torch.where(chosen, masked, tokens), torch.where(chosen, tokens, -100)
    return both(run, a[2])


def mask_image(s, a):
    n, h, w, c = a[3].shape
    block = int(s["block"])

    def run(pixels):
        target = pixels * s["scale"] + s["shift"]
        if block:
            cells = torch.rand(n, (h + block - 1) // block, (w + block - 1) // block, 1, device=pixels.device) < s["ratio"]
            hidden = cells.repeat_interleave(block, 1).repeat_interleave(block, 2)[:, :h, :w].expand(n, h, w, c).to(torch.uint8)
        else:
            hidden = (torch.rand(pixels.shape, device=pixels.device) < s["ratio"]).to(torch.uint8)
        return target, (target * (1 - hidden)).bfloat16(), hidden
    return both(run, a[3])


def info_nce(backward):
    def ways(s, a):
        rows, columns = (t.requires_grad_(backward) for t in a[2:4])
        positive = (torch.arange(rows.shape[0], device=rows.device) + 1) % rows.shape[0]
        loss = lambda x, y: F.cross_entropy((x @ y.t()).float() / s["temperature"], positive, reduction="none")
        if not backward:
            return both(loss, rows, columns)
        return gradients(lambda: loss(rows, columns), (rows, columns), a[5])
    return ways


OPS = {"matmul": matmul, "conv_forward_bias_relu": conv_bias_relu, "softmax": softmax, "gelu": gelu, "dropout": dropout,
       "max_pool2d": max_pool2d, "layer_norm_forward": layer_norm_forward, "layer_norm_backward": layer_norm_backward,
       "embedding_forward": embedding_forward, "embedding_backward": embedding_backward, "adamw": adamw,
       "random_subset": random_subset, "mae_masks": mae_masks, "mask_tokens": mask_tokens, "mask_image": mask_image}
for direction in ("forward", "backward"):
    back = direction == "backward"
    OPS["attention_" + direction] = attention(back)
    OPS["cross_entropy_" + direction] = cross_entropy(back)
    OPS["patch_mse_" + direction] = patch_mse(back)
    OPS["info_nce_" + direction] = info_nce(back)
for direction in ("forward", "grad_input", "grad_weight"):
    OPS["conv_" + direction] = convolution(direction, False)
    OPS["conv_transpose_" + direction] = convolution(direction, True)


def ways_of(case, device):
    """The ways that work, each ready to be timed."""
    arrays = [make(o, device) for o in case["operands"]]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = case["tf32"]
    ready = {}
    for name, way in OPS[case["op"]](case["settings"], arrays).items():
        try:
            ready[name] = way.prepare() if isinstance(way, Later) else way
            ready[name]()
        except Exception as e:  # a backend that does not take this case, say
            ready.pop(name, None)
            print("%s, %s: %s" % (case["name"], name, str(e).split("\n")[0]), file=sys.stderr)
    return ready


def recorded(calls):
    """All the calls as one CUDA graph, or one after the other where they cannot be recorded."""
    def plain():
        for call in calls:
            call()
    try:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=torch.cuda.current_stream()):
            plain()
        graph.replay()
        torch.cuda.synchronize()
        return graph.replay
    except Exception:
        torch.cuda.synchronize()
        return plain


def seconds_of(run, calls):
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    run()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3 / calls


def measure(case):
    count = int(min(max(BEYOND_CACHE // max(int(case["bytes"]), 1) + 1, 1), 8))
    sets = [ways_of(case, "cuda") for _ in range(count)]
    contenders = {}
    for name in sets[0]:
        if not all(name in s for s in sets):
            continue
        calls = [s[name] for s in sets]
        once = max(seconds_of(call, 1) for call in calls)
        launches = max(1, min(50, round(1e-3 / max(once, 1e-7))))
        contenders[name] = recorded([calls[i % count] for i in range(launches)]), launches
    samples = {name: [] for name in contenders}
    for name, (run, calls) in contenders.items():
        seconds_of(run, calls)  # warms up
    for round_ in range(SAMPLES):
        for name, (run, calls) in contenders.items():
            taken = samples[name]
            if round_ < 7 or sum(taken) * calls < 3:
                taken.append(seconds_of(run, calls))
    timings = []
    for name, taken in samples.items():
        quarter, median, three = statistics.quantiles(taken, n=4)
        timings.append({"name": "PyTorch " + name, "seconds": median, "spread": (three - quarter) / median, "samples": len(taken), "error": -1})
    return timings


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases")
    parser.add_argument("--out")
    parser.add_argument("--only", help="one op")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="no case is begun after so many")
    options = parser.parse_args()
    if not options.check and not torch.cuda.is_available():
        raise SystemExit("torch_kernels.py: PyTorch %s finds no GPU" % torch.__version__)
    if not options.check and not options.out:
        parser.error("--out is missing")
    with open(options.cases) as f:
        cases = [c for c in json.load(f) if c["op"] and options.only in (None, c["op"])]
    unknown = sorted({c["op"] for c in cases} - set(OPS))
    if unknown:
        raise SystemExit("torch_kernels.py: nothing computes " + ", ".join(unknown))
    torch.backends.cudnn.benchmark = True
    if options.check:
        torch.compile = lambda f, **_: f  # what is checked is what is computed
        idle = [c["name"] for c in cases if not ways_of(c, "cpu") and not (c["settings"].get("window") or c["settings"].get("empty"))]
        print("%d of %d cases run" % (len(cases) - len(idle), len(cases)))
        raise SystemExit(1 if idle else 0)
    torch.cuda.set_stream(torch.cuda.Stream())  # the default one cannot be recorded
    results, start = [], time.monotonic()
    for done, case in enumerate(cases):
        if time.monotonic() - start > options.seconds:
            print("no time for %d of %d cases, from %s on" % (len(cases) - done, len(cases), case["name"]), file=sys.stderr)
            break
        try:
            timings = measure(case)
        except torch.cuda.OutOfMemoryError as e:
            print("%s: %s" % (case["name"], str(e).split("\n")[0]), file=sys.stderr)
            timings = []
        torch._dynamo.reset()
        torch.cuda.empty_cache()
        results.append({"name": case["name"], "timings": timings})
        print("%s: %s" % (case["name"], ", ".join("%s %.1f us" % (t["name"], 1e6 * t["seconds"]) for t in timings)), flush=True)
        with open(options.out, "w") as f:  # each time: a run that is cut short leaves what it has
            json.dump({"torch": torch.__version__, "results": results}, f, indent=1)


if __name__ == "__main__":
    main()
