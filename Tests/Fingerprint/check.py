#!/usr/bin/env python3
"""Compares what recurrent models compute with the fingerprint of these sources, or with another build, bit by bit.

  check.py TOOL                with packed.sha256, by the instruction set that this processor has
  check.py TOOL --every-set    the same by each set in turn; the one without fused multiply-add within a bound
  check.py TOOL --write        packed.sha256 anew, for a change that is meant to change bits
  check.py TOOL --old OTHER    every case, those over OpenBLAS too, with the build OTHER of the same tool
"""
import argparse
import array
import hashlib
import os
import platform
import subprocess
import sys
import tempfile

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "packed.sha256")
# Without fused multiply-add every product is rounded: this share of the largest number of a tensor.
GENERIC_BOUND = 1e-5


def sets():
    """The instruction sets with fused multiply-add that this processor has."""
    if platform.machine() == "aarch64":
        return ["neon"]
    flags = open("/proc/cpuinfo", encoding="utf-8").read().split()
    names = (["avx2"] if "avx2" in flags and "fma" in flags else [])
    return names + (["avx512"] if {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags) else [])


def results(tool, folder, isa=None):
    """{case: content}, written by the tool into the folder."""
    environment = {**os.environ, **({"RECURRA_ISA": isa} if isa else {})}
    if subprocess.run([tool, folder], env=environment).returncode != 0:
        sys.exit(f"fingerprint: {tool} failed")
    return {
        f"{kind}/{name}": os.path.join(folder, kind, name)
        for kind in ["packed", "openblas"] for name in sorted(os.listdir(os.path.join(folder, kind)))
    }


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def packed(found):
    return {case[7:]: digest(path) for case, path in found.items() if case.startswith("packed/")}


def differences(wanted, found):
    """The names whose hashes differ, or that only one has."""
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def tensors(path):
    """[(name, numbers)] of a case."""
    content, parts = open(path, "rb").read(), []
    while content:
        head, content = content.split(b"\n", 1)
        name, dtype, shape = head.decode().split("[")[0].rsplit(" ", 2)[0], b" float64 " in head, head.split(b"[")[1]
        count = 1
        for extent in shape.rstrip(b"]").split(b","):
            count *= int(extent)
        numbers = array.array("d" if dtype else "f")
        size = count * numbers.itemsize
        numbers.frombytes(content[:size])
        parts.append((name, numbers))
        content = content[size:]
    return parts


def largest_difference(wanted, found):
    """The largest difference of two cases, as a share of the largest number of its tensor.

    A gradient of one number may be next to nothing, where its terms cancel: a thousandth of the case's largest stands
    for less.
    """
    worst, parts = 0.0, tensors(wanted)
    gradients = [numbers for name, numbers in parts if name.startswith("gradient")]
    floor = max((abs(number) for numbers in gradients for number in numbers), default=0)
    for (name, numbers), (other, others) in zip(parts, tensors(found), strict=True):
        assert name == other and len(numbers) == len(others)
        largest = max((abs(number) for number in numbers), default=0) or 1
        if name.startswith("gradient"):
            largest = max(largest, floor / 1000)
        worst = max([worst] + [abs(a - b) / largest for a, b in zip(numbers, others)])
    return worst


def report(what, names, count):
    if not names:
        print(f"fingerprint: {what}: {count} cases have the same bits")
        return
    for name in names:
        print(f"fingerprint: {what}: other bits in {name}")
    sys.exit(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("--every-set", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--old")
    arguments = parser.parse_args()
    if not sets():
        print("fingerprint: not compared, for this processor has no fused multiply-add")
        return
    with tempfile.TemporaryDirectory() as folder:
        found = results(arguments.tool, os.path.join(folder, "new"))
        if arguments.old:
            old = results(arguments.old, os.path.join(folder, "old"))
            hashes = [{case: digest(path) for case, path in cases.items()} for cases in (old, found)]
            return report("against the other build", differences(*hashes), len(hashes[1]))
        if arguments.write:
            with open(FILE, "w", encoding="utf-8") as file:
                file.writelines(f"{value}  {name}\n" for name, value in packed(found).items())
            return print(f"fingerprint: wrote {len(packed(found))} cases")
        with open(FILE, encoding="utf-8") as file:
            wanted = {name: value for value, name in (line.split() for line in file)}
        report("as built", differences(wanted, packed(found)), len(wanted))
        if not arguments.every_set:
            return
        for isa in sets():
            hashes = packed(results(arguments.tool, os.path.join(folder, isa), isa))
            report(isa, differences(wanted, hashes), len(wanted))
        generic = results(arguments.tool, os.path.join(folder, "generic"), "generic")
        worst = max((largest_difference(found[case], generic[case]), case) for case in found)
        print(f"fingerprint: generic: within {worst[0]:.1e} of the largest number of a tensor ({worst[1]})")
        if worst[0] > GENERIC_BOUND:
            sys.exit(1)


if __name__ == "__main__":
    main()
