#!/usr/bin/env python3
"""Writes the models in models/: each saved by Keras in the middle of its training.

Made with Python 3.11, keras 3.15.1, tensorflow-cpu 2.21.0, numpy 2.4.6, safetensors 0.8.0:

    pip install keras==3.15.1 tensorflow-cpu==2.21.0 numpy==2.4.6 safetensors==0.8.0
    python make_keras_models.py

keras_models.safetensors holds inputs, what the saved model answers, labels, the history of three further epochs and the
weights after them.
"""
import argparse
import os

if __name__ == "__main__":  # Ahead of what may not be installed.
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()

os.environ.update(CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow")

import keras
import numpy as np
from keras import layers, ops, optimizers
from safetensors.numpy import save_file

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
ROWS, BATCH, SPLIT = 7, 3, 0.3


def models():
    """Yields models with loss and optimiser; rows, steps, features and units all differ."""
    schedules = optimizers.schedules

    def chain(name, *parts, shape, **settings):
        model = keras.Sequential([keras.Input(shape), *parts], name=name)
        model.compile(**settings)
        return model

    yield chain(
        "classes",
        layers.LSTM(5, return_sequences=True),
        layers.Bidirectional(layers.GRU(3)),
        layers.Dense(4, activation="softmax"),
        shape=(6, 2),
        loss="sparse_categorical_crossentropy",
        optimizer=optimizers.SGD(0.1, momentum=0.5, clipnorm=0.05),
        metrics=["accuracy"],
        weighted_metrics=["accuracy"],
    )
    yield chain(
        "rules",
        layers.SimpleRNN(
            4,
            return_sequences=True,
            kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02),
            recurrent_constraint=keras.constraints.UnitNorm(),
        ),
        layers.BatchNormalization(momentum=0.9),
        layers.GRU(3, reset_after=False, activity_regularizer=keras.regularizers.L2(0.01)),
        layers.Dense(1, activation="sigmoid", bias_constraint="non_neg"),
        shape=(5, 3),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=0.1),
        optimizer=optimizers.SGD(schedules.ExponentialDecay(0.1, 2, 0.8), momentum=0.9, nesterov=True),
        metrics=["binary_accuracy", keras.metrics.AUC(num_thresholds=20)],
    )
    yield chain(
        "cells",
        layers.RNN([layers.LSTMCell(3), layers.GRUCell(4)], return_sequences=True),
        layers.TimeDistributed(layers.Dense(2)),
        shape=(5, 3),
        loss=keras.losses.Huber(0.5),
        optimizer=optimizers.Nadam(0.01, global_clipnorm=0.5),
        metrics=["mae"],
    )

    words = keras.Input((5,), dtype="int32", name="words")
    numbers = keras.Input((2,), name="numbers")
    embedded = layers.Embedding(9, 4, mask_zero=True, name="embedded")(words)
    sequence, h, c = layers.LSTM(3, return_sequences=True, return_state=True, name="encoder")(embedded)
    decoded = layers.LSTM(3, return_sequences=True, name="decoder")(embedded, initial_state=[h, c])
    both = layers.Attention(name="attention")([decoded, sequence])
    joined = layers.Concatenate(name="joined")([layers.GlobalMaxPooling1D(name="most")(both), numbers])
    kind = layers.Dense(3, activation="softmax", name="first")(joined)
    size = layers.Dense(1, name="second")(joined)
    model = keras.Model({"words": words, "numbers": numbers}, {"kind": kind, "size": size}, name="outputs")
    model.compile(
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        optimizer=optimizers.SGD(0.1),
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    yield model

    inner_input = keras.Input((5, 2))
    inner = keras.Model(inner_input, layers.LSTM(3, name="inside")(inner_input), name="inner")
    left, right = keras.Input((5, 2), name="left"), keras.Input((5, 2), name="right")
    a, b = inner(left), inner(right)
    x = ops.concatenate([ops.abs(a - b), a * b, ops.mean(left, axis=1)], axis=-1)
    x = ops.where(x > 0.1, x * 2.0, x - 1.0)
    x = ops.reshape(x, (-1, 2, 4))[:, 0, 1:]
    model = keras.Model([left, right], layers.Dense(1, name="score")(x), name="twins")
    model.compile(loss="mae", optimizer=optimizers.RMSprop(0.01, centered=True, momentum=0.5), metrics=["mse"])
    yield model


def main():
    os.makedirs(HERE, exist_ok=True)
    values = {}
    for number, model in enumerate(models()):
        random = np.random.default_rng(number)
        keras.utils.set_random_seed(number)
        inputs = model._inputs_struct if not isinstance(model, keras.Sequential) else model.inputs[0]
        outputs = model._outputs_struct if not isinstance(model, keras.Sequential) else model.outputs[0]
        flat = keras.tree.flatten(inputs)
        x = []
        for tensor in flat:
            shape = (ROWS, *tensor.shape[1:])
            x.append(
                random.integers(0, 9, shape).astype("int32")
                if tensor.dtype == "int32"
                else random.normal(size=shape).astype("float32")
            )
        y = []
        losses = keras.tree.flatten(model.loss) if not isinstance(model.loss, dict) else list(model.loss.values())
        for tensor, loss in zip(keras.tree.flatten(outputs), losses):
            shape = (ROWS, *tensor.shape[1:])
            if str(loss).startswith("sparse"):
                y.append(random.integers(0, shape[-1], shape[:-1]).astype("int32"))
            else:
                y.append(random.random(shape).round().astype("float32"))
        packed_x, packed_y = keras.tree.pack_sequence_as(inputs, x), keras.tree.pack_sequence_as(outputs, y)
        weights = (random.random(ROWS) + 0.5).astype("float32") if model.name in ("classes", "rules") else None
        settings = dict(batch_size=BATCH, shuffle=False, verbose=0, validation_split=SPLIT, sample_weight=weights)
        model.fit(packed_x, packed_y, epochs=2, **settings)
        path = os.path.join(HERE, model.name + ".keras")
        model.save(path)
        # Keras does not keep all settings of losses: what the file says is what goes on.
        model = keras.models.load_model(path)
        predictions = keras.tree.flatten(model.predict(packed_x, verbose=0))
        history = model.fit(packed_x, packed_y, epochs=3, **settings).history
        for index, array in enumerate(x):
            values[f"{model.name}/x/{index}"] = array
        for index, array in enumerate(y):
            values[f"{model.name}/y/{index}"] = array
        for index, array in enumerate(predictions):
            values[f"{model.name}/predictions/{index}"] = array
        if weights is not None:
            values[f"{model.name}/sample_weights"] = weights
        for name, numbers in history.items():
            values[f"{model.name}/history/{name}"] = np.array(numbers, "float64")
        for index, array in enumerate(model.get_weights()):
            values[f"{model.name}/weights/{index:02d}"] = array
    save_file(values, os.path.join(HERE, "keras_models.safetensors"))


if __name__ == "__main__":
    main()
