#!/usr/bin/env python3
"""Lets Keras and h5py read what Recurra has written, and compares what Keras' models answer.

    RECURRA_KERAS_FOLDER=FOLDER swift test --filter "KerasWeightsTests|HDF5Tests"
    python check_keras.py FOLDER

FOLDER then holds NAME.weights.h5 for the models of make_keras.py, whose head says what is to be installed, a copy of
its hdf5.h5, and members.COUNT.h5 with groups of as many members.
"""
import argparse
import os
import pathlib

PARSER = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
PARSER.add_argument("folder", type=pathlib.Path)
if __name__ == "__main__":  # Ahead of what may not be installed.
    FOLDER = PARSER.parse_args().folder

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")

import h5py
import keras
import numpy as np
from safetensors.numpy import load_file

HERE = pathlib.Path(__file__).resolve().parent / "keras"


def main():
    expected = load_file(HERE / "keras.safetensors")
    for path in sorted(FOLDER.glob("*.weights.h5")):
        name = path.name.split(".")[0]
        model = keras.models.model_from_json((HERE / f"{name}.json").read_text())
        model.load_weights(path)
        output = np.asarray(model(expected[f"{name}.input"]))
        difference = np.abs(output - expected[f"{name}.output"]).max()
        assert difference < 1e-6, (name, difference)
        print(f"{path.name}: largest difference {difference:.1e}")
    for path in sorted(FOLDER.glob("members.*.h5")):
        count = int(path.name.split(".")[1])
        with h5py.File(path) as file:
            assert set(file) == {f"member {i}" for i in range(count)}, path
            assert all(len(file[name]) == 0 for name in file), path
        print(f"{path.name}: {count} groups")
    with h5py.File(FOLDER / "hdf5.h5") as ours, h5py.File(HERE / "hdf5.h5") as theirs:
        found = []
        theirs.visititems(lambda name, item: found.append(name))
        for name in found:
            if isinstance(theirs[name], h5py.Dataset):
                np.testing.assert_array_equal(ours[name][()], theirs[name][()], name)
                if name != "types/bfloat16":
                    assert ours[name].dtype == theirs[name].dtype.newbyteorder("<"), name
            for key, value in theirs[name].attrs.items():
                np.testing.assert_array_equal(ours[name].attrs[key], value)
        for key, value in theirs.attrs.items():
            if key != "fixed":  # Texts of one size become texts of any.
                np.testing.assert_array_equal(ours.attrs[key], value)
    print(f"hdf5.h5: {len(found)} objects")


if __name__ == "__main__":
    main()
