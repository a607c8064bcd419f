#!/usr/bin/env python3
"""Writes the files beside this script as NumPy and safetensors write them; tests read them and write the same bytes.

Made with Python 3.11, numpy 2.4.6, safetensors 0.8.0:

    pip install numpy==2.4.6 safetensors==0.8.0 && python make_files.py

Element i of a floating array is i / 4 - 1, of an integer array 3 i - 2 (unsigned: 3 i), of a boolean array i % 3 == 1.

version1.safetensors is not made here: it is a model in version 1 of the library's own format, as that version wrote it.
A Bidirectional(LSTM(3)) and a Dense(2) with softmax on inputs [4, 5, 2], element i of which is 7 i mod 11 / 4 - 1,
labels 0 1 1 0, were trained by

    recur train model.json --data x.npy --labels y.npy --epochs 8 --learning-rate 0.05 --seed 5 \
      --save version1.safetensors
    recur predict version1.safetensors --input x.npy --output version1_predictions.npy
"""
import argparse
import pathlib

if __name__ == "__main__":  # Ahead of what may not be installed.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

import numpy
import safetensors
import safetensors.numpy
from numpy.lib import format as npy

HERE = pathlib.Path(__file__).resolve().parent


def values(dtype, *shape):
    index = numpy.arange(int(numpy.prod(shape)))
    kind = numpy.dtype(dtype).kind
    made = {"f": index / 4 - 1, "i": 3 * index - 2, "u": 3 * index, "b": index % 3 == 1}[kind]
    return made.astype(dtype).reshape(shape)


def bfloat16(*shape):
    """The upper halves of float32: exact for these values."""
    return (values("f4", *shape).view("u4") >> 16).astype("u2")


def specification(dtype, array):
    return safetensors.TensorSpec(
        dtype=dtype, shape=array.shape, data_ptr=array.ctypes.data, data_len=array.nbytes)


def make_safetensors():
    native = {
        "b.kernel": values("f4", 3, 5),
        "a.kernel": values("f4", 2, 3, 2),
        "scalar": values("f4"),
        "empty": values("f4", 0, 3),
        "double": values("f8", 7),
        "labels": values("i4", 5),
        'quote " slash \\ tab \t bell \a': values("f4", 1),
        "\u732b \U0001f408": values("f4", 2),
    }
    safetensors.numpy.save_file(native, HERE / "native.safetensors", {"note": 'line\nend, "quoted", \u9c7c'})
    safetensors.numpy.save_file({"x": values("f4", 4)}, HERE / "without_metadata.safetensors")
    names = ("bool", "uint8", "int8", "uint16", "int16", "float16", "uint32", "uint64", "int64")
    # The specifications hold addresses, so the arrays must outlive them.
    other = {name: values(name, 2, 3) for name in names} | {"bfloat16": bfloat16(2, 3)}
    (HERE / "other.safetensors").write_bytes(
        safetensors.serialize({name: specification(name, array) for name, array in other.items()}, None))


def make_npy():
    for name, array in {
        "f4": values("<f4", 3, 4), "f8": values("<f8", 2, 3, 2), "i4": values("<i4", 5), "scalar": values("<f8"),
        "empty": values("<f4", 0, 3), "long": values("<i4", 1234),
        "b1": values("?", 7), "u1": values("u1", 3, 2), "i1": values("i1", 3, 2), "u2": values("<u2", 3, 2),
        "i2": values("<i2", 3, 2), "f2": values("<f2", 3, 2), "u4": values("<u4", 3, 2), "u8": values("<u8", 3, 2),
        "i8": values("<i8", 3, 2), "big_f4": values(">f4", 3, 2), "big_f8": values(">f8", 3, 2),
        "big_i2": values(">i2", 3, 2), "big_i4": values(">i4", 3, 2), "big_i8": values(">i8", 3, 2),
        "fortran": numpy.asfortranarray(values("<f4", 2, 3, 4)),
    }.items():
        numpy.save(HERE / f"{name}.npy", array)
    for version in (2, 3):
        with open(HERE / f"version{version}.npy", "wb") as file:
            npy.write_array(file, values("<f4", 3, 4), version=(version, 0))


if __name__ == "__main__":
    make_safetensors()
    make_npy()
