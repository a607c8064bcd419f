#!/usr/bin/env python3
"""Writes the models in keras/: architecture, weights in each of Keras' files, and what they answer.

Made with Python 3.11, keras 3.15.1, tensorflow-cpu 2.21.0, tf_keras 2.21.0 (the Keras 2 of its time), h5py 3.14.0,
numpy 2.4.6, safetensors 0.8.0:

    pip install keras==3.15.1 tensorflow-cpu==2.21.0 tf_keras==2.21.0 h5py==3.14.0 numpy==2.4.6 safetensors==0.8.0
    python make_keras.py

NAME.json is the architecture, NAME.weights.h5 and NAME.h5 are Keras 3's, NAME.2.weights.h5 and NAME.2.h5 of Keras 2
with the same weights; keras.safetensors has NAME.input and NAME.output. hdf5.h5 has one of everything that the
reader of HDF5 knows, small.h5 little of it, and refused.h5 one of everything that it does not follow.
"""
import argparse
import os
import pathlib
import zlib

if __name__ == "__main__":  # Ahead of what may not be installed.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", TF_ENABLE_ONEDNN_OPTS="0")

import h5py
import keras as keras3
import numpy as np
import tf_keras as keras2
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent / "keras"
ROWS, STEPS, FEATURES = 2, 6, 3


def seeded(*words):
    return np.random.default_rng(zlib.crc32("/".join(words).encode()))


def recurrent(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((STEPS, FEATURES)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True, dropout=0.1)),
        layers.Bidirectional(
            layers.GRU(3, return_sequences=True, reset_after=False), merge_mode="sum",
            backward_layer=layers.GRU(3, return_sequences=True, reset_after=False, go_backwards=True, use_bias=False)),
        layers.LSTM(2, return_sequences=True, name="zeta"),
        layers.Dropout(0.2),
        layers.SimpleRNN(5, return_sequences=True),
        layers.LSTM(4, return_sequences=True, use_bias=False, name="alpha"),
        layers.RNN([layers.LSTMCell(2), layers.GRUCell(3), layers.LSTMCell(5)], return_sequences=True),
        layers.RNN(layers.SimpleRNNCell(4), return_sequences=True),
        layers.GRU(3, return_sequences=True),
        layers.TimeDistributed(layers.Dense(4)),
        layers.Dense(2, name="first"),
        layers.Dense(3, name="earlier"),
    ], name="recurrent")


def around(keras):
    layers = keras.layers
    return keras.Sequential([
        keras.Input((STEPS,), dtype="int32"),
        layers.Embedding(11, 4),
        layers.Conv1D(6, 3, padding="same"),
        layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2),
        layers.SeparableConv1D(8, 3, padding="same"),
        layers.BatchNormalization(),
        layers.LayerNormalization(),
        layers.PReLU(shared_axes=[1]),
        layers.GroupNormalization(4),
        layers.BatchNormalization(scale=False),
        layers.Normalization(),
        layers.Dense(2, use_bias=False),
    ], name="around")


def graph(keras):
    layers = keras.layers
    x = keras.Input((STEPS, FEATURES), name="x")
    inner_x = keras.Input((STEPS, 5), name="inner_x")
    inner = keras.Model(inner_x, layers.LSTM(3, return_sequences=True)(layers.BatchNormalization()(inner_x)))
    chain = keras.Sequential([keras.Input((STEPS, 3)), layers.Dense(6), layers.BatchNormalization(), layers.Dense(5)])
    shared = layers.Dense(5, name="shared")
    left, right = shared(x), layers.Dense(5, name="right")(x)
    again = shared(layers.Dense(3, name="down")(right))
    read = inner(layers.Add()([left, again]))
    mixed = chain(read)
    heads = layers.MultiHeadAttention(2, 3, dropout=0.1)(mixed, right)
    other = layers.MultiHeadAttention(1, 2, use_bias=False)(heads, mixed)
    found = layers.AdditiveAttention()([other, heads])
    found = layers.Attention(use_scale=True)([found, heads])
    second = inner(found)
    out = layers.Concatenate()([second, layers.Dense(2, name="side")(left)])
    return keras.Model(x, layers.Dense(3, name="out")(out), name="graph")


def values(name, layer, weights):
    """Numbers of a layer's weights, none of them constant; variances are above 0."""
    random = seeded("make_keras", name, layer)
    return [
        (np.abs(random.normal(1, 0.3, w.shape)) + 0.2 if "variance" in n else random.normal(0, 0.4, w.shape)).astype(
            np.int64 if "count" in n else np.float32)
        for n, w in weights]


