"""Recurrent operators of ONNX Runtime: rows that end early or have no timestep, in every direction; values alone."""
import numpy as np
import onnx
import onnxruntime

from .fixture import Fixture, normal, seeded
from .onnx_cells import GATES, VERSIONS

T, I, H = 3, 4, 5
LENGTHS = {"partial": [2, 0], "zero": [0, 0], "zero_in_the_middle": [2, 0, 1, 2], "short_in_the_middle": [2, 1, 2],
           "unsorted": [1, 3, 2, 3]}
DIRECTIONS = ("forward", "reverse", "bidirectional")


def add_case(fixture, case, operator, direction, lengths, has_states):
    random = seeded(fixture.name, case)
    ways, rows, columns = 1 + (direction == "bidirectional"), len(lengths), GATES[operator] * H
    given = {"X": normal(random, T, rows, I), "W": normal(random, ways, columns, I, scale=0.5),
             "R": normal(random, ways, columns, H, scale=0.5), "B": normal(random, ways, 2 * columns, scale=0.4),
             "sequence_lens": np.asarray(lengths, np.int32)}
    if has_states:
        given["initial_h"] = normal(random, ways, rows, H, scale=0.6)
        if operator == "LSTM":
            given["initial_c"] = normal(random, ways, rows, H, scale=0.6)
    outputs = ["Y", "Y_h"] + (["Y_c"] if operator == "LSTM" else [])
    options = {"linear_before_reset": 1} if operator == "GRU" else {}
    node = onnx.helper.make_node(operator, list(given), outputs, hidden_size=H, direction=direction, **options)
    types = {np.dtype(np.float32): onnx.TensorProto.FLOAT, np.dtype(np.int32): onnx.TensorProto.INT32}
    graph = onnx.helper.make_graph(
        [node], case, [onnx.helper.make_tensor_value_info(n, types[v.dtype], v.shape) for n, v in given.items()],
        [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [T, ways, rows, H] if n == "Y" else
                                            [ways, rows, H]) for n in outputs])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)], ir_version=8)
    onnx.checker.check_model(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results = dict(zip(outputs, session.run(outputs, given), strict=True))
    fixture.add(case, given | results, operator=operator, direction=direction)


def make():
    fixture = Fixture("onnx_lengths", VERSIONS)
    for operator in GATES:
        for direction in DIRECTIONS:
            for name, lengths in LENGTHS.items():
                for has_states in (False, True):
                    case = f"{operator.lower()}_{direction}_{name}{'_states' if has_states else ''}"
                    add_case(fixture, case, operator, direction, lengths, has_states)
    fixture.save()
