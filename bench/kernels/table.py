"""The table of bench/cpu.md from a results file.

usage: python bench/kernels/table.py bench/results/kernels-DATE.json [PATTERN]
       with the geometric mean beside oneDNN's best of the rows in which the regular expression is found
"""
import json
import re
import sys
from statistics import geometric_mean

with open(sys.argv[1]) as f:
    kernels = json.load(f)["kernels"]
print("| kernel | µs | rate | of the limit | beside oneDNN's best | the others |")
print("|---|---|---|---|---|---|")
beside = {}
for name in dict.fromkeys(n.rsplit("/", 1)[0] for n in kernels):
    ours = kernels.get(name + "/lacuna")
    if not ours:
        continue
    unit = "GFLOP/s" if "GFLOP/s" in ours else "GB/s"
    others = {n.rsplit("/", 1)[1]: r["us"] / ours["us"] for n, r in kernels.items()
              if n.rsplit("/", 1)[0] == name and r is not ours}
    onednn = [r for n, r in others.items() if n.startswith("onednn")]
    if onednn:
        beside[name] = min(onednn)
    rest = ", ".join("%s %.2f" % (n.replace("lacuna_", ""), r) for n, r in others.items() if not n.startswith("onednn"))
    print("| %s | %.0f | %.1f %s | %.2f | %s | %s |" % (
        name.replace("_", " "), ours["us"], ours[unit], unit, ours["share"], "%.2f" % min(onednn) if onednn else "", rest))
for pattern in sys.argv[2:]:
    found = [ratio for name, ratio in beside.items() if re.search(pattern, name)] or [float("nan")]
    print("\nbeside oneDNN's best, geometric mean of %d rows with %s: %.2f" % (len(found), pattern, geometric_mean(found)))
