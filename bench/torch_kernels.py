"""PyTorch's kernels on a GPU, in the cases of lacuna_cuda_bench.

usage: lacuna_cuda_bench --list [--small] > cases.json
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

from torch_cases import OPS, Later

BEYOND_CACHE = 150 << 20
SAMPLES = 51
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f64": torch.float64, "i64": torch.int64, "i32": torch.int32, "u8": torch.uint8}


def make(operand, device):
    shape, dtype = operand["shape"], DTYPES[operand["dtype"]]
    if not dtype.is_floating_point:
        return torch.randint(0, max(operand["limit"], 1), shape, dtype=dtype, device=device)
    return torch.randn(shape, dtype=dtype, device=device)


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


def extra_bytes(call):
    """The most that a call holds at once beside its operands; its results are among it."""
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    call()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


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
    extra = {name: extra_bytes(sets[0][name]) for name in contenders}
    for round_ in range(SAMPLES):
        for name, (run, calls) in contenders.items():
            taken = samples[name]
            if round_ < 7 or sum(taken) * calls < 3:
                taken.append(seconds_of(run, calls))
    timings = []
    for name, taken in samples.items():
        quarter, median, three = statistics.quantiles(taken, n=4)
        timings.append({"name": "PyTorch " + name, "seconds": median, "spread": (three - quarter) / median, "samples": len(taken), "error": -1, "workspace_bytes": extra[name]})
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
    cases.sort(key=lambda c: c["op"] == "matmul" or c["op"].startswith("conv"))  # last: they have rivals of their own in lacuna_cuda_bench
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
        except Exception as e:  # out of memory, say; the others run
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
