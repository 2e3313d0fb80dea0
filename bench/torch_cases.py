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


def conv_bias_residual_relu(s, a):
    x, w, b, r = images(a[0]), images(a[1]), a[3], images(a[4])
    run = lambda x, w, b, r: F.relu(F.conv2d(x, w, b, int(s["stride"]), int(s["padding"])) + r)
    return both(run, x, w, b, r)


def conv_moments(s, a):
    def run(x, w):
        y = F.conv2d(x, w, None, int(s["stride"]), int(s["padding"]))
        variance, mean = torch.var_mean(y.float(), (0, 2, 3), correction=0)
        return y, mean, variance * (y.numel() // y.shape[1])
    return both(run, images(a[0]), images(a[1]))


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
        q, k, v = (t.requires_grad_(backward) for t in a[:3])
        window, causal, empty, dropout = int(s["window"]), bool(s["causal"]), s["empty"], s["dropout"]
        found = {}
        n = k.shape[2]
        lengths = n - torch.arange(q.shape[0], device=q.device) * n // (2 * q.shape[0]) if s["padded"] else None  # length_at()

        def add(name, f):
            def prepare():
                y = f()
                return lambda: torch.autograd.grad(y, (q, k, v), a[6], retain_graph=True)
            found[name] = Later(prepare) if backward else f

        if dropout:
            add("eager", lambda: F.scaled_dot_product_attention(q, k, v, is_causal=causal, dropout_p=dropout))
        if lengths is not None:
            there = (torch.arange(n, device=q.device) < lengths[:, None])[:, None, None, :]
            add("eager", lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=there))
        elif not window and not empty:
            for name, backend in (("cuDNN", SDPBackend.CUDNN_ATTENTION), ("FlashAttention-2", SDPBackend.FLASH_ATTENTION)):
                def run(backend=backend):
                    with sdpa_kernel([backend]):
                        return F.scaled_dot_product_attention(q, k, v, is_causal=causal, dropout_p=dropout)
                add(name, run)
        if q.device.type == "cuda" and (window or empty or lengths is not None):
            from torch.nn.attention.flex_attention import create_block_mask, flex_attention
            shown = torch.rand((n + 63) // 64, (n + 63) // 64, device=q.device) >= empty

            def seen(b, h, i, j):
                if lengths is not None:
                    return j < lengths[b]
                if empty:
                    return shown[i // 64, j // 64]
                return (i >= j) & (i - j < window) if window else i >= j
            batch = None if lengths is None else q.shape[0]
            mask = create_block_mask(seen, batch, None, q.shape[2], n, device=q.device, BLOCK_SIZE=64 if empty else 128)
            flex = torch.compile(flex_attention, dynamic=False)
            add("FlexAttention", lambda: flex(q, k, v, block_mask=mask))
        return found
    return ways


def softmax(s, a):
    return both(lambda x: F.softmax(x, -1), a[1])


def softmax_backward(s, a):
    y, dy = a[1], a[2]
    ways = both(lambda y, dy: y * (dy - (y * dy).sum(-1, keepdim=True)), y, dy)
    ways["eager"] = lambda: torch.ops.aten._softmax_backward_data(dy, y, -1, y.dtype)
    return ways


def sums(s, a):
    dims = [[0], [1], [0, 1]][int(s["over"])]
    return both(lambda x: x.sum(dims, dtype=torch.float32), a[1])


def argmax(s, a):
    return both(lambda x: x.argmax(-1), a[1])


def gelu(s, a):
    return both(F.gelu, a[1])


def dropout(s, a):
    return both(lambda x: F.dropout(x, s["p"]), a[1])


def max_pool2d(s, a):
    x = images(a[1])
    return {"eager": lambda: F.max_pool2d(x, 3, 2, 1, return_indices=True)}


def max_pool2d_backward(s, a):
    x = images(a[1]).requires_grad_()
    return gradients(lambda: F.max_pool2d(x, 3, 2, 1), (x,), images(a[4]))


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


def sizes_of(s):
    return [int(s["size %d" % i]) for i in range(len(s))]


def optimizer(make):
    def ways(s, a):
        parameters = [torch.nn.Parameter(p) for p in a[0].split(sizes_of(s))]
        for p, g in zip(parameters, a[1].split(sizes_of(s))):
            p.grad = g
        return {"fused": make(parameters, a[0].device.type == "cuda").step}
    return ways


def adamw(parameters, cuda):
    return torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.1, fused=cuda, capturable=cuda)


def sgd(parameters, cuda):
    return torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, weight_decay=0.1, fused=cuda)


