#!/usr/bin/env python3
"""Answers one sequence with the lesson's BiLSTM in a process of its own, as `recur predict` does.

    start_up.py torch|ort|tf FOLDER --prepare     writes the model and the input into the folder
    start_up.py torch|ort|tf FOLDER               reads both, writes the answer

bench_peers.py times the second from process start to its end. What is imported is what the answer needs, and no more.
"""
import os
import pathlib
import sys

TIMESTEPS, VOCABULARY, EMBEDDING, UNITS, HIDDEN, CLASSES = 50, 5000, 60, 100, 10, 6


def torch_model():
    import torch

    class Program(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(VOCABULARY, EMBEDDING)
            self.recurrent = torch.nn.LSTM(EMBEDDING, UNITS, batch_first=True, bidirectional=True)
            self.dense = torch.nn.Linear(2 * UNITS, HIDDEN)
            self.output = torch.nn.Linear(HIDDEN, CLASSES)

        def forward(self, ids):
            final = self.recurrent(self.embedding(ids))[1][0]
            hidden = torch.relu(self.dense(torch.cat([final[0], final[1]], 1)))
            return torch.softmax(self.output(hidden), 1)
    return Program()


def torch_prepare(folder):
    import torch
    torch.save(torch_model().state_dict(), folder / "model.pt")


def torch_answer(folder):
    import numpy
    import torch
    model = torch_model().eval()
    model.load_state_dict(torch.load(folder / "model.pt"))
    with torch.inference_mode():
        numpy.save(folder / "y.npy", model(torch.from_numpy(numpy.load(folder / "x.npy"))).numpy())


def ort_prepare(folder):
    import numpy
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    random = numpy.random.default_rng(0)

    def weight(name, *shape):
        return numpy_helper.from_array((0.1 * random.standard_normal(shape)).astype(numpy.float32), name)

    weights = [weight("E", VOCABULARY, EMBEDDING), weight("W", 2, 4 * UNITS, EMBEDDING),
               weight("R", 2, 4 * UNITS, UNITS), weight("B", 2, 8 * UNITS), weight("D", 2 * UNITS, HIDDEN),
               weight("d", HIDDEN), weight("O", HIDDEN, CLASSES), weight("o", CLASSES),
               numpy_helper.from_array(numpy.array([-1, 2 * UNITS]), "flat")]
    nodes = [helper.make_node("Gather", ["E", "x"], ["rows"]),
             helper.make_node("Transpose", ["rows"], ["sequence"], perm=[1, 0, 2]),
             helper.make_node("LSTM", ["sequence", "W", "R", "B"], ["", "states"], hidden_size=UNITS,
                              direction="bidirectional"),
             helper.make_node("Transpose", ["states"], ["together"], perm=[1, 0, 2]),
             helper.make_node("Reshape", ["together", "flat"], ["final"]),
             helper.make_node("Gemm", ["final", "D", "d"], ["hidden"]), helper.make_node("Relu", ["hidden"], ["relu"]),
             helper.make_node("Gemm", ["relu", "O", "o"], ["logits"]), helper.make_node("Softmax", ["logits"], ["y"])]
    graph = helper.make_graph(
        nodes, "program", [helper.make_tensor_value_info("x", TensorProto.INT64, ["batch", TIMESTEPS])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", CLASSES])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8),
              folder / "model.onnx")


def ort_answer(folder):
    import numpy
    import onnxruntime
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    numpy.save(folder / "y.npy", session.run(None, {"x": numpy.load(folder / "x.npy")})[0])


def tf_prepare(folder):
    import keras
    from keras import layers
    model = keras.Sequential([
        layers.Embedding(VOCABULARY, EMBEDDING), layers.Bidirectional(layers.LSTM(UNITS)),
        layers.Dense(HIDDEN, activation="relu"), layers.Dense(CLASSES, activation="softmax")])
    model.build((None, TIMESTEPS))
    model.save(folder / "model.keras")


def tf_answer(folder):
    import keras
    import numpy
    model = keras.saving.load_model(folder / "model.keras")
    numpy.save(folder / "y.npy", model.predict(numpy.load(folder / "x.npy"), verbose=0))


def main():
    # Read by hand: what argparse costs would count as the answer's.
    if "--help" in sys.argv or len(sys.argv) < 3:
        sys.exit(print(__doc__) if "--help" in sys.argv else __doc__)
    peer, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="")
    if "--prepare" in sys.argv:
        import numpy
        numpy.save(folder / "x.npy", numpy.zeros((1, TIMESTEPS), dtype=numpy.int64))
        {"torch": torch_prepare, "ort": ort_prepare, "tf": tf_prepare}[peer](folder)
    else:
        {"torch": torch_answer, "ort": ort_answer, "tf": tf_answer}[peer](folder)


if __name__ == "__main__":
    main()
