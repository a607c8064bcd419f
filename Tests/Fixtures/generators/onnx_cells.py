"""Recurrent operators of ONNX Runtime: clip, coupled gates, peepholes and functions with numbers; values alone."""
import numpy as np
import onnx
import onnxruntime

from .fixture import Fixture, normal, seeded

VERSIONS = {"onnxruntime": onnxruntime.__version__}
T, B, I, H = 6, 3, 4, 5
LENGTHS = [4, 6, 1]
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}

CASES = {
    "lstm_clip": ("LSTM", dict(clip=0.4)),
    "lstm_clip_peepholes": ("LSTM", dict(clip=0.4, peepholes=True)),
    "lstm_coupled": ("LSTM", dict(input_forget=1)),
    "lstm_coupled_peepholes_clip": ("LSTM", dict(input_forget=1, peepholes=True, clip=0.5)),
    "lstm_peepholes_lengths": ("LSTM", dict(peepholes=True, lengths=LENGTHS)),
    "lstm_functions": ("LSTM", dict(activations=["HardSigmoid", "ScaledTanh", "Softsign"],
                                    activation_alpha=[0.3, 1.7, 0.0], activation_beta=[0.45, 0.6, 0.0])),
    "lstm_affine": ("LSTM", dict(activations=["Sigmoid", "Affine", "LeakyRelu"], activation_alpha=[0.0, 0.8, 0.1],
                                 activation_beta=[0.0, 0.1, 0.0])),
    "gru_clip": ("GRU", dict(clip=0.3)),
    "gru_clip_after": ("GRU", dict(clip=0.3, linear_before_reset=1)),
    "gru_functions": ("GRU", dict(activations=["HardSigmoid", "Elu"], activation_alpha=[0.25, 0.7],
                                  activation_beta=[0.4, 0.0], lengths=LENGTHS)),
    "rnn_clip": ("RNN", dict(clip=0.35)),
    "rnn_thresholded": ("RNN", dict(activations=["ThresholdedRelu"], activation_alpha=[0.2])),
    "rnn_softplus": ("RNN", dict(activations=["Softplus"])),
}


NUMBERS = {"activation_alpha": ("Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu"),
           "activation_beta": ("Affine", "ScaledTanh", "HardSigmoid")}


def consumed(options):
    """The options with numbers for the functions alone that take some: ONNX Runtime reads them in that order."""
    result = dict(options)
    for name, takers in NUMBERS.items():
        if name in options:
            result[name] = [number for function, number in zip(options["activations"], options[name], strict=True)
                            if function in takers]
    return {name: value for name, value in result.items() if value != []}


def add_case(fixture, case, operator, options):
    random, options = seeded(fixture.name, case), dict(options)
    peepholes, lengths = options.pop("peepholes", False), options.pop("lengths", None)
    columns = GATES[operator] * H
    given = {"X": normal(random, T, B, I), "W": normal(random, 1, columns, I, scale=0.5),
             "R": normal(random, 1, columns, H, scale=0.5), "B": normal(random, 1, 2 * columns, scale=0.4),
             "sequence_lens": np.asarray(lengths or [T] * B, np.int32), "initial_h": normal(random, 1, B, H, scale=0.6)}
    if operator == "LSTM":
        given["initial_c"] = normal(random, 1, B, H, scale=0.6)
        if peepholes:
            given["P"] = normal(random, 1, 3 * H, scale=0.5)
    outputs = ["Y", "Y_h"] + (["Y_c"] if operator == "LSTM" else [])
    names = list(given)
    node = onnx.helper.make_node(operator, names, outputs, hidden_size=H, **consumed(options))
    types = {np.dtype(np.float32): onnx.TensorProto.FLOAT, np.dtype(np.int32): onnx.TensorProto.INT32}
    graph = onnx.helper.make_graph(
        [node], case, [onnx.helper.make_tensor_value_info(n, types[v.dtype], v.shape) for n, v in given.items()],
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [T, 1, B, H] if n == "Y" else [1, B, H])
         for n in outputs])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = dict(zip(outputs, session.run(outputs, given), strict=True))
    fixture.add(case, given | results, operator=operator, **options)


def make():
    fixture = Fixture("onnx_cells", VERSIONS)
    for case, (operator, options) in CASES.items():
        add_case(fixture, case, operator, options)
    fixture.save()
