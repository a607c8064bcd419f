#!/usr/bin/env python3
"""Runs one model of a package in its own framework and here, and compares.

    measure.py MODEL --recur FILE --bench FILE

prints one JSON line: the largest difference of the answers to 256 inputs, the milliseconds of a call as the package
makes it, here and there, and the largest difference of the losses of three epochs. Needs the packages: models.py
starts it with them.
"""
import argparse
import importlib
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

ROUNDS = 3
LEAST = 0.2


def milliseconds(call):
    """Returns the median time of one call, warm."""
    call()
    times, end = [], time.perf_counter() + LEAST
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def named(option, texts):
    return [part for text in texts for part in (option, text)]


def compared(subject, options, folder):
    """Returns the largest difference between the answers here and there, and how large the answers are."""
    import numpy
    from subject import save_arrays
    targets = [f"{name}={folder / f'{name}.npy'}" if name else str(folder / "y.npy") for name in subject.outputs]
    subprocess.run(
        [options.recur, "predict", *map(str, subject.arguments),
         *named("--input", save_arrays(folder / "inputs", subject.inputs)), *named("--output", targets)], check=True)
    ours = numpy.load(targets[0].rpartition("=")[2])
    theirs = numpy.asarray(subject.answer(subject.inputs))
    if ours.shape != theirs.shape:
        raise SystemExit(f"expected answers of shape {theirs.shape}, got {ours.shape}")
    return float(abs(ours - theirs).max()), float(abs(theirs).max())


def timed(subject, options, folder):
    """Times a call here and there in turns, and returns the least medians: a busy neighbour only adds."""
    from subject import save_arrays
    command = [options.bench, "model", *map(str, subject.arguments),
               *named("--input", save_arrays(folder / "call", subject.call)), "--json", "--repetitions", "5", "--least",
               "0.05"]
    ours, theirs = [], []
    for _ in range(ROUNDS):
        theirs.append(milliseconds(lambda: subject.answer(subject.call)))
        line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        ours.append(json.loads(line)["median_seconds"] * 1e3)
    return min(ours), min(theirs)


def trained(lesson, options, folder):
    """Trains here and there, and returns the losses of the epochs."""
    import numpy
    from subject import BATCH, EPOCHS, save_arrays
    numpy.save(folder / "labels.npy", lesson.labels)
    subprocess.run(
        [options.recur, "train", *map(str, lesson.arguments),
         *named("--data", save_arrays(folder / "data", lesson.inputs)), "--labels", folder / "labels.npy", "--epochs",
         str(EPOCHS), "--batch-size", str(BATCH), "--no-shuffle", "--history", folder / "history.json", "--save",
         folder / "trained.safetensors"], check=True, stderr=subprocess.DEVNULL)
    history = json.loads((folder / "history.json").read_text())
    return history["history"]["loss"] if "history" in history else history["loss"], lesson.train()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a file of this folder: g2pm for g2pm_model.py")
    parser.add_argument("--recur", required=True)
    parser.add_argument("--bench", required=True)
    options = parser.parse_args()
    module = importlib.import_module(f"{options.model}_model")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subject = module.subject(folder)
        difference, largest = compared(subject, options, folder)
        ours, theirs = timed(subject, options, folder)
        our_losses, their_losses = trained(module.lesson(folder), options, folder)
    print(json.dumps({
        "model": options.model, "format": subject.format, "difference": difference, "largest": largest, "ours": ours,
        "theirs": theirs, "our_losses": our_losses, "their_losses": their_losses}))


if __name__ == "__main__":
    main()
