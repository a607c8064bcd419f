#!/usr/bin/env python3
"""Times numbers of the engine's tuning as they are and with other values, in turns.

    thresholds.py [NAME ...]       all when no name is given; names are those of Tuning.swift

Prints other ÷ standard: above 1 the number in force is the better one; around 1 it does not matter here. The least of
some rounds is compared, for what disturbs a machine only ever makes it slower.
"""
import argparse
import json
import multiprocessing
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A case: cell, B x T x I x H, job where it is not inference, and further words: "busy" keeps a processor busy at the
# side, "epoch" and "predict" time the lesson's program, all else are options of recur-bench.
FEW = ["lstm 1x50x60x100", "lstm 1x100x256x256", "lstm 4x100x128x128"]
STACKS = ["lstm 1x50x60x100 --layers 3", "gru 1x100x128x128 --layers 4"]
STREAMED = ["lstm 8x50x512x512", "lstm 16x50x512x512"]
TRAINED = ["lstm 64x50x60x100 training", "lstm 64x50x256x256 training"]
THRESHOLDS = {
    "weightsReadPerNanosecond": ([10, 90], FEW),
    "productsPerNanosecond": ([75, 300], FEW),
    "steadyProductsPerNanosecond": ([25, 225], ["rnn 4x20x20x50", "lstm 16x10x20x50"]),
    "kernelEfficiency": ([0.4, 1], STREAMED),
    "hiddenShare": ([0.4, 1], STREAMED),
    "memoryBytesPerNanosecond": ([4, 64], ["lstm 8x25x1024x1024", "bilstm 8x25x1024x1024"]),
    "ownCacheBytes": ([1 << 16, 1 << 20], ["lstm 64x50x60x100", "lstm 64x50x128x128"]),
    "sharedCacheBytes": ([1 << 21, 1 << 25], ["lstm 16x50x512x512", "lstm 16x25x1024x1024"]),
    "dividedRows": ([2, 16], ["lstm 8x50x60x100", "gru 16x50x60x100"]),
    "dividedWork": ([1, 100], ["lstm 8x50x60x100", "rnn 16x20x20x50"]),
    "gatheringNanoseconds": ([500, 50_000], ["lstm 1x2x128x128", "lstm 1x10x60x100"]),
    "leastStepSaving": ([50, 2_000], ["rnn 1x100x100x100", "lstm 1x50x20x48"]),
    "sureStepSaving": ([500, 50_000], ["lstm 1x100x256x256", "lstm 1x50x512x512"]),
    "mostBarrierNanoseconds": ([500, 100_000], ["lstm 1x100x256x256", "lstm 1x100x256x256 busy"]),
    "lateNanoseconds": ([30_000, 3_000_000], ["lstm 1x100x256x256 busy", "lstm 1x100x256x256"]),
    "turnRows": ([1, 32], ["bilstm 1x50x512x512", "bilstm 8x50x512x512", "bilstm 16x50x512x512"]),
    "exchangedStates": ([1 << 10, 1 << 14], ["lstm 16x100x256x256", "lstm 8x50x512x512"]),
    "streamedProducts": ([1 << 16, 1 << 24], ["lstm 4x100x256x256", "lstm 8x100x256x256"]),
    "aheadRows": ([1, 16], ["lstm 4x50x60x100", "lstm 8x100x256x256"]),
    "aheadFloats": ([1 << 13, 1 << 21], ["lstm 1x500x256x256", "lstm 4x200x60x100"]),
    "productRows": ([24, 1_536], ["lstm 1x500x256x256", "lstm 1x500x60x100 training"]),
    "waveTimesteps": ([6, 1_000], STACKS),
    "waveParts": ([4, 48], STACKS),
    "waveSteps": ([2, 24], STACKS),
    "waveStepNanoseconds": ([30, 1_000], STACKS),
    "tableFloats": ([1], ["bilstm predict", "rnn predict"]),
    "bits.blockedRows": ([8, 128], TRAINED[:1] + ["lstm 16x50x60x100 training"]),
    "bits.blockedWeights": ([1 << 14, 1 << 22], TRAINED),
    "bits.rowsOfBlockPair": ([32, 512], ["lstm 256x50x60x100 training"]),
    "bits.mostBlocks": ([2, 64], ["lstm 1024x20x60x100 training"]),
    "bits.openBLASRows": ([4, 64], ["lstm 24x50x60x100 --multiplier openblas"]),
    "bits.openBLASBlock": ([8, 128], ["lstm 128x50x60x100 --multiplier openblas"]),
    "bits.stretchFloats": ([1 << 16, 1 << 22], TRAINED),
    "bits.stretchWeights": ([1, 16], ["lstm 64x25x512x512 training"]),
    "bits.stretchRows": ([48, 3_072], TRAINED),
    "bits.tableSums": ([1, 1 << 20], ["bilstm epoch"]),
}


def occupy():
    """Keeps the last processor busy until it is ended."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    while True:
        pass


def seconds(bench, case, tuning):
    """What a case takes with some numbers, by a process of its own."""
    cell, *words = case.split()
    command = [bench, "--cell", cell, "--json", "--repetitions", "5", "--least", "0.03", *tuning]
    key = "min_seconds"
    if words[0] in ("epoch", "predict"):
        key = "min_epoch_seconds" if words.pop(0) == "epoch" else "predicted_sequences_per_second"
        command += ["--program", "seed"]
    else:
        for option, extent in zip(["--batch", "--timesteps", "--inputs", "--units"], words.pop(0).split("x")):
            command += [option, extent]
    if words and words[0] == "training":
        command += ["--job", words.pop(0)]
    neighbour = None
    if words and words[0] == "busy":
        words.pop(0)
        neighbour = multiprocessing.Process(target=occupy, daemon=True)
        neighbour.start()
    try:
        done = subprocess.run(command + words, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except subprocess.CalledProcessError as error:
        sys.exit(f"thresholds: {' '.join(error.cmd)}: {error.stderr.strip()}")
    finally:
        if neighbour:
            neighbour.terminate()
    figure = json.loads(done.stdout.splitlines()[-1])[key]
    return figure if "seconds" in key and "per_second" not in key else 1 / figure


def measure(bench, name, rounds):
    values, cases = THRESHOLDS[name]
    for case in cases:
        choices = [[]] + [["--tune", f"{name}={value}"] for value in values]
        least = [float("inf")] * len(choices)
        for number in range(rounds):
            order = range(len(choices)) if number % 2 == 0 else reversed(range(len(choices)))
            for choice in order:
                least[choice] = min(least[choice], seconds(bench, case, choices[choice]))
        ratios = ", ".join(f"{value}: {taken / least[0]:.2f}" for value, taken in zip(values, least[1:]))
        print(f"{name}, {case}: {least[0] * 1e3:.4g} ms; other ÷ standard with {ratios}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--bench", help="a recur-bench that is built already")
    options = parser.parse_args()
    for name in options.names:
        if name not in THRESHOLDS:
            sys.exit(f"thresholds: expected one of {', '.join(THRESHOLDS)}, got {name}")
    bench = options.bench
    if bench is None:
        build = ["swift", "build", "-c", "release", "--product", "recur-bench"]
        subprocess.run(build, cwd=ROOT, check=True, stdout=sys.stderr)
        folder = subprocess.run([*build, "--show-bin-path"], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE)
        bench = os.path.join(folder.stdout.strip(), "recur-bench")
    for name in options.names or THRESHOLDS:
        measure(bench, name, options.rounds)


if __name__ == "__main__":
    main()
