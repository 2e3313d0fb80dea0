"""Whole training steps beside PyTorch: each in its own process, in turns, and the ratio of the medians.

usage: python bench/versus_pytorch.py --build build/cpu [--threads 2] [--rounds 12] [--only gpt] [--out results.json]

Both sides do the same steps on the same machine: the inpainting autoencoder, a GPT in nanoGPT's setting for a processor and
its larger one, BERT-Mini, and SimCLR's ResNet-18 on two views of each picture, which are given (bench/steps/models.h says what
they are; bench/torch_step.py are PyTorch's). Rounds alternate, so that what else the machine does meets both; a round's first
steps warm up and do not count. The multiply-add peak is measured again between rounds, and a step's limit is its multiply-adds
(those of convolutions, the valid taps alone, and of matrix products; everything else is memory traffic) at that peak. PyTorch's
peak of tensor bytes is summed from its profiler's allocations in one step, with the parameters and moments that are alive
before; gradients are let go at the end of a step on both sides. Start-up is from process start to the end of the first step
(lacuna, the whole command on built-in data) and to the end of `import torch` (PyTorch, which has then done nothing yet).
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from sides import Side, machine, save

TORCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch_step.py")


def valid_taps(size):
    """Multiply-adds of a 3x3 kernel with padding 1, a pixel: padding is not counted."""
    return ((3 * size - 2) / size) ** 2


def autoencoder_flops(batch):
    """Multiply-adds times two of a step: forward, gradients of weights, and of inputs where they are needed."""
    conv1 = 32 * 32 * valid_taps(32) * 3 * 64
    conv2 = 16 * 16 * valid_taps(16) * 64 * 128
    up1 = 8 * 8 * 4 * 128 * 64
    up2 = 16 * 16 * 4 * 64 * 3
    return 2 * batch * (2 * conv1 + 3 * (conv2 + up1 + up2))


def transformer_flops(layers, width, tokens, pairs):
    """Of a sample: the blocks' products, and the scores of so many pairs of positions and their use (7 products a step, in all)."""
    return 2 * layers * (3 * 12 * width * width * tokens + 7 * width * pairs)


def gpt_flops(layers, width, tokens):
    return lambda batch: batch * (transformer_flops(layers, width, tokens, tokens * (tokens + 1) / 2) + 3 * 2 * tokens * width * 65)


def bert_flops(batch):
    hidden = 19  # tokens of a row: round(0.15 * 128)
    heads = 256 * hidden * (256 + 30522) + 256 * 256
    return batch * (transformer_flops(4, 256, 128, 128 * 128) + 3 * 2 * heads)


def simclr_flops(batch):
    """Of two views a sample: ResNet-18 with the stem for small pictures, and a head of 512, 1024, 128."""
    stem = 32 * 32 * valid_taps(32) * 3 * 64
    once, side, width = 4 * 32 * 32 * valid_taps(32) * 64 * 64, 32, 64
    for _ in range(3):
        side, narrow, width = side // 2, width, 2 * width
        halving = ((3 * side - 1) / side) ** 2  # a 3x3 kernel of stride 2 and padding 1 leaves the picture on two edges
        once += side * side * ((halving + 1) * narrow * width + 3 * valid_taps(side) * width * width)
    once += 512 * 1024 + 1024 * 128 + 2 * batch * 128
    return 2 * 2 * batch * (2 * stem + 3 * once)


# Name for people and for both programs, batch, steps a round, PyTorch's layouts, flops.
STEPS = (
    ("inpainting autoencoder", "autoencoder", 64, 4, ("contiguous", "channels_last"), autoencoder_flops),
    ("inpainting autoencoder", "autoencoder", 4, 25, ("contiguous", "channels_last"), autoencoder_flops),
    ("GPT, 4 layers of 128, 64 tokens", "gpt", 12, 12, ("contiguous",), gpt_flops(4, 128, 64)),
    ("GPT, 6 layers of 384, 256 tokens", "gpt-384", 8, 2, ("contiguous",), gpt_flops(6, 384, 256)),
    ("BERT-Mini, 128 tokens", "bert-mini", 8, 3, ("contiguous",), bert_flops),
    ("SimCLR, ResNet-18, two views", "simclr", 32, 3, ("contiguous", "channels_last"), simclr_flops),
)


