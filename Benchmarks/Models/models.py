#!/usr/bin/env python3
"""Runs models that packages of PyPI ship, and trains them on: here and with the package's own code.

    models.py [--recur FILE] [--bench FILE] [MODEL …]

prints one line per model: its format, the largest difference of the answers to 256 inputs, the milliseconds of one call
as the package makes it, and the largest difference of the losses of three epochs on the model's own answers. Installs
the packages on first use, on top of what bench_peers.py needs. Fails where answers differ by more than 1e-4 of the
largest, or losses by more than 1e-4.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys

from packages import HERE, environment, note

# Each with the backend of Keras 3 that its package asks for; ethnicolr's Keras 2 cannot share a process with PyTorch.
MODELS = {"sleepecg": "torch", "ethnicolr": "tensorflow", "g2pm": "torch", "g2p_en": "torch", "silero": "torch"}
HEAD = ("| model | format | largest difference | package, ms | Recurra, ms | ratio | difference of losses |\n"
        "|---|---|--:|--:|--:|--:|--:|")


def measured(model, options, python, folder):
    environment = {**os.environ, "PYTHONPATH": str(folder), "KERAS_BACKEND": MODELS[model], "TF_CPP_MIN_LOG_LEVEL": "3",
                   "PYTHONWARNINGS": "ignore"}
    process = subprocess.run(
        [python, HERE / "measure.py", model, "--recur", options.recur, "--bench", options.bench], env=environment,
        stdout=subprocess.PIPE, text=True)
    if process.returncode:
        return None
    return json.loads(process.stdout.splitlines()[-1])


def row(result):
    """Returns a line of the table, and whether the numbers are those of the package."""
    losses = max(abs(ours - theirs) for ours, theirs in zip(result["our_losses"], result["their_losses"], strict=True))
    is_equal = result["difference"] <= 1e-4 * max(1, result["largest"]) and losses <= 1e-4
    return (f"| {result['model']} | {result['format']} | {result['difference']:.1g} | {result['theirs']:.3g} | "
            f"{result['ours']:.3g} | {result['theirs'] / result['ours']:.2f} | {losses:.1g} |"), is_equal


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    release = pathlib.Path(__file__).resolve().parents[2] / ".build" / "release"
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"those to run: {', '.join(MODELS)}")
    parser.add_argument("--recur", type=pathlib.Path, default=release / "recur")
    parser.add_argument("--bench", type=pathlib.Path, default=release / "recur-bench")
    options = parser.parse_args()
    for model in options.models:
        if model not in MODELS:
            parser.error(f"expected models among {', '.join(MODELS)}, got {model}")
    python, folder = environment()
    print(HEAD, flush=True)
    ratios, failed = [], []
    for model in options.models or MODELS:
        note(f"running {model}")
        result = measured(model, options, python, folder)
        if result is None:
            failed.append(model)
            continue
        line, is_equal = row(result)
        print(line, flush=True)
        note(f"losses here {result['our_losses']}, there {result['their_losses']}")
        ratios.append(result["theirs"] / result["ours"])
        if not is_equal:
            failed.append(model)
    if ratios:
        print(f"\ngeometric mean of the ratios {math.exp(sum(map(math.log, ratios)) / len(ratios)):.2f}, "
              f"least {min(ratios):.2f}")
    if failed:
        sys.exit(f"models.py: expected the packages' numbers, got others or none of {', '.join(failed)}")


if __name__ == "__main__":
    main()
