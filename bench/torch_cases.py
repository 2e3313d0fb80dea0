"""What the cases of lacuna_cuda_bench are in PyTorch (see torch_kernels.py)."""
import torch
import torch.nn.functional as F


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