def interleave(ours, theirs, peak, rounds, steps, warm):
    """Steps in turns; the medians of each side, and of the peak."""
    samples, peaks = [[] for _ in range(1 + len(theirs))], []
    for _ in range(rounds):
        peaks.append(float(peak.ask("peak")[0]))
        for side, worker in enumerate([ours] + theirs):
            samples[side].extend(float(t) for t in worker.ask("run %d" % (warm + steps))[warm:])
            time.sleep(0.25)  # OpenMP's threads spin a while after a step; they must not meet the next side's
    return [statistics.median(s) for s in samples], statistics.median(peaks)


def startup(lacuna, threads, rounds):
    first, imported = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            subprocess.run([lacuna, "train", "inpainting", "--data", "shapes", "--steps", "1", "--threads", str(threads), "--quiet",
                            "--out", os.path.join(folder, "run")], check=True)
            first.append(time.perf_counter() - start)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        imported.append(time.perf_counter() - start)
    return statistics.median(first), statistics.median(imported)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", choices=sorted({s[1] for s in STEPS}))
    parser.add_argument("--out")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    step = os.path.join(options.build, "bench", "steps", "bench_step")
    rows = []
    for title, name, batch, steps, layouts, flops in STEPS:
        if options.only and name != options.only:
            continue
        ours = Side([step, name, str(batch), str(options.threads)])
        theirs = [Side([sys.executable, TORCH, name, str(batch), str(options.threads), layout]) for layout in layouts]
        version = theirs[0].ask("version")[0]
        medians, peak = interleave(ours, theirs, ours, options.rounds, steps, 2)
        mine, best = medians[0], min(medians[1:])
        tensor, resident = map(int, ours.ask("memory"))
        memories = [tuple(map(int, w.ask("memory"))) for w in theirs]
        limit = flops(batch) / (peak * 1e9) * 1e3
        row = {"step": title, "batch": batch, "threads": options.threads, "lacuna_ms": mine}
        row.update({"torch_%s_ms" % layout: ms for layout, ms in zip(layouts, medians[1:])})
        row.update({
            "ratio": best / mine, "limit_ms": limit, "share_of_limit": limit / mine, "fma_peak_gflops": peak,
            "lacuna_peak_tensor_bytes": tensor, "torch_peak_tensor_bytes": min(m[0] for m in memories), "lacuna_resident_bytes": resident,
            "torch_resident_bytes": min(m[1] for m in memories)})
        rows.append(row)
        for worker in [ours] + theirs:
            worker.close()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    result = {"torch": version, "machine": machine(), "cores": os.cpu_count(), "rows": rows, "commit": commit,
              "command": "python " + " ".join(sys.argv), "date": time.strftime("%Y-%m-%d")}
    lacuna = os.path.join(options.build, "tools", "lacuna")
    if os.path.exists(lacuna) and not options.only:
        first, imported = startup(lacuna, options.threads, 5)
        result["startup"] = {"lacuna_first_step_s": first, "import_torch_s": imported}
    for r in rows:
        torch_ms = ", ".join("%.3f (%s)" % (r[key], key[6:-3].replace("_", " ")) for key in r if key.startswith("torch_") and key.endswith("_ms"))
        print("%s, batch %d: lacuna %.3f ms, PyTorch %s: %.2f times as fast; limit %.3f ms, share %.2f; "
              "tensors %.1f against %.1f MB, resident %.0f against %.0f MB" %
              (r["step"], r["batch"], r["lacuna_ms"], torch_ms, r["ratio"], r["limit_ms"], r["share_of_limit"],
               r["lacuna_peak_tensor_bytes"] / 1e6, r["torch_peak_tensor_bytes"] / 1e6, r["lacuna_resident_bytes"] / 1e6,
               r["torch_resident_bytes"] / 1e6))
    if "startup" in result:
        print("first step done after %.3f s; `import torch` takes %.3f s" %
              (result["startup"]["lacuna_first_step_s"], result["startup"]["import_torch_s"]))
    if options.out:
        save(options.out, result)


if __name__ == "__main__":
    main()
