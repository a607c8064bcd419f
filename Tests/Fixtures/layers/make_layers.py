#!/usr/bin/env python3
"""Writes a Keras 3 model's configuration and what its summary prints, with layers whose names wrap or count oddly.

Made with keras 3.15.1 and tensorflow-cpu 2.21.0, on Python 3.11: python3 make_layers.py
"""
import argparse
import json
import os
import pathlib

if __name__ == "__main__":  # Ahead of what may not be installed.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

import keras

L = keras.layers
FOLDER = pathlib.Path(__file__).resolve().parent


def model():
    """A wrapped Dense is named before its wrapper, so that the later one is dense_1."""
    return keras.Sequential([
        keras.Input((None,), dtype="int32"),
        L.Embedding(50, 8, mask_zero=True),
        L.Bidirectional(L.LSTM(4, return_sequences=True)),
        L.LayerNormalization(),
        L.Dropout(0.2),
        L.TimeDistributed(L.Dense(3)),
        L.GRU(5),
        L.Activation("relu"),
        L.Dense(3, activation="softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=0.1)),
        L.Flatten(),
    ])


def write_summary(name, columns, made, **options):
    os.environ["COLUMNS"] = str(columns)
    printed = []
    made.summary(print_fn=printed.append, **options)
    (FOLDER / f"{name}.txt").write_bytes("".join(printed).encode())


made = model()
(FOLDER / "sequential.json").write_text(json.dumps(made.get_config(), indent=1) + "\n")
write_summary("sequential", 80, made)
write_summary("sequential_60", 200, made, line_length=60)
write_summary("sequential_show_trainable", 80, made, show_trainable=True)