def global_norm(s, a):
    gradients = a[3].split(sizes_of(s))

    def run():
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        return torch.clamp(1 / (norm + 1e-6), max=1)
    return both(run)


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
    block, kind, device = int(s["block"]), int(s["kind"]), a[3].device  # kinds: those of kernels/mask_image.h

    def within(size, area):  # of rows or columns, one stretch a picture that starts anywhere
        start = torch.rand(n, 1, device=device) * (size - area)
        at = torch.arange(size, device=device)
        return (at >= start) & (at < start + area)

    def chosen():
        if kind == 5:
            aspect = torch.rand(n, 1, device=device) * 1.5 + 0.5
            tall = (h * (s["ratio"] * aspect).sqrt()).clamp(max=h)
            return (within(h, tall)[:, :, None] & within(w, s["ratio"] * h * w / tall)[:, None, :])[..., None].expand(n, h, w, c)
        if kind == 3:
            cells = torch.rand(n, (h + block - 1) // block, (w + block - 1) // block, 1, device=device) < s["ratio"]
            return cells.repeat_interleave(block, 1).repeat_interleave(block, 2)[:, :h, :w].expand(n, h, w, c)
        return (torch.rand(n, h, w, 1 if kind == 2 else c, device=device) < s["ratio"]).expand(n, h, w, c)

    def run(pixels):
        target = pixels * s["scale"] + s["shift"]
        hidden = chosen().to(torch.uint8)
        return target, (target * (1 - hidden)).bfloat16(), hidden
    return both(run, a[3])


def info_nce(backward):
    def ways(s, a):
        rows, columns = (a[i].requires_grad_(backward) for i in (2, 6))
        positive = (torch.arange(rows.shape[0], device=rows.device) + 1) % rows.shape[0]
        loss = lambda x, y: F.cross_entropy((x @ y.t()).float() / s["temperature"], positive, reduction="none")
        if not backward:
            return both(loss, rows, columns)
        return gradients(lambda: loss(rows, columns), (rows, columns), a[4])
    return ways


def nt_xent(backward):
    def ways(s, a):
        rows = a[2].requires_grad_(backward)
        m = rows.shape[0]
        positive = (torch.arange(m, device=rows.device) + m // 2) % m
        own = torch.eye(m, dtype=torch.bool, device=rows.device)

        def loss(x):
            scores = ((x @ x.t()).float() / s["temperature"]).masked_fill(own, float("-inf"))
            return F.cross_entropy(scores, positive, reduction="none")
        if not backward:
            return both(loss, rows)
        return gradients(lambda: loss(rows), (rows,), a[4])
    return ways


OPS = {"matmul": matmul, "conv_forward_bias_relu": conv_bias_relu, "conv_forward_bias_residual_relu": conv_bias_residual_relu,
       "conv_forward_moments": conv_moments, "softmax": softmax, "softmax_backward": softmax_backward, "sum": sums, "argmax": argmax,
       "gelu": gelu, "dropout": dropout, "max_pool2d": max_pool2d, "max_pool2d_backward": max_pool2d_backward, "layer_norm_forward": layer_norm_forward, "layer_norm_backward": layer_norm_backward,
       "embedding_forward": embedding_forward, "embedding_backward": embedding_backward, "adamw": optimizer(adamw), "sgd": optimizer(sgd), "global_norm": global_norm,
       "random_subset": random_subset, "mae_masks": mae_masks, "mask_tokens": mask_tokens, "mask_image": mask_image}
for direction in ("forward", "backward"):
    back = direction == "backward"
    OPS["attention_" + direction] = attention(back)
    OPS["cross_entropy_" + direction] = cross_entropy(back)
    OPS["patch_mse_" + direction] = patch_mse(back)
    OPS["info_nce_" + direction] = info_nce(back)
    OPS["nt_xent_" + direction] = nt_xent(back)
for direction in ("forward", "grad_input", "grad_weight"):
    OPS["conv_" + direction] = convolution(direction, False)
    OPS["conv_transpose_" + direction] = convolution(direction, True)
