"""Ten batches of the lesson's program in Keras 3: initial weights, data, and each batch's loss before its update."""
import keras
import numpy as np
import tensorflow as tf

from .fixture import Fixture, normal, seeded
from .keras_cells import VERSIONS, set_precision, weights

VOCABULARY, EMBEDDING, UNITS, TIMESTEPS, BATCH, BATCHES = 30, 60, 100, 12, 64, 10
CELLS = ("simple_rnn", "lstm", "gru", "bidirectional")


class DenseAdam(keras.optimizers.Adam):
    """Adam as Keras means it, and as its JAX and PyTorch backends run it.

    On TensorFlow the gradient of an embedding is a list of rows, in which an id that a batch holds n times stands n
    times; Keras squares the rows one by one before they are added up, so the second moment is Σg² instead of (Σg)².
    """

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(tf.convert_to_tensor(gradient), variable, learning_rate)


def data(masked):
    """Returns ids and labels that a model can learn from: a label counts the ids below 8, 0…5.

    Ids from 20 on are absent from two batches out of three: Adam must still move their embeddings by its momentum.
    """
    random = seeded("keras_lesson", "masked" if masked else "plain")
    x = random.integers(1, VOCABULARY, (BATCH * BATCHES, TIMESTEPS)).astype(np.int32)
    absent = np.arange(len(x)) // BATCH % 3 != 0
    x[absent[:, None] & (x >= 20)] -= 12
    if masked:
        lengths = random.integers(1, TIMESTEPS + 1, len(x))
        x[np.arange(TIMESTEPS) >= lengths[:, None]] = 0
    y = np.minimum(((x > 0) & (x < 8)).sum(-1), 5).astype(np.int32)
    return x, y


def initial_weights(cell):
    """Draws weights at the scale of Keras' initialisers, by name, in the order of `Sequential.weights`."""
    random = seeded("keras_lesson", cell)
    made = {"embedding": random.uniform(-0.05, 0.05, (VOCABULARY, EMBEDDING)).astype(np.float32)}
    recurrent = {name: (value * 0.15 if name.endswith("bias") else value * 0.25 if name.endswith("_kernel") else
                        value * 0.2).astype(np.float32)
                 for prefix in (("", "backward_") if cell == "bidirectional" else ("",))
                 for name, value in weights(random, "lstm" if cell == "bidirectional" else cell,
                                            EMBEDDING, UNITS, True, prefix).items()}
    made.update(recurrent)
    width = UNITS * (2 if cell == "bidirectional" else 1)
    made.update(dense_kernel=normal(random, width, 10, scale=0.15), dense_bias=normal(random, 10, scale=0.05),
                output_kernel=normal(random, 10, 6, scale=0.35), output_bias=normal(random, 6, scale=0.05))
    return made


def make_model(cell, masked=False, dtype="float32"):
    set_precision(dtype)
    recurrent = {"simple_rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU}.get(cell, keras.layers.LSTM)(UNITS)
    if cell == "bidirectional":
        recurrent = keras.layers.Bidirectional(recurrent)
    model = keras.Sequential([
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(VOCABULARY, EMBEDDING, mask_zero=masked),
        recurrent,
        keras.layers.Dense(10, activation="relu"),
        keras.layers.Dense(6, activation="softmax"),
    ])
    model.compile(loss="sparse_categorical_crossentropy", optimizer=DenseAdam(), metrics=["accuracy"])
    return model


def ten_losses(cell, given, x, y, masked, dtype):
    model = make_model(cell, masked, dtype)
    model.set_weights(list(given.values()))
    losses, accuracies = [], []
    for start in range(0, len(x), BATCH):
        model.reset_metrics()
        batch = slice(start, start + BATCH)
        logs = model.train_on_batch(x[batch], y[batch], return_dict=True)
        losses.append(float(logs["loss"]))
        accuracies.append(float(logs["accuracy"]))
    return np.array(losses), np.array(accuracies), model.get_weights()


def epoch_of_fit(cell, given, x, y, masked):
    """Returns what one epoch of `fit` reports, to prove that the ten batches are its ten batches."""
    model = make_model(cell, masked)
    model.set_weights(list(given.values()))
    history = model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0).history
    return history["loss"][0], history["accuracy"][0]


def add_case(fixture, cell, case, given, masked):
    x, y = data(masked)
    losses, accuracies, trained = ten_losses(cell, given, x, y, masked, "float32")
    wide_losses, _, _ = ten_losses(cell, given, x, y, masked, "float64")
    set_precision("float32")
    epoch_loss, epoch_accuracy = epoch_of_fit(cell, given, x, y, masked)
    assert np.allclose(losses, wide_losses, rtol=1e-5), np.abs(losses / wide_losses - 1).max()
    assert np.allclose(epoch_loss, losses.mean(), rtol=1e-5) and np.isclose(epoch_accuracy, accuracies.mean())
    fixture.add(case, {"x": x, "y": y, "losses": losses, "losses_float64": wide_losses, "accuracies": accuracies,
                       "epoch_loss": epoch_loss, "epoch_accuracy": epoch_accuracy, "trained_output_kernel": trained[-2],
                       "trained_embedding": trained[0]},
                mask_zero=masked, batch_size=BATCH)
    print(f"{fixture.name} {case}: losses {losses[0]:.5f} … {losses[-1]:.5f}, "
          f"float32 against float64 {np.abs(losses / wide_losses - 1).max():.1e}", flush=True)


def make():
    for cell in CELLS:
        fixture = Fixture(f"keras_lesson_{cell}", VERSIONS)
        given = initial_weights(cell)
        fixture.add("initial", given)
        add_case(fixture, cell, "plain", given, masked=False)
        if cell == "bidirectional":
            add_case(fixture, cell, "masked", given, masked=True)
        fixture.save()
