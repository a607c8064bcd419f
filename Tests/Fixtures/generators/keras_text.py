"""What Keras 3 prints, byte for byte: model summaries and progress lines, as text/*.txt and the events behind them."""
import contextlib
import io
import json
import os

import keras
import numpy as np
from keras.src.callbacks import progbar_logger
from keras.src.utils import progbar

from .fixture import FOLDER, seeded

TEXT = FOLDER / "text"
L = keras.layers


class Clock:
    """Stands in for the `time` module of Keras' progress bar, so that the printed durations are always the same."""
    now = 1000.0

    def time(self):
        return self.now


class Durations(keras.callbacks.Callback):
    """Lets a first step take 2 s, a later one 0.25 s, a validation step 0.1 s."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def on_train_batch_begin(self, batch, logs=None):
        self.clock.now += 2.0 if batch == 0 else 0.25

    def on_test_batch_begin(self, batch, logs=None):
        self.clock.now += 0.1


def recording(events, clock):
    """Makes a progress bar class that notes every call, for a test to replay."""
    class Recording(progbar.Progbar):
        def __init__(self, target, verbose=1, **options):
            events.append({"target": target, "verbose": verbose, "time": clock.now})
            super().__init__(target, verbose=verbose, **options)

        def update(self, current, values=None, finalize=None):
            noted = [[name, float(value)] for name, value in values or []]
            events.append({"current": current, "values": noted, "finalize": finalize, "time": clock.now})
            super().update(current, values, finalize)
    return Recording


def write_progress(name, act):
    """Stores the bytes that `act(clock, bar class)` prints, and the events that led to them."""
    events, clock, printed = [], Clock(), io.StringIO()
    bar = recording(events, clock)
    real_time, progbar.time = progbar.time, clock
    real_bar, progbar_logger.Progbar = progbar_logger.Progbar, bar
    try:
        with contextlib.redirect_stdout(printed):
            act(clock, bar)
    finally:
        progbar.time, progbar_logger.Progbar = real_time, real_bar
    (TEXT / f"{name}.txt").write_bytes(printed.getvalue().encode())
    (TEXT / f"{name}.json").write_text("[\n" + ",\n".join("  " + json.dumps(event) for event in events) + "\n]\n")
    print(f"text/{name}.txt: {len(printed.getvalue().encode())} bytes", flush=True)


def write_summary(name, model, columns, **options):
    """Stores summary() as printed on a terminal of that many columns; without a terminal Keras assumes 80."""
    os.environ["COLUMNS"] = str(columns)
    printed = []
    model.summary(print_fn=printed.append, **options)
    (TEXT / f"{name}.txt").write_bytes("".join(printed).encode())
    print(f"text/{name}.txt: {max(map(len, printed[0].splitlines()))} wide", flush=True)


def built(layers, shape):
    """Builds a model whose layers are numbered from the start, as in a fresh process."""
    keras.utils.clear_session()
    model = keras.Sequential(([keras.Input(shape, dtype="int32")] if shape else []) + layers())
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    random = seeded("keras_text")
    model.set_weights([random.normal(0, 0.3, weight.shape).astype(np.float32) for weight in model.weights])
    return model


def stack():
    return [L.Embedding(50, 8), L.Bidirectional(L.LSTM(4, return_sequences=True)), L.GRU(5), L.Dense(3, "softmax")]


def lesson(recurrent):
    return lambda: [L.Embedding(5000, 60), recurrent(), L.Dense(10, "relu"), L.Dense(6, "softmax")]


LESSON = {"simple_rnn": lambda: L.SimpleRNN(100), "lstm": lambda: L.LSTM(100), "gru": lambda: L.GRU(100),
          "bidirectional": lambda: L.Bidirectional(L.LSTM(100))}


def make_summaries():
    models = {"stack": (stack, (12,), 50)} | {f"lesson_{cell}": (lesson(recurrent), (None,), 5000)
                                              for cell, recurrent in LESSON.items()}
    for name, (layers, shape, vocabulary) in models.items():
        model = built(layers, shape)
        write_summary(f"summary_{name}", model, 80)
        write_summary(f"summary_{name}_wide", model, 200)
        ids = seeded("keras_text", name).integers(0, vocabulary, (4, 12))
        model.fit(ids, np.array([0, 1, 2, 1]), verbose=0)
        write_summary(f"summary_{name}_trained", model, 80)
        write_summary(f"summary_{name}_trained_wide", model, 200)
    model = built(stack, (12,))
    model.layers[0].trainable = False
    write_summary("summary_stack_frozen_show_trainable", model, 200, show_trainable=True)
    write_summary("summary_lesson_bidirectional_unbuilt", built(lesson(LESSON["bidirectional"]), None), 200)


def fit(verbose, rows=24, **options):
    def act(clock, _):
        random = seeded("keras_text", "data")
        x, y = random.integers(0, 50, (rows, 12)), random.integers(0, 3, rows)
        built(stack, (12,)).fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=verbose,
                                callbacks=[Durations(clock)], **options)
    return act


def evaluate(verbose):
    def act(clock, _):
        random = seeded("keras_text", "data")
        x, y = random.integers(0, 50, (24, 12)), random.integers(0, 3, 24)
        built(stack, (12,)).evaluate(x, y, batch_size=8, verbose=verbose, callbacks=[Durations(clock)])
    return act


def formats(clock, bar):
    """Drives the bar itself through the formats that a short run does not reach."""
    for target, step_seconds, values in ((12000, 2.0, (1.5, 12345.678)), (150, 1.0, (0.001, 0.00100001)),
                                         (12, 0.0004, (-0.0005, 0.0)), (7, 0.02, (-2.5, 1e-9)),
                                         (None, 0.3, (0.25, 2.0))):
        line = bar(target, stateful_metrics={"loss", "mae"})
        for current in (1, 2, 3, 7):
            clock.now += step_seconds * (1 if current < 7 else 4)
            line.update(current, [("loss", values[0]), ("mae", values[1])], finalize=False)
        line.update(target or 7, [("loss", values[0]), ("mae", values[1])], finalize=True)


def make():
    TEXT.mkdir(exist_ok=True)
    make_summaries()
    for verbose in (1, 2):
        write_progress(f"fit_verbose_{verbose}", fit(verbose))
        write_progress(f"fit_validation_verbose_{verbose}", fit(verbose, rows=34, validation_split=0.3))
        write_progress(f"evaluate_verbose_{verbose}", evaluate(verbose))
    write_progress("bar_formats", formats)
