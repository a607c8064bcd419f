#!/usr/bin/env python3
"""Runs recur-bench and its peers alternately on the same cases and prints, per case, the best peer ÷ ours.

    bench_peers.py [--quick] [--cells lstm,bilstm] [--shapes 64,50,60,100;1,100,512,512] [--job inference]
                   [--out FOLDER] [--binary PATH] [--without-ours] [--threads 2] [--rounds N] [--statistic median|min]
                   [--patience SECONDS] [--ragged only|without]

Makes a virtual environment outside the repository with torch, onnxruntime, onnx and tensorflow-cpu, once, in
$XDG_CACHE_HOME/recurra-peers (RECURRA_PEERS_VENV names an existing one instead). Each peer is one long-lived process;
while one system computes, the others are stopped. A figure taken while unrelated processes kept more than a tenth of a
core busy is taken again, and marked if it stayed so: spinning barriers make some peers a hundred times slower on a busy
machine, which would flatter us. So is one taken while the virtual processors shared a core, which a short calculation
before and after each figure tells. Then come sequences of different lengths, the lesson's program and the start of a
process. --out receives
peers.json and peers.svg.
Only the standard library is needed to run this file itself.
"""
import argparse
import contextlib
import datetime
import itertools
import json
import math
import os
import pathlib
import platform
import statistics
import sys

import ragged
import ratio_chart
from peers import CAN_TRAIN, CELLS, JOBS, PEERS, SHAPES
from systems import (HERE, QUIET, QuietMachine, Worker, disturbance, note, our_start_up, peers_python, run_our_case,
                     run_ours, run_seed_program, start_up)

BINARY = HERE.parent.parent / ".build" / "release" / "recur-bench"
OURS = "Recurra"
PROGRAM_CELLS = ("rnn", "lstm", "bilstm")
PROGRAM_PEERS = {"torch": "PyTorch", "keras": "Keras/TF"}


def merge_rounds(answers, statistic):
    """Returns milliseconds of one system over the rounds, or the error that kept it from a figure."""
    good = [answer for answer in answers if "error" not in answer]
    if not good:
        return {"error": answers[0]["error"]}
    median = statistics.median(answer["median_seconds"] for answer in good) * 1e3
    least = min(answer["min_seconds"] for answer in good) * 1e3
    return {"median": median, "min": least, "used": median if statistic == "median" else least,
            "disturbance": max(disturbance(answer) for answer in good)}


def compare(row, used):
    """Adds the best peer and best peer ÷ ours to a row; `used` maps each system to its figure."""
    theirs = {name: figure for name, figure in used.items() if name != OURS}
    if theirs:
        row["best_peer"] = min(theirs, key=theirs.get)
        if OURS in used:
            row["ratio"] = theirs[row["best_peer"]] / used[OURS]
    return row


def measure_case(options, machine, workers, case):
    names = [PEERS[peer] for peer in workers if case["job"] == "inference" or peer in CAN_TRAIN]
    asking = {PEERS[peer]: worker.ask for peer, worker in workers.items() if PEERS[peer] in names}
    if options.binary:
        asking[OURS] = lambda asked: run_our_case(options.binary, options.threads, asked)
    answers = {name: [] for name in asking}
    order = list(asking)
    for _ in range(options.rounds):
        for name in order:
            answers[name].append(machine.ask(lambda name=name: asking[name](case)))
        order = order[1:] + order[:1]
    milliseconds = {name: merge_rounds(given, options.statistic) for name, given in answers.items()}
    used = {name: figure["used"] for name, figure in milliseconds.items() if "error" not in figure}
    row = {"job": case["job"], "cell": case["cell"], "shape": list(case["shape"]), "milliseconds": milliseconds}
    return compare(row, used)


