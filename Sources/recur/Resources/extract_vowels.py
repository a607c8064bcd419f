#!/usr/bin/env python3
"""Extracts vowels.safetensors, the utterances of `recur demo vowels`, from the data set Japanese Vowels.

Source: the data files of the PyPI package aeon, version 1.6.0 (aeon-1.6.0-py3-none-any.whl), which carries UCI's values
unchanged. Of that archive only JapaneseVowels_TRAIN.ts and JapaneseVowels_TEST.ts are used, whose authors, licence and
citation VOWELS.md names; the package's Python code has another licence, and nothing of it is used.

Run with nothing but Python 3 and, for the download, pip:

    pip download --no-deps aeon==1.6.0
    python3 extract_vowels.py aeon-1.6.0-py3-none-any.whl
"""

import argparse
import hashlib
import json
import pathlib
import struct
import sys
import zipfile

ARCHIVE_SHA256 = "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409"
FOLDER = "aeon/datasets/data/JapaneseVowels/JapaneseVowels_"
COEFFICIENTS = 12
# Utterances of each of the nine speakers, as UCI divides them.
DIVISION = {"training": [30] * 9, "test": [31, 35, 88, 44, 29, 24, 40, 50, 29]}
CITATION = ("Kudo, M., Toyama, J. and Shimbo, M. (1999): Japanese Vowels. UCI Machine Learning Repository, "
            "https://doi.org/10.24432/C5NS47. CC BY 4.0.")


def utterances(text):
    """Yields timesteps of twelve numbers, and the speaker from 0 on; a line has a list for each coefficient."""
    for line in text.split("@data\n")[1].splitlines():
        *coefficients, speaker = line.split(":")
        columns = [[float(number) for number in column.split(",")] for column in coefficients]
        if len(columns) != COEFFICIENTS or len(set(map(len, columns))) != 1:
            sys.exit(f"expected {COEFFICIENTS} lists of one length, got {list(map(len, columns))}")
        yield list(zip(*columns)), int(speaker) - 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=pathlib.Path, help="aeon-1.6.0-py3-none-any.whl")
    archive = parser.parse_args().archive
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        sys.exit(f"{archive}: expected SHA-256 {ARCHIVE_SHA256}, got {digest}")
    tensors = {}
    with zipfile.ZipFile(archive) as files:
        for part, file in (("test", "TEST.ts"), ("training", "TRAIN.ts")):
            rows = list(utterances(files.read(FOLDER + file).decode("utf-8")))
            speakers = [speaker for _, speaker in rows]
            if [speakers.count(speaker) for speaker in range(9)] != DIVISION[part]:
                sys.exit(f"{file}: expected UCI's division, got another")
            steps = [number for row, _ in rows for step in row for number in step]
            tensors[f"{part}.steps"] = ("F32", [len(steps) // COEFFICIENTS, COEFFICIENTS], steps)
            tensors[f"{part}.lengths"] = ("I32", [len(rows)], [len(row) for row, _ in rows])
            tensors[f"{part}.speakers"] = ("I32", [len(rows)], speakers)
    header, data = {"__metadata__": {"citation": CITATION}}, b""
    # As Recurra and the safetensors package order them: by type, then by name.
    for name, (kind, shape, numbers) in sorted(tensors.items(), key=lambda item: (item[1][0], item[0])):
        start = len(data)
        data += struct.pack(f"<{len(numbers)}{'f' if kind == 'F32' else 'i'}", *numbers)
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    path = pathlib.Path(__file__).parent / "vowels.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{sum(map(sum, DIVISION.values()))} utterances, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
