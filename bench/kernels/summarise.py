"""The figures of lacuna_kernel_bench that are worth keeping, one line a benchmark.

usage: lacuna_kernel_bench --benchmark_out=raw.json --benchmark_out_format=json
       python bench/kernels/summarise.py raw.json [later.json ...] > bench/results/kernels-DATE.json
Later files replace benchmarks of the same name.
"""
import json
import subprocess
import sys

kernels = {}
for path in sys.argv[1:]:
    with open(path) as f:
        raw = json.load(f)
    for r in raw["benchmarks"]:
        unit = "GFLOP/s" if "GFLOP/s" in r else "GB/s"
        if unit in r:
            kernels[r["name"].replace("/manual_time", "")] = {
                "us": round(r["real_time"], 1), unit: round(r[unit], 2),
                "limit": round(r["limit"], 1), "share": round(r["share"], 3)}
with open("/proc/cpuinfo") as f:
    machine = next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
head = {"machine": machine, "cores": raw["context"]["num_cpus"], "date": raw["context"]["date"][:10], "commit": commit,
        "note": "limit: multiply-add peak or copy bandwidth, measured beside each batch of calls; share: median of rate over limit"}
print(json.dumps(head, indent=1)[:-2] + ',\n "kernels": {')
print(",\n".join("  %s: %s" % (json.dumps(n), json.dumps(v)) for n, v in kernels.items()))
print(" }\n}")
