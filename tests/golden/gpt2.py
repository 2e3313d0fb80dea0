"""Writes gpt2.safetensors: a tiny random GPT2LMHeadModel of transformers, its logits, its loss and every gradient.

weight.NAME and grad.NAME, as transformers names them (without the tied lm_head); tokens, logits, loss. Dropout is 0, the rest
as GPT-2 has it.

usage: python gpt2.py              (PyTorch, transformers and safetensors from PyPI; versions are in the file's metadata)
"""
import os

import torch
import transformers
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    config = GPT2Config(vocab_size=37, n_positions=12, n_embd=24, n_layer=2, n_head=3, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    config._attn_implementation = "eager"
    model = GPT2LMHeadModel(config)
    with torch.no_grad():
        for p in model.parameters():  # biases and norms that do something
            p.add_(0.1 * torch.randn_like(p))
    tokens = torch.randint(0, config.vocab_size, (3, 12))
    names = [n for n, _ in model.named_parameters() if n != "lm_head.weight"]
    weights = dict(model.named_parameters())
    out = {"weight." + n: weights[n].detach().clone() for n in names}
    result = model(tokens, labels=tokens)
    result.loss.backward()
    out.update({"tokens": tokens, "logits": result.logits.detach().clone(), "loss": result.loss.detach().clone()})
    out.update({"grad." + n: weights[n].grad.clone() for n in names})
    save_file({n: t.contiguous() for n, t in out.items()}, os.path.join(os.path.dirname(os.path.abspath(__file__)), "gpt2.safetensors"),
              metadata={"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__})
    print(result.loss.item(), len(names))


if __name__ == "__main__":
    main()
