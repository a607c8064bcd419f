#!/usr/bin/env python3
"""Asks ONNX' checker and ONNX Runtime about the models that `ONNXExportTests` writes.

Made with Python 3.11, onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6:

    RECURRA_ONNX=/tmp/models swift test -c release --filter ONNXExportTests
    python check_onnx.py /tmp/models

Every NAME.onnx there is checked, run on NAME.input0.npy, … and compared with NAME.output0.npy, …
"""
import argparse
import pathlib
import sys

if __name__ == "__main__":  # Ahead of what may not be installed.
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path, help="where the models lie")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="the largest difference that passes (1e-5)")
    ARGUMENTS = parser.parse_args()

import numpy
import onnx
import onnxruntime


def arrays(path, kind):
    found = []
    while (file := path.with_name(f"{path.stem}.{kind}{len(found)}.npy")).exists():
        found.append(numpy.load(file))
    return found


def difference(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    inputs = {value.name: array for value, array in zip(session.get_inputs(), arrays(path, "input"))}
    largest = 0.0
    for found, wanted in zip(session.run(None, inputs), arrays(path, "output"), strict=True):
        if found.shape != wanted.shape or found.dtype != wanted.dtype:
            raise ValueError(f"{found.dtype} {found.shape} instead of {wanted.dtype} {wanted.shape}")
        relative = numpy.abs(found - wanted) / numpy.maximum(1, numpy.abs(wanted))
        largest = max(largest, float(numpy.max(relative, initial=0)))
    return largest


def main():
    failed = 0
    for path in sorted(ARGUMENTS.folder.glob("*.onnx")):
        try:
            largest = difference(path)
            verdict = "" if largest <= ARGUMENTS.tolerance else "  TOO LARGE"
            print(f"{path.stem:28} {largest:.1e}{verdict}")
            failed += bool(verdict)
        except Exception as error:
            print(f"{path.stem:28} {type(error).__name__}: {str(error)[:400]}")
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
