"""Graphs of layers in Keras' functional form: their JSON and summaries, and what they compute."""
import json
import os

import keras
import numpy as np

from .fixture import FOLDER, seeded
from .keras_text import TEXT, write_summary

L = keras.layers


def residual():
    x = L.Input((None, 8), name="x")
    read = L.Bidirectional(L.LSTM(4, return_sequences=True), name="read")(x)
    added = L.Add(name="residual")([x, read])
    return keras.Model([x], [L.Dense(3, activation="softmax", name="tags")(added)], name="residual")


def translator():
    source, target = L.Input((7,), name="source", dtype="int32"), L.Input((5,), name="target", dtype="int32")
    table = L.Embedding(11, 6, name="table")
    encoder = L.LSTM(4, return_sequences=True, return_state=True, name="encoder")
    encoded, h, c = encoder(table(source))
    decoded = L.LSTM(4, return_sequences=True, name="decoder")(table(target), initial_state=[h, c])
    scores = L.Dot(axes=(2, 2), name="scores")([decoded, encoded])
    weights = L.Softmax(name="weights")(scores)
    context = L.Dot(axes=(2, 1), name="context")([weights, encoded])
    both = L.Concatenate(name="both")([context, decoded])
    return keras.Model([source, target], [L.Dense(11, activation="softmax", name="words")(both)], name="translator")


def chain():
    x = L.Input((None, 3), name="x")
    return keras.Model([x], [L.Dense(2, name="out")(L.GRU(5, name="gru")(x))], name="chain")


def unnamed():
    x, y = L.Input((4,)), L.Input((4,))
    shared = L.Dense(4)
    first, second = shared(x), shared(y)
    joined = L.Concatenate()([L.Dense(2)(second), first, shared(first)])
    return keras.Model([x, y], [L.Dense(1)(joined), L.Dense(2)(joined)])


def make():
    from safetensors.numpy import save_file
    tensors = {}
    for make_model in (residual, translator, chain, unnamed):
        keras.utils.clear_session()
        name, model = make_model.__name__, make_model()
        (TEXT / f"graph_{name}.json").write_text(json.dumps(json.loads(model.to_json()), indent=1) + "\n")
        write_summary(f"summary_graph_{name}", model, 200)
        write_summary(f"summary_graph_{name}_narrow", model, 80)
        random = seeded("keras_graphs", name)
        model.set_weights([random.normal(0, 0.5, weight.shape).astype(np.float32) for weight in model.weights])
        inputs = []
        for x in model.inputs:
            shape = (2,) + tuple(6 if extent is None else extent for extent in x.shape[1:])
            whole = x.dtype == "int32"
            inputs.append(random.integers(0, 11, shape).astype(np.int32) if whole
                          else random.normal(size=shape).astype(np.float32))
        outputs = model(inputs)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        tensors |= {f"{name}.weight_{i}": w for i, w in enumerate(model.get_weights())}
        tensors |= {f"{name}.input_{i}": x for i, x in enumerate(inputs)}
        tensors |= {f"{name}.output_{i}": np.asarray(y) for i, y in enumerate(outputs)}
    frozen = translator()
    frozen.get_layer("table").trainable = False
    write_summary("summary_graph_translator_frozen", frozen, 200, show_trainable=True, line_length=110)
    save_file(tensors, FOLDER / "keras_graphs.safetensors")
    os.environ.pop("COLUMNS", None)
