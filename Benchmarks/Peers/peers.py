#!/usr/bin/env python3
"""Times one recurrent layer in PyTorch, ONNX Runtime or Keras on TensorFlow, on the CPU.

    peers.py torch|ort|tf THREADS [inference|training] [--cell rnn,lstm] [--shape 64,50,60,100] [--runs N] [--least S]
    peers.py torch|ort|tf THREADS --serve

prints one JSON line per case: median and minimum seconds of one whole pass (a batch, all timesteps), after warm-up.
--lengths 5,9,2 gives the sequences of a batch those lengths, in the way of each system: PyTorch a PackedSequence, ONNX
Runtime sequence_lens, Keras a mask. With --serve it first prints the versions, then answers each case read as a JSON
line from standard input, so that a driver can alternate between systems without paying their start-up again. inference
returns all hidden states; training is forward, then the gradients of the sum of all outputs with respect to weights and
inputs.

Needs torch | onnx, onnxruntime | tensorflow-cpu. bench_peers.py makes an environment with all of them.
"""
import argparse
import gc
import json
import os
import sys
import time

# batch, timesteps, inputs, units
SHAPES = ((1, 50, 60, 100), (64, 50, 60, 100), (1, 100, 256, 256), (16, 100, 256, 256), (64, 100, 256, 256),
          (1, 100, 512, 512), (64, 50, 512, 512), (1, 50, 1024, 1024), (64, 25, 1024, 1024))
CELLS = ("rnn", "lstm", "gru", "bilstm")
GATES = {"rnn": 1, "lstm": 4, "gru": 3, "bilstm": 8}
JOBS = ("inference", "training")
PEERS = {"torch": "PyTorch", "ort": "ONNX Runtime", "tf": "Keras/TF"}
CAN_TRAIN = ("torch", "tf")


def torch_call(threads, job, cell, shape, lengths=None):
    import torch
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    batch, timesteps, inputs, units = shape
    kind = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU}.get(cell, torch.nn.LSTM)
    layer = kind(inputs, units, batch_first=True, bidirectional=cell == "bilstm")
    x = torch.randn(batch, timesteps, inputs, requires_grad=job == "training")

    def outputs():
        if lengths is None:
            return layer(x)[0]
        # Packing and padding again are part of the work: data come as a batch, and what follows takes one.
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return torch.nn.utils.rnn.pad_packed_sequence(layer(packed)[0], batch_first=True, total_length=timesteps)[0]

    if job == "inference":
        layer.eval()

        def infer():
            with torch.inference_mode():
                outputs()
        return infer

    def train():
        layer.zero_grad()
        x.grad = None
        outputs().sum().backward()
    return train


def ort_call(threads, job, cell, shape, lengths=None):
    import numpy as np
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    batch, timesteps, inputs, units = shape
    directions, operator = (2, "LSTM") if cell == "bilstm" else (1, cell.upper())
    rows = GATES[cell] // directions * units
    random = np.random.default_rng(0)

    def weight(name, *dimensions):
        values = random.standard_normal((directions, *dimensions)) / units ** 0.5
        return numpy_helper.from_array(values.astype(np.float32), name)

    weights = [weight("W", rows, inputs), weight("R", rows, units), weight("B", 2 * rows)]
    ends = [] if lengths is None else [numpy_helper.from_array(np.array(lengths, dtype=np.int32), "lengths")]
    node = helper.make_node(operator, ["x", "W", "R", "B"] + [end.name for end in ends], ["y"], hidden_size=units,
                            direction="bidirectional" if directions == 2 else "forward")
    graph = helper.make_graph(
        [node], "layer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [timesteps, batch, inputs])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [timesteps, directions, batch, units])],
        weights + ends)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = random.standard_normal((timesteps, batch, inputs)).astype(np.float32)
    return lambda: session.run(None, {"x": x})