def measure_program(options, machine, python, cell):
    asking = {name: lambda peer=peer: run_seed_program(python, peer, cell, options.threads)
              for peer, name in PROGRAM_PEERS.items()}
    if options.binary:
        asking[OURS] = lambda: run_ours(options.binary, options.threads, "--program", "seed",
                                        "--cell", cell)
    answers = {name: [] for name in asking}
    for _ in range(options.rounds):
        for name, ask in asking.items():
            answers[name].append(machine.ask(ask))
    # The fastest epoch of each: the peers' scripts report theirs.
    seconds = {name: min((answer.get("min_epoch_seconds", answer["epoch_seconds"]) for answer in given
                          if "error" not in answer), default=None) for name, given in answers.items()}
    errors = {name: given[0]["error"] for name, given in answers.items() if seconds[name] is None}
    disturbed_by = max(disturbance(answer) for given in answers.values() for answer in given)
    row = {"cell": cell, "epoch_seconds": seconds, "errors": errors, "disturbance": disturbed_by}
    return compare(row, {name: figure for name, figure in seconds.items() if figure is not None})


def measure_ragged(options, machine, workers):
    names = [name for peer in workers for _, name in ragged.WAYS[peer]] + ([OURS] if options.binary else [])
    print(ragged.header(names))
    rows = []
    for case in ragged.cases(options):
        rows.append(ragged.measure(options, machine, workers, case))
        print(ragged.line(rows[-1], names) + remark(rows[-1]["disturbance"]), flush=True)
        for name, error in rows[-1]["errors"].items():
            note(f"  {name}: {error}")
    return rows


def geometric_mean(rows):
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def figures(row, systems, values):
    cells = [f"{values[name]:>13.3f}" if isinstance(values.get(name), float) else f"{'–':>13}" for name in systems]
    ratio = f"{row['ratio']:>7.2f}" if "ratio" in row else f"{'–':>7}"
    return "".join(cells) + f"  {row.get('best_peer', '–'):<13}{ratio}"


def remark(disturbance):
    if disturbance >= 1:
        return "  (threads shared a core)"
    return f"  (others used {disturbance:.1f} cores)" if disturbance > QUIET else ""


def print_row(row, systems):
    values = {name: figure.get("used") for name, figure in row["milliseconds"].items()}
    shape = "{}, {}, {}, {}".format(*row["shape"])
    worst = max((figure.get("disturbance", 0) for figure in row["milliseconds"].values()), default=0)
    print(f"{row['job']:<10} {row['cell']:<7} {shape:<19}" + figures(row, systems, values) + remark(worst),
          flush=True)
    for name, figure in row["milliseconds"].items():
        if "error" in figure:
            note(f"  {name}: {figure['error']}")


def header(options, workers):
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                if line.startswith("model name")), platform.machine())
    about = {"cpu": cpu, "cores": os.cpu_count(), "threads": options.threads, "rounds": options.rounds,
             "statistic": options.statistic, "load_before": round(os.getloadavg()[0], 2),
             "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
             "versions": {name: version for worker in workers.values() for name, version in worker.versions.items()}}
    print(f"{cpu}, {about['cores']} cores, {options.threads} threads, {about['date']}, load {about['load_before']}")
    print(", ".join(f"{name} {version}" for name, version in about["versions"].items()))
    return about


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, three short repetitions")
    parser.add_argument("--cells", default=",".join(CELLS))
    parser.add_argument("--shapes", help="B,T,I,H;B,T,I,H (default: the nine shapes)")
    parser.add_argument("--job", choices=JOBS, help="only this job (default: both)")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--programs", choices=("with", "only", "without"), default="with")
    parser.add_argument("--ragged", choices=("with", "only", "without"), default="with",
                        help="sequences of different lengths")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--statistic", choices=("median", "min"), default="median")
    parser.add_argument("--patience", type=float, default=60, metavar="SECONDS",
                        help="how long each figure may wait for a moment when other processes are quiet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--binary", type=pathlib.Path, default=BINARY)
    parser.add_argument("--without-ours", action="store_true", help="time the peers alone")
    parser.add_argument("--out", type=pathlib.Path, help="folder for peers.json and peers.svg")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 2)
    options.shapes = [tuple(int(number) for number in shape.split(",")) for shape in options.shapes.split(";")] \
        if options.shapes else SHAPES
    options.cells, options.peers = options.cells.split(","), options.peers.split(",")
    for given, known in ((options.cells, CELLS), (options.peers, PEERS)):
        if set(given) - set(known):
            parser.error(f"expected some of {', '.join(known)}, got {', '.join(given)}")
    if any(len(shape) != 4 for shape in options.shapes):
        parser.error("--shapes: expected B,T,I,H")
    if options.without_ours:
        options.binary = None
    elif not options.binary.exists():
        parser.error(f"{options.binary} is missing: build it (swift build -c release) or pass --without-ours")
    return options


