"""Writes bert.safetensors: a tiny random BertForPreTraining of transformers, its scores, losses and gradients, and how BERT's
optimizer changes it.

weight.NAME, grad.NAME and after.NAME, as transformers names them (without the tied decoder); tokens, segments, lengths, labels
(-100: not predicted), pairs (next-sentence labels), mlm_logits, nsp_logits. `after` is what STEPS steps on one batch leave: AdamW of BERT's authors (no bias correction, eps 1e-6, decay 0.01 of matrices, clip 1), whose rate rises for WARMUP
steps and then falls to 0 at TOTAL; `rates` and `losses` are those of the steps. Dropout is 0, gelu the exact one.

usage: python bert.py              (PyTorch, transformers and safetensors from PyPI; versions are in the file's metadata)
"""
import os

import torch
import transformers
from safetensors.torch import save_file
from transformers import BertConfig, BertForPreTraining

STEPS, WARMUP, TOTAL, RATE = 6, 3, 8, 1e-3


def rate(step):
    """(step + 1) / (WARMUP + 1) of RATE during warm-up, then linearly to 0 at TOTAL."""
    if step < WARMUP:
        return RATE * (step + 1) / (WARMUP + 1)
    return RATE * (1 - (step - WARMUP) / (TOTAL - WARMUP))


class BertAdam:
    """google-research/bert's AdamWeightDecayOptimizer, from its formulas."""

    def __init__(self, named):
        self.state = [(p, torch.zeros_like(p), torch.zeros_like(p), 0.01 if p.ndim >= 2 else 0.0) for _, p in named]

    @torch.no_grad()
    def step(self, lr):
        torch.nn.utils.clip_grad_norm_([p for p, *_ in self.state], 1.0)
        for p, m, v, decay in self.state:
            m.mul_(0.9).add_(p.grad, alpha=0.1)
            v.mul_(0.999).addcmul_(p.grad, p.grad, value=0.001)
            p.sub_(lr * (m / (v.sqrt() + 1e-6) + decay * p))


def main():
    torch.manual_seed(4)
    torch.set_num_threads(1)
    config = BertConfig(vocab_size=31, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
                        max_position_embeddings=14, hidden_dropout_prob=0, attention_probs_dropout_prob=0, hidden_act="gelu")
    config._attn_implementation = "eager"
    model = BertForPreTraining(config)
    with torch.no_grad():
        for p in model.parameters():  # biases and norms that do something
            p.add_(0.1 * torch.randn_like(p))
    n, s = 3, 12
    tokens = torch.randint(1, config.vocab_size, (n, s))  # 0 is padding there, whose vector does not learn from being read
    lengths = torch.tensor([12, 7, 10])
    segments = torch.tensor([[0] * 5 + [1] * 7, [0] * 3 + [1] * 4 + [0] * 5, [0] * 10 + [0] * 2])
    seen = (torch.arange(s)[None] < lengths[:, None]).long()
    labels = torch.full((n, s), -100)
    for row, place in ((0, 2), (0, 9), (1, 1), (1, 6), (2, 8)):
        labels[row, place] = torch.randint(0, config.vocab_size, ())
    pairs = torch.tensor([0, 1, 1])
    named = [(name, p) for name, p in model.named_parameters()]
    out = {"tokens": tokens, "lengths": lengths, "segments": segments, "labels": labels, "pairs": pairs}
    out.update({"weight." + name: p.detach().clone() for name, p in named})

    def forward():
        return model(tokens, attention_mask=seen, token_type_ids=segments, labels=labels, next_sentence_label=pairs)

    optimizer, losses = BertAdam(named), []
    for step in range(STEPS):
        result = forward()
        model.zero_grad()
        result.loss.backward()
        if step == 0:
            out.update({"mlm_logits": result.prediction_logits.detach().clone(), "nsp_logits": result.seq_relationship_logits.detach().clone()})
            out.update({"grad." + name: p.grad.clone() for name, p in named})
        losses.append(result.loss.item())
        optimizer.step(rate(step))
    out.update({"after." + name: p.detach().clone() for name, p in named})
    out["losses"] = torch.tensor(losses, dtype=torch.float64)
    out["rates"] = torch.tensor([rate(step) for step in range(STEPS)], dtype=torch.float64)
    save_file({name: t.contiguous() for name, t in out.items()}, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bert.safetensors"),
              metadata={"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__})
    print(losses, len(named), [name for name, _ in named][-8:])


if __name__ == "__main__":
    main()
