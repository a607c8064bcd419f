#!/usr/bin/env python3
"""Times an epoch of the lesson's program in Keras or in plain PyTorch and prints it as one JSON line.

    [KERAS_BACKEND=torch] seed_program.py keras|torch rnn|lstm|bilstm THREADS

Embedding(5000, 60) → cell(100) → Dense(10, relu) → Dense(6, softmax), sparse categorical cross-entropy, Adam,
batch 64, validation_split 0.3, 8,000 random sequences of 50 ids. Four epochs; the fastest of the last three counts.
Keras also keeps its accuracy; the PyTorch loop keeps nothing, which favours it.
"""
import argparse
import json
import os
import time

ROWS, TIMESTEPS, VOCABULARY, BATCH, EPOCHS = 8000, 50, 5000, 64, 4
TRAINED = int(ROWS * 0.7)


def data():
    import numpy as np
    random = np.random.default_rng(0)
    return random.integers(0, VOCABULARY, (ROWS, TIMESTEPS)), random.integers(0, 6, ROWS)


def keras_epoch(cell, threads):
    import keras
    from keras import layers
    if keras.backend.backend() == "torch":
        import torch
        torch.set_num_threads(threads)
    else:
        import tensorflow as tf
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    recurrent = layers.SimpleRNN(100) if cell == "rnn" else layers.LSTM(100)
    if cell == "bilstm":
        recurrent = layers.Bidirectional(recurrent)
    model = keras.Sequential([layers.Embedding(VOCABULARY, 60), recurrent, layers.Dense(10, activation="relu"),
                              layers.Dense(6, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    x, y = data()
    return lambda: model.fit(x, y, batch_size=BATCH, validation_split=0.3, epochs=1, verbose=0)


def torch_epoch(cell, threads):
    import torch
    torch.set_num_threads(threads)

    class Program(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(VOCABULARY, 60)
            kind = torch.nn.RNN if cell == "rnn" else torch.nn.LSTM
            self.recurrent = kind(60, 100, batch_first=True, bidirectional=cell == "bilstm")
            self.dense = torch.nn.Linear(200 if cell == "bilstm" else 100, 10)
            self.output = torch.nn.Linear(10, 6)

        def forward(self, ids):
            final = self.recurrent(self.embedding(ids))[1]
            final = final[0] if isinstance(final, tuple) else final
            return self.output(torch.relu(self.dense(torch.cat(list(final), 1))))

    model = Program()
    optimizer = torch.optim.Adam(model.parameters())
    x, y = (torch.tensor(values) for values in data())

    def epoch():
        order = torch.randperm(TRAINED)
        for start in range(0, TRAINED, BATCH):
            rows = order[start:start + BATCH]
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            for start in range(TRAINED, ROWS, BATCH):
                model(x[start:start + BATCH])
    return epoch


def main():
    epochs = {"keras": keras_epoch, "torch": torch_epoch}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=epochs)
    parser.add_argument("cell", choices=("rnn", "lstm", "bilstm"))
    parser.add_argument("threads", type=int)
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS=str(options.threads), TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    epoch = epochs[options.system](options.cell, options.threads)
    seconds = []
    for _ in range(EPOCHS):
        start = time.perf_counter()
        epoch()
        seconds.append(time.perf_counter() - start)
    steady = min(seconds[1:])
    print(json.dumps(dict(system=options.system, cell=options.cell, threads=options.threads, epoch_seconds=steady,
                          sequences_per_second=ROWS / steady)))


if __name__ == "__main__":
    main()
