"""What the versus_*.py share: a side that answers, in a process of its own, and the file of results."""
import json
import os
import subprocess


class Side:
    """A process that answers each line with one line of words."""

    def __init__(self, command, **environment):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})

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


def machine():
    with open("/proc/cpuinfo") as f:
        return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))


def save(path, results):
    with open(path, "w") as f:
        json.dump(results, f, indent=1)
        f.write("\n")
