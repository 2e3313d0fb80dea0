"""Whole training steps beside PyTorch: each in its own process, in turns, and the ratio of the medians.

usage: python bench/versus_pytorch.py --build build/cpu [--threads 2] [--rounds 12] [--out results.json]

Both sides do the same step on the same machine: hide half of the values of a batch of 32x32 pictures, forward, MSE, backward,
Adam. Rounds alternate, so that what else the machine does meets both; a round's first steps warm up and do not count. The
multiply-add peak is measured again between rounds, and a step's limit is its multiply-adds (those of convolutions: the
valid taps alone, as everything else is memory traffic) at that peak. PyTorch's peak of tensor bytes is summed from its
profiler's allocations in one step, with what was alive before. Start-up is from process start to the end of the first step
(lacuna, the whole command on built-in data) and to the end of `import torch` (PyTorch, which has then done nothing yet).
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

TORCH = r'''
import resource, sys, time
import torch, torch.nn as nn
batch, threads = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
layout = torch.channels_last if sys.argv[3] == "channels_last" else torch.contiguous_format
model = nn.Sequential(
    nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.ConvTranspose2d(128, 64, 2, stride=2), nn.ReLU(), nn.ConvTranspose2d(64, 3, 2, stride=2), nn.Sigmoid()).to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.MSELoss()
pixels = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8).to(memory_format=layout)

def step():
    x = pixels.float() / 127.5 - 1
    mask = torch.rand_like(x) > 0.5
    loss = criterion(model(x * mask), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()

def peak_bytes():
    """Largest sum of live allocations in a step, beside parameters, gradients and Adam's moments, which are alive before."""
    alive = sum(4 * p.numel() * 4 for p in model.parameters()) + pixels.numel()
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
'''


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("a benchmark process ended early")
        return answer.split()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def valid_taps(size):
    """Multiply-adds of a 3x3 kernel with padding 1, a pixel: padding is not counted."""
    return ((3 * size - 2) / size) ** 2


def flops(batch):
    """Multiply-adds times two of a step: forward, gradients of weights, and of inputs where they are needed."""
    conv1 = 32 * 32 * valid_taps(32) * 3 * 64
    conv2 = 16 * 16 * valid_taps(16) * 64 * 128
    up1 = 8 * 8 * 4 * 128 * 64
    up2 = 16 * 16 * 4 * 64 * 3
    return 2 * batch * (2 * conv1 + 3 * (conv2 + up1 + up2))


def interleave(ours, theirs, peak, rounds, steps, warm):
    """Steps in turns; the medians of each side, and of the peak."""
    samples, peaks = ([], [], []), []
    for _ in range(rounds):
        peaks.append(float(peak.ask("peak")[0]))
        for side, worker in enumerate([ours] + theirs):
            samples[side].extend(float(t) for t in worker.ask("run %d" % (warm + steps))[warm:])
            time.sleep(0.25)  # OpenMP's threads spin a while after a step; they must not meet the next side's
    return [statistics.median(s) if s else None for s in samples], statistics.median(peaks)


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
    parser.add_argument("--out")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    step = os.path.join(options.build, "bench", "steps", "bench_step")
    rows = []
    for batch, steps in ((64, 4), (4, 25)):
        ours = Worker([step, "autoencoder", str(batch), str(options.threads)])
        theirs = [Worker([sys.executable, "-c", TORCH, str(batch), str(options.threads), layout]) for layout in ("contiguous", "channels_last")]
        version = theirs[0].ask("version")[0]
        medians, peak = interleave(ours, theirs, ours, options.rounds, steps, 2)
        mine, best = medians[0], min(medians[1:])
        tensor, resident = map(int, ours.ask("memory"))
        memories = [tuple(map(int, w.ask("memory"))) for w in theirs]
        limit = flops(batch) / (peak * 1e9) * 1e3
        rows.append({
            "step": "inpainting autoencoder", "batch": batch, "threads": options.threads, "lacuna_ms": mine, "torch_contiguous_ms": medians[1],
            "torch_channels_last_ms": medians[2], "ratio": best / mine, "limit_ms": limit, "share_of_limit": limit / mine, "fma_peak_gflops": peak,
            "lacuna_peak_tensor_bytes": tensor, "torch_peak_tensor_bytes": min(m[0] for m in memories), "lacuna_resident_bytes": resident,
            "torch_resident_bytes": min(m[1] for m in memories)})
        for worker in [ours] + theirs:
            worker.close()
    result = {"torch": version, "machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "rows": rows}
    try:
        with open("/proc/cpuinfo") as f:
            result["machine"] = next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
        result["commit"] = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        result["command"] = "python " + " ".join(a for a in sys.argv)
        result["date"] = time.strftime("%Y-%m-%d")
    except (OSError, StopIteration):
        pass
    lacuna = os.path.join(options.build, "tools", "lacuna")
    if os.path.exists(lacuna):
        first, imported = startup(lacuna, options.threads, 5)
        result["startup"] = {"lacuna_first_step_s": first, "import_torch_s": imported}
    for r in rows:
        print("batch %3d: lacuna %8.3f ms, PyTorch %8.3f (contiguous) %8.3f (channels last): %.2f times as fast; limit %.3f ms, share %.2f; "
              "tensors %.1f against %.1f MB, resident %.0f against %.0f MB" %
              (r["batch"], r["lacuna_ms"], r["torch_contiguous_ms"], r["torch_channels_last_ms"], r["ratio"], r["limit_ms"], r["share_of_limit"],
               r["lacuna_peak_tensor_bytes"] / 1e6, r["torch_peak_tensor_bytes"] / 1e6, r["lacuna_resident_bytes"] / 1e6,
               r["torch_resident_bytes"] / 1e6))
    if "startup" in result:
        print("first step done after %.3f s; `import torch` takes %.3f s" %
              (result["startup"]["lacuna_first_step_s"], result["startup"]["import_torch_s"]))
    if options.out:
        with open(options.out, "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")


if __name__ == "__main__":
    main()