def tf_call(threads, job, cell, shape, lengths=None):
    import keras
    import tensorflow as tf
    if not tf_call.configured:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf_call.configured = True
    keras.utils.clear_session()
    batch, timesteps, inputs, units = shape
    kind = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU}.get(cell, keras.layers.LSTM)
    layer = kind(units, return_sequences=True)
    if cell == "bilstm":
        layer = keras.layers.Bidirectional(layer)
    layer.build((batch, timesteps, inputs))
    x = tf.random.normal((batch, timesteps, inputs))
    mask = None if lengths is None else tf.sequence_mask(lengths, timesteps)
    if job == "inference":
        infer = tf.function(lambda x: layer(x, mask=mask))
        return lambda: infer(x).numpy()
    weights = [weight.value for weight in layer.trainable_variables]

    @tf.function
    def train(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = tf.reduce_sum(layer(x, mask=mask))
        return tape.gradient(total, [x, *weights])
    return lambda: [gradient.numpy() for gradient in train(x)]


tf_call.configured = False
CALLS = {"torch": torch_call, "ort": ort_call, "tf": tf_call}


def versions(peer):
    import importlib
    modules = {"torch": ("torch",), "ort": ("onnxruntime",), "tf": ("keras", "tensorflow")}[peer]
    return {name: importlib.import_module(name).__version__ for name in modules}


def measure(call, runs, least):
    """Times `runs` repetitions of at least `least` seconds each and returns the seconds per call of every one."""
    def once():
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    first = once()
    if first > 10:  # Of a pass that takes so long, warming up is a small part.
        return [first]
    call()
    repeats = max(1, int(least / max(once(), 1e-6)))
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(repeats):
            call()
        seconds.append((time.perf_counter() - start) / repeats)
    return sorted(seconds)


def answer(peer, threads, case):
    result = dict(case, peer=peer, threads=threads)
    if case["job"] == "training" and peer not in CAN_TRAIN:
        return dict(result, error="cannot train")
    gc.collect()
    try:
        call = CALLS[peer](threads, case["job"], case["cell"], case["shape"], case.get("lengths"))
        seconds = measure(call, case["runs"], case["least"])
    except Exception as error:  # One case that a peer refuses must not cost the others.
        return dict(result, error=f"{type(error).__name__}: {error}"[:200])
    batch, timesteps, inputs, units = case["shape"]
    flops = 2 * GATES[case["cell"]] * units * (inputs + units) * batch * timesteps
    flops *= 3 if case["job"] == "training" else 1
    median = seconds[len(seconds) // 2]
    return dict(result, median_seconds=median, min_seconds=seconds[0], gflops=flops / median / 1e9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=CALLS)
    parser.add_argument("threads", type=int)
    parser.add_argument("job", nargs="?", choices=JOBS, default="inference")
    parser.add_argument("--cell", default=",".join(CELLS))
    parser.add_argument("--shape", help="B,T,I,H (default: the nine shapes)")
    parser.add_argument("--lengths", help="timesteps of each sequence of a batch, with commas (default: all)")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--least", type=float, default=0.2)
    parser.add_argument("--serve", action="store_true")
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS=str(options.threads), TF_CPP_MIN_LOG_LEVEL="3", KERAS_BACKEND="tensorflow",
                      CUDA_VISIBLE_DEVICES="")

    def say(line):
        print(json.dumps(line), flush=True)

    if options.serve:
        say(versions(options.peer))
        for line in sys.stdin:
            say(answer(options.peer, options.threads, json.loads(line)))
        return
    lengths = [int(number) for number in options.lengths.split(",")] if options.lengths else None
    shapes = [[int(number) for number in options.shape.split(",")]] if options.shape else SHAPES
    for shape in shapes:
        for cell in options.cell.split(","):
            say(answer(options.peer, options.threads, dict(cell=cell, shape=shape, job=options.job, lengths=lengths,
                                                           runs=options.runs, least=options.least)))


if __name__ == "__main__":
    main()
