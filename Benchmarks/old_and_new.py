#!/usr/bin/env python3
"""Times another commit and these sources in turns, and prints old ÷ new: above 1 the new one is faster, or smaller.

The public grid and the stepper are measured by each build's own `recur-bench`, whole uses by Benchmarks/Guard built
against each. The least of some rounds is compared, for what disturbs a machine only ever makes it slower.
"""
import argparse
import json
import math
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CELLS = ["rnn", "lstm", "gru", "bilstm"]
SHAPES = [
    (1, 50, 60, 100), (64, 50, 60, 100), (1, 100, 256, 256), (16, 100, 256, 256), (64, 100, 256, 256),
    (1, 100, 512, 512), (64, 50, 512, 512), (1, 50, 1024, 1024), (64, 25, 1024, 1024),
]
STEPPERS = [("lstm", 1, 50, units, units, "step") for units in (8, 32, 128)]


def capture(*command, **environment):
    return subprocess.run(
        command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **environment}).stdout


def guard(sources, scratch):
    """Builds the guard against a version of the sources; its path."""
    build = ["swift", "build", "-c", "release", "--package-path", "Benchmarks/Guard", "--scratch-path", scratch]
    capture(*build, RECURRA=sources)
    return os.path.join(capture(*build, "--show-bin-path", RECURRA=sources).strip(), "Guard")


class Version:
    """The programs of one version."""

    def __init__(self, bench, sources, scratch):
        self.bench, self.guard = bench, guard(sources, scratch)

    def case(self, cell, batch, timesteps, inputs, units, job):
        numbers = zip(["--batch", "--timesteps", "--inputs", "--units"], [batch, timesteps, inputs, units])
        options = [text for pair in numbers for text in map(str, pair)]
        lines = capture(
            self.bench, "--cell", cell, *options, "--job", job, "--repetitions", "5", "--least", "0.03", "--json")
        return json.loads(lines.splitlines()[-1])["min_seconds"]

    def start_up(self):
        lines = capture(
            self.bench, "--start-up", "--repetitions", "20", "--json",
            PATH=os.path.dirname(self.bench) + ":" + os.environ["PATH"])
        return json.loads(lines.splitlines()[-1])["min_seconds"]

    def use(self, name):
        return json.loads(capture(self.guard, name))["figure"]


def compared(old, new, rounds, measure):
    """The least figure of either in some rounds, in which they take turns to be first."""
    figures = {old: [], new: []}
    for number in range(rounds):
        for version in (old, new) if number % 2 == 0 else (new, old):
            figures[version].append(measure(version))
    return min(figures[old]), min(figures[new])


def ratio(old, new):
    return 1 if old == new else old / new if new else 0


def mean(ratios):
    return math.exp(sum(math.log(max(value, 1e-9)) for value in ratios) / len(ratios))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", help="a commit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="three shapes of the grid")
    options = parser.parse_args()
    commit = capture("git", "rev-parse", f"{options.old}^{{commit}}").strip()
    # The tool is what start-up is measured with.
    capture(".ci/old", commit, "recur")
    capture("swift", "build", "-c", "release", "--product", "recur")
    capture("swift", "build", "-c", "release", "--product", "recur-bench")
    ours = os.path.join(capture("swift", "build", "-c", "release", "--show-bin-path").strip(), "recur-bench")
    old = Version(
        capture(".ci/old", commit, "recur-bench").strip(), os.path.join(ROOT, ".build-old", commit),
        f".build-old/guard-{commit}")
    new = Version(ours, ROOT, ".build-old/guard")
    shapes = [SHAPES[1], SHAPES[3], SHAPES[0]] if options.quick else SHAPES
    for job in ("inference", "training"):
        ratios = []
        for cell in CELLS:
            for shape in shapes:
                figures = compared(old, new, options.rounds, lambda version: version.case(cell, *shape, job))
                ratios.append(ratio(*figures))
                print(f"{ratios[-1]:.3f}  {job:9} {cell:6} {shape}  {figures[1] * 1e3:.3f} ms", flush=True)
        print(f"{mean(ratios):.3f}  {job}: geometric mean of {len(ratios)}, least {min(ratios):.3f}", flush=True)
    for case in STEPPERS:
        figures = compared(old, new, options.rounds, lambda version: version.case(*case))
        print(f"{ratio(*figures):.3f}  stepper of {case[4]} units  {figures[1] * 1e6 / 50:.3f} us a step", flush=True)
    figures = compared(old, new, options.rounds, Version.start_up)
    print(f"{ratio(*figures):.3f}  start-up  {figures[1] * 1e3:.2f} ms", flush=True)
    for name in capture(new.guard).splitlines():
        figures = compared(old, new, options.rounds, lambda version: version.use(name))
        is_time = not name.startswith(("count", "bytes"))
        text = f"{figures[1] * 1e6:.1f} us" if is_time else f"{figures[0]:.0f} and {figures[1]:.0f}"
        print(f"{ratio(*figures):.3f}  {name}  {text}", flush=True)


if __name__ == "__main__":
    main()
