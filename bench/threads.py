"""Training steps with one thread and with two: the ratio of the medians, beside that of the multiply-add peak.

usage: python bench/threads.py --build build/cpu [--rounds 4]

A process with one thread and one with two take turns; the peak is measured again in each after every round. What a machine's two
cores share (clock, caches, other guests) shows in the peak, too.
"""
import argparse
import os
import statistics

from sides import Side

STEPS = (("autoencoder", 64, 12), ("gpt", 12, 20), ("gpt-384", 8, 1), ("bert-mini", 8, 4), ("simclr", 32, 1))  # steps a round


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=4)
    o = parser.parse_args()
    for name, batch, steps in STEPS:
        sides = [Side([os.path.join(o.build, "bench", "steps", "bench_step"), name, str(batch), threads]) for threads in "12"]
        times, peaks = [[], []], [[], []]
        for r in range(o.rounds):
            for i, side in enumerate(sides):
                sample = [float(ms) for ms in side.ask("run %d" % (1 + steps))[1:]]
                if r > 0:
                    times[i] += sample
                peaks[i].append(float(side.ask("peak")[0]))
        (one, two), (peak_one, peak_two) = map(statistics.median, times), map(statistics.median, peaks)
        print("%s, batch %d: %.2f ms, %.2f ms: %.2f times as fast; the peak %.0f, %.0f GFLOP/s: %.2f times"
              % (name, batch, one, two, one / two, peak_one, peak_two, peak_two / peak_one), flush=True)
        for side in sides:
            side.close()


if __name__ == "__main__":
    main()