def give(name, model):
    """Gives the layers weights by their places in the model, so that both versions of Keras have the same."""
    for index, layer in enumerate(layer for layer in model.layers if layer.weights):
        layer.set_weights(values(name, str(index), [(w.name, w) for w in layer.weights]))
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def models():
    tensors = {}
    for make in (recurrent, around, graph):
        name = make.__name__
        keras3.utils.clear_session()
        model = make(keras3)
        give(name, model)
        (HERE / f"{name}.json").write_text(model.to_json() + "\n")
        model.save_weights(HERE / f"{name}.weights.h5")
        if name == "graph":
            model.save(HERE / f"{name}.h5")
        random = seeded("make_keras", name)
        shape = (ROWS, *model.inputs[0].shape[1:])
        x = random.normal(size=shape).astype(np.float32)
        if "int" in model.inputs[0].dtype:
            x = random.integers(0, 11, shape).astype(np.int32)
        tensors[f"{name}.input"] = x
        tensors[f"{name}.output"] = np.asarray(model(x))
        if name == "around":
            # Keras 2 has no such layers, or others by these names.
            continue
        keras2.backend.clear_session()
        old = make(keras2)
        give(name, old)
        np.testing.assert_allclose(np.asarray(old(x)), tensors[f"{name}.output"], atol=2e-6)
        old.save_weights(HERE / (f"{name}.2.weights.h5" if name == "graph" else f"{name}.2.h5"))
    save_file(tensors, HERE / "keras.safetensors")
    (HERE / "keras.safetensors").chmod(0o644)


def containers():
    import ml_dtypes
    with h5py.File(HERE / "hdf5.h5", "w") as file:
        for dtype in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
                      "float64", ">f4", ">i2"):
            file[f"types/{dtype}"] = (np.arange(6) * 3).reshape(2, 3).astype(dtype)
        file["types/bool"] = np.array([True, False, True])
        half = file.create_dataset("types/bfloat16", data=np.array([1.5, -2, 0.25], ml_dtypes.bfloat16))
        half.attrs["dtype"] = "bfloat16"
        file["scalar"], file["empty"] = np.float32(2.5), np.zeros((0, 3), np.float32)
        file.create_dataset("unwritten", (2, 2), "f4", fillvalue=7)
        plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plain.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((3,))
        h5py.h5d.create(file.id, b"compact", h5py.h5t.NATIVE_INT32, space, plain).write(
            h5py.h5s.ALL, h5py.h5s.ALL, np.array([4, 5, 6], np.int32))
        numbers = np.arange(7 * 10, dtype=np.float32).reshape(7, 10)
        file.create_dataset("chunked", data=numbers, chunks=(3, 4))
        file.create_dataset("shuffled", data=numbers, chunks=(4, 5), shuffle=True)
        file.create_dataset("deflated", data=numbers, chunks=(7, 3), compression="gzip", shuffle=True)
        file.create_dataset("noise", data=seeded("noise").normal(size=(90, 9)).astype("f4"), chunks=(90, 9),
                            compression="gzip")
        attributes = {"text": "héé", "bytes": b"abc", "empty": "", "none": np.asarray([]), "texts": ["a", "bcdé"],
                      "fixed": np.array([b"a", b"bcd"]), "number": np.float32(1.5), "numbers": np.arange(3)}
        for name, value in attributes.items():
            file.attrs[name] = value
        for count in (1, 8, 9, 100, 300):
            for index in range(count):
                file[f"counts/{count}/{index}"] = file["scalar"]
        deep = file
        for level in range(20):
            deep = deep.create_group(f"deep{level}")
        deep["end"] = np.int32(20)
        for index in range(40):
            deep.attrs[f"attribute {index}"] = "x" * index
    with h5py.File(HERE / "small.h5", "w") as file:
        file["group/numbers"] = np.arange(3, dtype=np.float32)
        file.create_dataset("chunks", data=np.arange(12, dtype=np.int16), chunks=(5,), compression="gzip", shuffle=True)
        file["group"].attrs["name"] = "small"
        file["group"].attrs["list"] = np.array([b"a", b"bcd"])
    with h5py.File(HERE / "refused.h5", "w") as file:
        file["good"] = np.float32(1)
        file["soft"] = h5py.SoftLink("/good")
        file["links/external"] = h5py.ExternalLink("hdf5.h5", "/scalar")
        file.create_dataset("outside", (2,), "f4", external=[("elsewhere.bin", 0, 8)])
        layout = h5py.VirtualLayout((1,), "f4")
        layout[0] = h5py.VirtualSource("hdf5.h5", "scalar", ())
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("lzf", data=np.zeros(9, "f4"), compression="lzf")
        file.create_dataset("checked", data=np.zeros(9, "f4"), fletcher32=True)
        file["compound"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
        file["reference"] = np.array([file["good"].ref], h5py.ref_dtype)
        file["named"] = np.dtype("f4")
        file.create_dataset("texts", data=["a", "b"])
        file.create_group("ordered", track_order=True)["inside"] = np.float32(1)
        file["null"] = h5py.Empty("f4")
        file.create_dataset("huge", (1 << 40,), "f4")


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    containers()
    models()
