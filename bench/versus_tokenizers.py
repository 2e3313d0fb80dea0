"""Encoding beside Hugging Face's `tokenizers`: each in its own process, in turns, and the ratio of the medians.

usage: python bench/versus_tokenizers.py --build build/cpu --tokenizer hf:tokenizer.json... --text FILE [--threads 2] [--rounds 9]

Both sides read the same tokenizer.json (`lacuna` writes one: to_json()) and encode the lines of the same text, each a sequence
of its own, on as many threads: "ids" is encode_batch_fast (no offsets) against append_ids, "tokens" is encode_batch against
encode, with offsets. Whether the ids are the same is checked first. Milliseconds by the clock, and those that all threads of
the process used of a cpu, which a machine with other work to do disturbs less. The first round warms up and does not count.
"""
import argparse
import os
import statistics
import sys
from importlib.metadata import version

from sides import Side, machine, save

THEIRS = r'''
import os, sys, time
from tokenizers import Tokenizer
tokenizer = Tokenizer.from_file(sys.argv[1])
tokenizer.no_padding(); tokenizer.no_truncation()
lines = open(sys.argv[2], encoding="utf-8", newline="\n").read().split("\n")
if lines[-1] == "":
    lines.pop()
for line in sys.stdin:
    encode = tokenizer.encode_batch_fast if line.strip() == "ids" else tokenizer.encode_batch
    start, used = time.perf_counter(), time.process_time()
    out = encode(lines, add_special_tokens=False)
    ms, cpu = 1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - used)
    print("%.3f %.3f %d" % (ms, cpu, sum(len(e) for e in out)), flush=True)
'''


def compare(o, spec):
    ours = Side([os.path.join(o.build, "bench", "text", "bench_tokenize"), spec, o.text, str(o.threads)])
    theirs = Side([sys.executable, "-c", THEIRS, spec.split(":", 1)[1], o.text], RAYON_NUM_THREADS=str(o.threads), TOKENIZERS_PARALLELISM="true")
    megabytes = os.path.getsize(o.text) / 1e6
    rows = []
    for mode in ("ids", "tokens"):
        samples = [[], []]
        for r in range(o.rounds + 1):
            for side, worker in enumerate((ours, theirs)):
                sample = [float(x) for x in worker.ask(mode)]
                if r > 0:
                    samples[side].append(sample)
        counts = {s[2] for side in samples for s in side}
        if len(counts) != 1:
            raise SystemExit("the two sides do not give as many tokens: %s" % sorted(counts))
        clock = [statistics.median(s[0] for s in side) for side in samples]
        cpu = [statistics.median(s[1] for s in side) for side in samples]
        row = {"tokenizer": spec, "mode": mode, "tokens": int(counts.pop()), "threads": o.threads, "lacuna_ms": clock[0], "theirs_ms": clock[1],
               "lacuna_cpu_ms": cpu[0], "theirs_cpu_ms": cpu[1], "ratio": clock[1] / clock[0], "cpu_ratio": cpu[1] / cpu[0],
               "lacuna_mb_per_s": 1e3 * megabytes / clock[0]}
        rows.append(row)
        print("%s %-6s %d tokens, %d threads: lacuna %.2f ms (%.1f MB/s), tokenizers %.2f ms: %.1f times as fast; of a cpu %.2f against %.2f ms, %.1f times"
              % (spec, mode, row["tokens"], o.threads, clock[0], row["lacuna_mb_per_s"], clock[1], row["ratio"], *cpu, row["cpu_ratio"]), flush=True)
    ours.close()
    theirs.close()
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--tokenizer", required=True, nargs="+", help="hf:tokenizer.json")
    parser.add_argument("--text", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out")
    o = parser.parse_args()
    rows = [row for spec in o.tokenizer for row in compare(o, spec)]
    if o.out:
        save(o.out, {"command": "python " + " ".join(sys.argv), "machine": machine(), "tokenizers": version("tokenizers"), "rows": rows})


if __name__ == "__main__":
    main()
