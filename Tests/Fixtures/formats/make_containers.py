#!/usr/bin/env python3
"""Writes the archives beside this script as NumPy and PyTorch write them.

Made with Python 3.11, numpy 2.4.6, torch 2.13.0 (CPU):

    pip install numpy==2.4.6 && pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
    python make_containers.py

Element i of a floating array is i / 4 - 1, of an integer array 3 i - 2 (unsigned: 3 i), of a boolean array i % 3 == 1.
"""
import argparse
import pathlib

if __name__ == "__main__":  # Ahead of what may not be installed.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

import collections
import io

import numpy
import torch

HERE = pathlib.Path(__file__).resolve().parent


def values(dtype, *shape):
    index = numpy.arange(int(numpy.prod(shape)))
    kind = numpy.dtype(dtype).kind
    made = {"f": index / 4 - 1, "i": 3 * index - 2, "u": 3 * index, "b": index % 3 == 1}[kind]
    return made.astype(dtype).reshape(shape)


def numpy_files():
    arrays = {
        name: values(name, 2, 3)
        for name in ("bool", "uint8", "int8", "uint16", "int16", "float16", "uint32", "int32", "float32", "uint64",
                     "int64", "float64")}
    arrays |= {
        "big": values(">f4", 2, 3), "fortran": numpy.asfortranarray(values("float64", 2, 3, 4)),
        "scalar": values("float32").reshape(()), "empty": values("int32", 0, 3), "folder/name": values("int16", 5)}
    numpy.savez(HERE / "numpy_stored.npz", **arrays)
    numpy.savez_compressed(HERE / "numpy_deflated.npz", a=values("float32", 20, 3), b=values("int64", 2, 2))


def save(name, value, **options):
    """Saves through memory: a path would put its name into the archive."""
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    (HERE / name).write_bytes(buffer.getvalue())


def torch_files():
    base = torch.arange(24.) / 4 - 1
    state = collections.OrderedDict(
        (name, torch.from_numpy(values(name, 2, 3)))
        for name in ("float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"))
    state["bfloat16"] = torch.from_numpy(values("float32", 2, 3)).to(torch.bfloat16)
    state["transposed"] = base.reshape(4, 6).T
    state["part"] = base[5:20:3]
    state["expanded"] = base[2:3].expand(3, 2)
    state["scalar"] = torch.tensor(2.5)
    state["empty"] = torch.zeros(0, 3)
    state["parameter"] = torch.nn.Parameter(base[:6].reshape(2, 3))
    save("torch_state.pt", {
        "epoch": 7, "lr": 0.5, "note": "a b", "done": True, "nothing": None, "sizes": torch.Size([2, 3]),
        "model": {"net": state}, "list": [base[:2], (base[2:3], 4)]})
    save("torch_legacy.pt", {"model": {"net": state}}, _use_new_zipfile_serialization=False)
    module = torch.nn.Linear(2, 3)
    save("torch_module.pt", module)
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), buffer)
    (HERE / "torch_script.pt").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    torch.manual_seed(0)
    numpy_files()
    torch_files()
