"""PyTorch's side of bench/versus_pytorch.py: the steps of bench/steps/models.h, on request.

usage: python torch_step.py autoencoder|gpt|gpt-384|bert-mini|simclr BATCH THREADS contiguous|channels_last
    a line "run N" gives a line with the milliseconds of N steps; "memory" the peak of tensor bytes in a step and the
    resident bytes; "version" PyTorch's version
"""
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

name, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
torch.manual_seed(0)


class Block(nn.Module):
    """A transformer block: norms before, causal (GPT-2), or norms after (BERT)."""

    def __init__(self, width, heads, dropout, causal, bias, eps, gelu):
        super().__init__()
        self.heads, self.dropout, self.causal, self.gelu = heads, dropout, causal, gelu
        self.qkv = nn.Linear(width, 3 * width, bias=bias)
        self.out = nn.Linear(width, width, bias=bias)
        self.up = nn.Linear(width, 4 * width, bias=bias)
        self.down = nn.Linear(4 * width, width, bias=bias)
        self.norm1 = nn.LayerNorm(width, eps=eps, bias=bias)
        self.norm2 = nn.LayerNorm(width, eps=eps, bias=bias)

    def attend(self, x):
        n, s, width = x.shape
        q, k, v = (t.view(n, s, self.heads, -1).transpose(1, 2) for t in self.qkv(x).split(width, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout, is_causal=self.causal)
        return F.dropout(self.out(y.transpose(1, 2).reshape(n, s, width)), self.dropout)

    def mlp(self, x):
        return F.dropout(self.down(F.gelu(self.up(x), approximate=self.gelu)), self.dropout)

    def forward(self, x):
        if self.causal:
            x = x + self.attend(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attend(x))
        return self.norm2(x + self.mlp(x))


def adamw(model, **options):
    """Weight decay of matrices only."""
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    decay = options.pop("weight_decay")
    return torch.optim.AdamW([{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}], **options)


class Autoencoder(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(3, 64, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(64, 128, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),
            nn.ConvTranspose2d(128, 64, 2, stride=2), nn.ReLU(), nn.ConvTranspose2d(64, 3, 2, stride=2), nn.Sigmoid())

    def loss(self, pixels):
        x = pixels.float() / 127.5 - 1
        mask = torch.rand_like(x) > 0.5
        return F.mse_loss(self(x * mask), x)


class Gpt(nn.Module):
    def __init__(self, layers, width, heads, context):
        super().__init__()
        self.token, self.position = nn.Embedding(65, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, 0.0, True, False, 1e-5, "none") for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        for p in self.parameters():
            if p.ndim >= 2:
                nn.init.normal_(p, std=0.02)

    def loss(self, windows):
        x = self.token(windows[:, :-1]) + self.position.weight
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy((self.norm(x) @ self.token.weight.T).flatten(0, 1), windows[:, 1:].flatten())


class BertMini(nn.Module):
    WORDS, WIDTH = 30522, 256

    def __init__(self):
        super().__init__()
        self.token, self.position, self.segment = (nn.Embedding(n, self.WIDTH) for n in (self.WORDS, 512, 2))
        self.norm = nn.LayerNorm(self.WIDTH, eps=1e-12)
        self.blocks = nn.ModuleList(Block(self.WIDTH, 4, 0.1, False, True, 1e-12, "tanh") for _ in range(4))
        self.pooler, self.transform = nn.Linear(self.WIDTH, self.WIDTH), nn.Linear(self.WIDTH, self.WIDTH)
        self.head_norm = nn.LayerNorm(self.WIDTH, eps=1e-12)
        self.nsp = nn.Linear(self.WIDTH, 2)
        for p in self.parameters():
            if p.ndim >= 2:
                nn.init.trunc_normal_(p, std=0.02, a=-0.04, b=0.04)
        self.bias = nn.Parameter(torch.zeros(self.WORDS))

    def loss(self, words, segments, pairs):
        n, s = words.shape
        places = (torch.rand(n, s).topk(round(0.15 * s)).indices + s * torch.arange(n)[:, None]).flatten()
        targets = words.flatten()[places]
        what = torch.rand(len(places))
        other = torch.where(what < 0.9, torch.randint(0, self.WORDS, targets.shape), targets)
        seen = words.flatten().index_put((places,), torch.where(what < 0.8, torch.full_like(targets, 103), other)).view(n, s)
        x = F.dropout(self.norm(self.token(seen) + self.position.weight[:s] + self.segment(segments)), 0.1)
        for block in self.blocks:
            x = block(x)
        hidden = self.head_norm(F.gelu(self.transform(x.flatten(0, 1)[places]), approximate="tanh"))
        scores = F.linear(hidden, self.token.weight, self.bias)
        return F.cross_entropy(scores, targets) + F.cross_entropy(self.nsp(torch.tanh(self.pooler(x[:, 0]))), pairs)


class Simclr(nn.Module):
    def __init__(self):
        super().__init__()
        import torchvision  # nothing else needs it

        self.encoder = torchvision.models.resnet18(zero_init_residual=True)
        self.encoder.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.encoder.maxpool, self.encoder.fc = nn.Identity(), nn.Identity()
        self.projection = nn.Sequential(nn.Linear(512, 1024), nn.ReLU(), nn.Linear(1024, 128))

    def loss(self, views):
        z = F.normalize(self.projection(self.encoder(views)))
        scores = z @ z.T / 0.5
        scores.fill_diagonal_(float("-inf"))
        return F.cross_entropy(scores, torch.arange(len(z)).roll(len(z) // 2))


clip, moments = 1.0, 2
if name == "autoencoder":
    layout = torch.channels_last if sys.argv[4] == "channels_last" else torch.contiguous_format
    model = Autoencoder().to(memory_format=layout)
    optimizer, clip = torch.optim.Adam(model.parameters(), lr=1e-3), None
    data = (torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8).to(memory_format=layout),)
elif name in ("gpt", "gpt-384"):
    context = 64 if name == "gpt" else 256
    model = Gpt(4, 128, 4, context) if name == "gpt" else Gpt(6, 384, 6, context)
    optimizer = adamw(model, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    data = (torch.randint(0, 65, (batch, context + 1)),)
elif name == "bert-mini":
    model = BertMini()
    optimizer = adamw(model, lr=1e-4, eps=1e-6, weight_decay=0.01)
    data = (torch.randint(0, BertMini.WORDS, (batch, 128)), (torch.arange(128) >= 64).long().expand(batch, 128).contiguous(),
            torch.randint(0, 2, (batch,)))
elif name == "simclr":
    layout = torch.channels_last if sys.argv[4] == "channels_last" else torch.contiguous_format
    model = Simclr().to(memory_format=layout)
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    optimizer = torch.optim.SGD([{"params": matrices, "weight_decay": 5e-4}, {"params": vectors}], lr=0.06 * batch / 256, momentum=0.9)
    clip, moments = None, 1
    data = (torch.rand(2 * batch, 3, 32, 32).to(memory_format=layout),)
else:
    sys.exit("usage: torch_step.py autoencoder|gpt|gpt-384|bert-mini|simclr BATCH THREADS contiguous|channels_last")


def step():
    loss = model.loss(*data)
    loss.backward()
    if clip:
        nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def peak_bytes():
    """Largest sum of live allocations in a step, beside parameters and the optimizer's moments, which are alive before."""
    alive = sum((1 + moments) * p.numel() * 4 for p in model.parameters()) + sum(t.numel() * t.element_size() for t in data)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        step()
    total = most = 0
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda e: e.start_ns()):
        if event.name() == "[memory]":
            total += event.nbytes()
            most = max(most, total)
    return alive + most


for line in sys.stdin:
    words = line.split()
    if words[0] == "run":
        times = []
        for _ in range(int(words[1])):
            start = time.perf_counter()
            step()
            times.append(1e3 * (time.perf_counter() - start))
        print(" ".join("%.6f" % t for t in times), flush=True)
    elif words[0] == "memory":
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(peak_bytes(), resident, flush=True)
    elif words[0] == "version":
        print(torch.__version__, flush=True)
