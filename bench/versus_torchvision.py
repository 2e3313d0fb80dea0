"""Two views of pictures beside torchvision.transforms.v2: each in its own process, in turns, and the ratio of the medians.

usage: python bench/versus_torchvision.py --build build/cpu [--recipes cifar imagenet] [--workers 2] [--rounds 7] [--out FILE.json]

Both sides start from random u8 pictures in memory and end with f32 batches in [0, 1]. Theirs is the recipe on uint8 tensors, a
picture at a time, in a DataLoader with so many worker processes of a thread each; ours has as many threads. cifar is SimCLR's
recipe at 32 x 32 with strength 0.5 and no blur, batches of 256; imagenet is 375 x 500 to 224 x 224 with strength 1 and blur,
batches of 32. Views a second by the clock; and milliseconds that all threads and processes of a side used of a cpu, which a
machine with other work to do disturbs less. The first round warms up (and starts the workers) and does not count.
"""
import argparse
import os
import statistics
import sys

from sides import Side, save

BATCH = {"cifar": 256, "imagenet": 32}
COUNT = {"cifar": 2048, "imagenet": 64}  # pictures a round

THEIRS = r'''
import os, sys, time
import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import InterpolationMode, v2
name, batch, count, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
cifar = name == "cifar"
size, s = (32, 0.5) if cifar else (224, 1.0)
steps = [v2.RandomResizedCrop(size, scale=(0.08, 1), interpolation=InterpolationMode.BICUBIC, antialias=True), v2.RandomHorizontalFlip(),
         v2.RandomApply([v2.ColorJitter(0.8 * s, 0.8 * s, 0.8 * s, 0.2 * s)], 0.8), v2.RandomGrayscale(0.2)]
if not cifar:
    steps.append(v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], 0.5))
views = v2.Compose(steps + [v2.ToDtype(torch.float32, scale=True)])
images = torch.randint(0, 256, (batch, 3) + ((32, 32) if cifar else (375, 500)), dtype=torch.uint8)

class Views(Dataset):
    def __len__(self):
        return count
    def __getitem__(self, i):
        x = images[i % batch]
        return views(x), views(x)

loader = DataLoader(Views(), batch_size=batch, num_workers=workers, persistent_workers=True)

def used():  # of this process and its workers, in ms
    total = 0
    for pid in [os.getpid()] + WORKERS:
        with open("/proc/%d/stat" % pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return 1e3 * total / os.sysconf("SC_CLK_TCK")

WORKERS = []
for line in sys.stdin:
    start, before = time.perf_counter(), used()
    iterator = iter(loader)
    WORKERS[:] = [w.pid for w in iterator._workers]
    for _ in iterator:
        pass
    print("%.3f %.3f" % (1e3 * (time.perf_counter() - start), used() - before), flush=True)
'''


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--recipes", nargs="+", default=["cifar", "imagenet"], choices=["cifar", "imagenet"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out")
    o = parser.parse_args()
    rows = []
    for recipe in o.recipes:
        batch, count = str(BATCH[recipe]), COUNT[recipe]
        sides = [Side([os.path.join(o.build, "bench", "images", "bench_augment"), recipe, batch, str(o.workers)]),
                 Side([sys.executable, "-c", THEIRS, recipe, batch, str(count), str(o.workers)])]
        samples = [[], []]
        for r in range(o.rounds + 1):
            for side, worker in enumerate(sides):
                sample = [float(x) for x in worker.ask("run %d" % count)]
                if r > 0:
                    samples[side].append(sample)
        for worker in sides:
            worker.close()
        clock, cpu = ([statistics.median(s[i] for s in side) for side in samples] for i in (0, 1))
        rows.append({"recipe": recipe, "workers": o.workers, "lacuna_views_per_s": 2e3 * count / clock[0], "theirs_views_per_s": 2e3 * count / clock[1],
                     "ratio": clock[1] / clock[0], "lacuna_cpu_us_a_view": 500 * cpu[0] / count, "theirs_cpu_us_a_view": 500 * cpu[1] / count,
                     "cpu_ratio": cpu[1] / cpu[0]})
        print("%-8s %d workers: lacuna %9.0f views/s, torchvision %8.0f: %.1f times as fast; of a cpu %.1f against %.1f us a view, %.1f times"
              % (recipe, o.workers, rows[-1]["lacuna_views_per_s"], rows[-1]["theirs_views_per_s"], rows[-1]["ratio"], rows[-1]["lacuna_cpu_us_a_view"],
                 rows[-1]["theirs_cpu_us_a_view"], rows[-1]["cpu_ratio"]), flush=True)
    if o.out:
        save(o.out, {"command": "python " + " ".join(sys.argv), "load": os.getloadavg()[0], "rows": rows})


if __name__ == "__main__":
    main()
