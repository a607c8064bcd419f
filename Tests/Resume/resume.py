#!/usr/bin/env python3
"""Kills `recur train --backup` at random instants and checks that the saved file is that of an undisturbed run.

Each start after a kill uses another number of threads. With --signal INT the run is interrupted as by Control-C.
Usage: resume.py PATH-OF-RECUR [--kills 50] [--signal KILL|INT|TERM] [--seed 1]
"""
import argparse
import hashlib
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time

MODEL = """[{"class_name": "Embedding", "config": {"input_dim": 40, "output_dim": 24, "mask_zero": true}},
{"class_name": "Bidirectional", "config": {"layer": {"class_name": "LSTM", "config": {"units": 32}}}},
{"class_name": "Dropout", "config": {"rate": 0.3}},
{"class_name": "Dense", "config": {"units": 3, "activation": "softmax"}}]"""


def write_npy(path, shape, values):
    header = "{'descr': '<i4', 'fortran_order': False, 'shape': (%s,), }" % ", ".join(map(str, shape))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(values)}i", *values))


def make_data(directory, source):
    rows, timesteps = 1500, 24
    ids, labels = [], []
    for _ in range(rows):
        length = source.randrange(3, timesteps + 1)
        row = [source.randrange(1, 40) for _ in range(length)]
        labels.append(row[0] % 3)
        ids += row + [0] * (timesteps - length)
    write_npy(f"{directory}/x.npy", (rows, timesteps), ids)
    write_npy(f"{directory}/y.npy", (rows,), labels)
    with open(f"{directory}/model.json", "w", encoding="utf-8") as file:
        file.write(MODEL)


def command(recur, directory, backup, saved, threads):
    return [recur, "train", f"{directory}/model.json", "--data", f"{directory}/x.npy", "--labels", f"{directory}/y.npy",
            "--epochs", "6", "--batch-size", "16", "--validation-split", "0.2", "--early-stopping", "4", "--best-only",
            "--threads", str(threads), "--save", saved,
            *(["--backup", backup, "--backup-batches", "3"] if backup else [])]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recur")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--signal", choices=["KILL", "INT", "TERM"], default="KILL")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    number = getattr(signal, "SIG" + arguments.signal)
    with tempfile.TemporaryDirectory(prefix="recurra-resume-") as directory:
        make_data(directory, source)
        start = time.time()
        undisturbed = command(arguments.recur, directory, None, f"{directory}/whole.safetensors", 2)
        subprocess.run(undisturbed, check=True, stderr=subprocess.DEVNULL)
        seconds = time.time() - start
        wanted = digest(f"{directory}/whole.safetensors")
        print(f"undisturbed: {seconds:.1f} s, {wanted[:16]}", flush=True)
        kills, rounds, starts = 0, 0, 0
        while kills < arguments.kills:
            rounds += 1
            saved = f"{directory}/round-{rounds}.safetensors"
            while True:
                starts += 1
                process = subprocess.Popen(
                    command(arguments.recur, directory, f"{directory}/backup-{rounds}", saved, starts % 3 + 1),
                    stderr=subprocess.PIPE)
                # A third of a whole run at most: so a run takes several starts, and every part of it is met.
                delay = source.uniform(0, seconds / 3)
                try:
                    _, errors = process.communicate(timeout=delay if kills < arguments.kills else None)
                    status = process.returncode
                    if status != 0:
                        sys.exit(f"resume: exit {status}: {errors.decode(errors='replace')[-400:]}")
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(number)
                    _, errors = process.communicate()
                    kills += 1
                    if process.returncode not in (-number, 130, 143, 0):
                        sys.exit(f"resume: exit {process.returncode} after SIG{arguments.signal}: "
                                 f"{errors.decode(errors='replace')[-400:]}")
                    if process.returncode == 0:
                        break
            if digest(saved) != wanted:
                sys.exit(f"resume: round {rounds} differs: {digest(saved)[:16]}")
            print(f"round {rounds}: the same bytes after {kills} kills in all", flush=True)
        print(f"{kills} times SIG{arguments.signal}, {starts} starts with 1, 2 and 3 threads: every file the same")


if __name__ == "__main__":
    main()
