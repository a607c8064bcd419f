"""Sequences of different lengths: ours beside each peer's own way, and beside PyTorch's padded batch."""
import random
import statistics

from peers import CAN_TRAIN, JOBS
from systems import disturbance, run_our_ragged_case

# cell, batch, longest, inputs, units; the long ones in training alone, where a PackedSequence costs most.
CASES = (("lstm", (64, 100, 256, 256), JOBS), ("bilstm", (64, 100, 60, 100), JOBS),
         ("lstm", (64, 1000, 60, 100), ("training",)))
# A worker, what it is given, and what the system then calls it; without lengths a batch is computed with its padding.
WAYS = {"torch": ((True, "PyTorch packed"), (False, "PyTorch padded")),
        "ort": ((True, "ORT lengths"),), "tf": ((True, "Keras mask"),)}
OURS = "Recurra"


def cases(options):
    for cell, shape, jobs in CASES:
        for job in jobs:
            if cell in options.cells and options.job in (None, job):
                draw = random.Random(1)
                lengths = [draw.randint(1, shape[1]) for _ in range(shape[0])]
                yield {"job": job, "cell": cell, "shape": shape, "lengths": lengths,
                       "runs": 3 if options.quick else 7, "least": 0.1 if options.quick else 0.2}


def seconds(answers, median_name, least_name, statistic):
    """The median of the rounds' medians, or the least of all; None where there is no figure."""
    good = [answer for answer in answers if "error" not in answer]
    if not good:
        return None
    if statistic == "median":
        return statistics.median(answer[median_name] for answer in good)
    return min(answer[least_name] for answer in good)


def measure(options, machine, workers, case):
    """Asks every system in turns, and tells what a timestep that counts takes of ours, of its share in a full batch."""
    asking = {}
    for peer, worker in workers.items():
        for has_lengths, name in WAYS[peer]:
            if case["job"] == "inference" or peer in CAN_TRAIN:
                asked = case if has_lengths else {**case, "lengths": None}
                asking[name] = lambda worker=worker, asked=asked: worker.ask(asked)
    if options.binary:
        asking[OURS] = lambda: run_our_ragged_case(options.binary, options.threads, case)
    answers = {name: [] for name in asking}
    for _ in range(options.rounds):
        for name, ask in asking.items():
            answers[name].append(machine.ask(ask))
    times = {name: seconds(given, "median_seconds", "min_seconds", options.statistic)
             for name, given in answers.items()}
    row = {"job": case["job"], "cell": case["cell"], "shape": list(case["shape"]),
           "valid_share": sum(case["lengths"]) / (case["shape"][0] * case["shape"][1]),
           "milliseconds": {name: found and found * 1e3 for name, found in times.items()},
           "disturbance": max(disturbance(answer) for given in answers.values() for answer in given),
           "errors": {name: given[0]["error"] for name, given in answers.items() if "error" in given[0]}}
    if times.get(OURS):
        full = seconds(answers[OURS], "full_seconds", "full_min_seconds", options.statistic)
        row["full_milliseconds"] = full * 1e3
        row["of_its_share"] = times[OURS] / full / row["valid_share"]
    return row


def header(names):
    return (f"\nsequences of 1 to T timesteps, milliseconds\n{'job':<10} {'cell':<7} {'B, T, I, H':<19}"
            + "".join(f"{name:>16}" for name in names) + f"{'of its share':>14}{'peers ÷ ours':>24}")


def line(row, names):
    """The times, ours ÷ its share of a full batch, and each peer ÷ ours."""
    times = row["milliseconds"]
    cells = "".join(f"{times[name]:>16.3f}" if times.get(name) else f"{'–':>16}" for name in names)
    share = f"{row['of_its_share']:>14.3f}" if "of_its_share" in row else f"{'–':>14}"
    ratios = " ".join(f"{times[name] / times[OURS]:.2f}" if times.get(name) and times.get(OURS) else "–"
                      for name in names if name != OURS)
    shape = "{}, {}, {}, {}".format(*row["shape"])
    return f"{row['job']:<10} {row['cell']:<7} {shape:<19}{cells}{share}{ratios:>24}"