def main():
    options = parse()
    python = peers_python()
    machine = QuietMachine(options.binary, options.threads, options.patience)
    systems = [PEERS[peer] for peer in options.peers] + ([OURS] if options.binary else [])
    # The stack ends every worker, also where one of them fails: a stopped process would otherwise stay for good.
    with contextlib.ExitStack() as stack:
        workers = {}
        for peer in options.peers:
            workers[peer] = Worker(python, peer, options.threads)
            stack.callback(workers[peer].close)
        result = {"header": header(options, workers), "cases": [], "programs": []}
        if "only" not in (options.programs, options.ragged):
            print(f"\nmilliseconds\n{'job':<10} {'cell':<7} {'B, T, I, H':<19}"
                  + "".join(f"{name:>13}" for name in systems) + f"  {'best peer':<13}{'÷ ours':>7}")
            for job, cell, shape in itertools.product([options.job] if options.job else JOBS, options.cells,
                                                      options.shapes):
                case = {"job": job, "cell": cell, "shape": shape, "runs": 3 if options.quick else 7,
                        "least": 0.1 if options.quick else 0.2}
                result["cases"].append(measure_case(options, machine, workers, case))
                print_row(result["cases"][-1], systems)
        if options.ragged != "without" and options.programs != "only":
            result["ragged"] = measure_ragged(options, machine, workers)
    result["geometric_mean"] = {job: geometric_mean([row for row in result["cases"] if row["job"] == job])
                                for job in JOBS}
    for job, mean in result["geometric_mean"].items():
        if mean:
            print(f"{job}: best peer ÷ ours, geometric mean {mean:.2f}")
    if options.programs != "without" and options.ragged != "only":
        names = [*PROGRAM_PEERS.values()] + ([OURS] if options.binary else [])
        print(f"\nthe lesson's program, seconds per epoch\n{'cell':<8}" + "".join(f"{name:>13}" for name in names)
              + f"  {'best peer':<13}{'÷ ours':>7}")
        for cell in (cell for cell in PROGRAM_CELLS if cell in options.cells):
            row = measure_program(options, machine, python, cell)
            result["programs"].append(row)
            print(f"{cell:<8}" + figures(row, names, row["epoch_seconds"]) + remark(row["disturbance"]), flush=True)
            for name, error in row["errors"].items():
                note(f"  {name}: {error}")
    if options.programs != "without" and options.ragged != "only":
        result["start_up"] = {PEERS[peer]: start_up(python, peer) for peer in options.peers}
        if options.binary:
            result["start_up"][OURS] = our_start_up(options.binary)
        print("\none sequence with the lesson's BiLSTM, from process start to the answer")
        for name, figure in result["start_up"].items():
            print(f"{name:<13}{figure['milliseconds']:>9.1f} ms{figure['mebibytes']:>9.1f} MiB" if figure
                  else f"{name:<13} failed")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "peers.json").write_text(json.dumps(result, indent=1) + "\n")
        if any("ratio" in row for row in result["cases"]):
            (options.out / "peers.svg").write_text(ratio_chart.draw(result, OURS))
    if any("error" in row["milliseconds"].get(OURS, {}) for row in result["cases"]) or any(
            OURS in row["errors"] for row in result["programs"] + result.get("ragged", [])):
        sys.exit(f"{OURS} failed in some cases, see above")


if __name__ == "__main__":
    main()