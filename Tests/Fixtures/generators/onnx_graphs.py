"""Whole ONNX models with what ONNX Runtime gives: recurrent nodes, exports of PyTorch, old forms, inner graphs.

A model stands as the bytes of its file under `<case>.model`, an input NAME as `<case>.input:NAME`, an output as
`<case>.output:NAME`; their types stand in the case's configuration. The exports need torch and, for its newer
exporter, onnxscript.
"""
import io

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper

from .fixture import Fixture, normal, seeded
from .onnx_cells import CASES, GATES, consumed

VERSIONS = {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__}
T, B, I, H = 6, 3, 4, 5
TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "int64": TensorProto.INT64,
         "int32": TensorProto.INT32, "bool": TensorProto.BOOL, "uint8": TensorProto.UINT8}


def add_case(fixture, case, model, given):
    """Runs a model and stores it with its inputs and outputs."""
    given = {name: np.asarray(value) for name, value in given.items()}
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    results = dict(zip(names, session.run(names, given), strict=True))
    tensors = {"model": np.frombuffer(model, np.uint8)}
    tensors |= {f"input:{name}": value for name, value in given.items()}
    tensors |= {f"output:{name}": value for name, value in results.items()}
    types = {name: str(value.dtype) for name, value in (given | results).items()}
    fixture.add(case, tensors, types=types)


def made(nodes, inputs, outputs, opset=17, initializers=(), functions=(), ir_version=8, domains=()):
    """The bytes of a model of some nodes; `inputs` and `outputs` map names to a type and a shape."""
    def ports(values):
        return [helper.make_tensor_value_info(n, TYPES[kind], shape) for n, (kind, shape) in values.items()]
    tensors = [onnx.numpy_helper.from_array(value, name) for name, value in initializers]
    graph = helper.make_graph(nodes, "graph", ports(inputs), ports(outputs), tensors)
    opsets = [helper.make_opsetid("", opset)] + [helper.make_opsetid(*domain) for domain in domains]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, functions=list(functions))
    onnx.checker.check_model(model)
    return model.SerializeToString()


def recurrent(fixture):
    """Each operator with weights as initializers: the cases of onnx_cells, and both directions with functions apart."""
    both = {
        "lstm_both_apart": ("LSTM", dict(direction="bidirectional", activations=[
            "Sigmoid", "Tanh", "Softsign", "HardSigmoid", "Relu", "Tanh"], activation_alpha=[0.3],
            activation_beta=[0.4])),
        "gru_both_lengths": ("GRU", dict(direction="bidirectional", linear_before_reset=1, lengths=[4, 6, 1])),
        "rnn_reverse_lengths": ("RNN", dict(direction="reverse", lengths=[4, 6, 1])),
        "lstm_zero_lengths": ("LSTM", dict(direction="bidirectional", lengths=[2, 6, 3], peepholes=True)),
    }
    for case, (operator, options) in (CASES | both).items():
        random, options = seeded(fixture.name, case), dict(options)
        peepholes, lengths = options.pop("peepholes", False), options.pop("lengths", None)
        if case not in both:
            options = consumed(options)
        ways, columns = 1 + (options.get("direction") == "bidirectional"), GATES[operator] * H
        weights = [("W", normal(random, ways, columns, I, scale=0.5)),
                   ("R", normal(random, ways, columns, H, scale=0.5)),
                   ("B", normal(random, ways, 2 * columns, scale=0.4))]
        given = {"X": normal(random, T, B, I), "initial_h": normal(random, ways, B, H, scale=0.6)}
        if lengths:
            given["sequence_lens"] = np.asarray(lengths, np.int32)
        if operator == "LSTM":
            given["initial_c"] = normal(random, ways, B, H, scale=0.6)
            if peepholes:
                weights.append(("P", normal(random, ways, 3 * H, scale=0.5)))
        order = ["X", "W", "R", "B", "sequence_lens" if lengths else "", "initial_h"]
        order += ["initial_c", "P" if peepholes else ""] if operator == "LSTM" else []
        outputs = {"Y": ("float32", [T, ways, B, H]), "Y_h": ("float32", [ways, B, H])}
        if operator == "LSTM":
            outputs["Y_c"] = ("float32", [ways, B, H])
        inputs = {name: (str(value.dtype), value.shape) for name, value in given.items()}
        node = helper.make_node(operator, order, list(outputs), hidden_size=H, **options)
        add_case(fixture, case, made([node], inputs, outputs, 14, weights), given)


class Tagger(torch.nn.Module):
    """Words in, a class for each of them out."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(11, I)
        self.rnn = torch.nn.LSTM(I, H, num_layers=2, bidirectional=True, batch_first=True)
        self.norm = torch.nn.LayerNorm(2 * H)
        self.head = torch.nn.Linear(2 * H, 3)

    def forward(self, words):
        return self.head(self.norm(self.rnn(self.embedding(words))[0])).softmax(-1)


class Series(torch.nn.Module):
    """Features in, a number out: convolution, GRU, the last state."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(I, 7, 3, padding=1)
        self.rnn = torch.nn.GRU(7, H, batch_first=True)
        self.head = torch.nn.Linear(H, 2)

    def forward(self, x):
        x = torch.nn.functional.gelu(self.conv(x.transpose(1, 2))).transpose(1, 2)
        y, _ = self.rnn(x)
        return self.head(y[:, -1])


def exports(fixture):
    """PyTorch's older and newer exporters."""
    for name, module, value in (
            ("tagger", Tagger(), lambda random: random.integers(0, 11, (B, T))),
            ("series", Series(), lambda random: normal(random, B, T, I))):
        random = seeded(fixture.name, name)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.copy_(torch.from_numpy(normal(random, *parameter.shape, scale=0.4)))
        module.eval()
        x = value(random)
        for exporter in ("old", "new"):
            file = io.BytesIO()
            with torch.no_grad():
                if exporter == "old":
                    torch.onnx.export(module, (torch.from_numpy(x),), file, input_names=["x"], output_names=["y"],
                                      dynamic_axes={"x": {0: "batch", 1: "time"}, "y": {0: "batch"}}, opset_version=17,
                                      dynamo=False)
                else:
                    dynamic = ({0: torch.export.Dim("batch", min=2), 1: torch.export.Dim("time", min=2)},)
                    program = torch.onnx.export(module, (torch.from_numpy(x),), input_names=["x"], output_names=["y"],
                                                dynamic_shapes=dynamic, opset_version=20, dynamo=True)
                    file = io.BytesIO(program.model_proto.SerializeToString())
            model = onnx.load_from_string(file.getvalue())
            for node in model.graph.node:
                node.ClearField("doc_string")
                node.ClearField("metadata_props")
            add_case(fixture, f"torch_{exporter}_{name}", model.SerializeToString(), {"x": x})


def old_forms(fixture):
    """What inputs were when they were attributes, and meanings that have changed."""
    random = seeded(fixture.name, "old")
    x = normal(random, 2, 3, 4)
    flat = {"x": ("float32", [2, 3, 4])}
    cases = {
        "softmax_11": (11, helper.make_node("Softmax", ["x"], ["y"], axis=1), [2, 3, 4]),
        "log_softmax_11": (11, helper.make_node("LogSoftmax", ["x"], ["y"]), [2, 3, 4]),
        "slice_9": (9, helper.make_node("Slice", ["x"], ["y"], axes=[1, 2], starts=[1, -3], ends=[9, -1]), [2, 2, 2]),
        "clip_10": (10, helper.make_node("Clip", ["x"], ["y"], min=-0.5, max=0.25), [2, 3, 4]),
        "pad_10": (10, helper.make_node("Pad", ["x"], ["y"], pads=[0, 1, 0, 0, 0, 2], value=1.5), [2, 4, 6]),
        "unsqueeze_11": (11, helper.make_node("Unsqueeze", ["x"], ["y"], axes=[0, 4]), [1, 2, 3, 4, 1]),
        "reduce_sum_11": (11, helper.make_node("ReduceSum", ["x"], ["y"], axes=[-1], keepdims=0), [2, 3]),
        "reduce_mean_17": (17, helper.make_node("ReduceMean", ["x"], ["y"], axes=[0, 2]), [1, 3, 1]),
        "top_9": (9, helper.make_node("TopK", ["x"], ["y", "places"], k=2), [2, 3, 2]),
        "dropout_7": (7, helper.make_node("Dropout", ["x"], ["y"], ratio=0.5), [2, 3, 4]),
        "split_11": (11, helper.make_node("Split", ["x"], ["y", "rest"], axis=2, split=[1, 3]), [2, 3, 1]),
    }
    for case, (opset, node, shape) in cases.items():
        outputs = {"y": ("float32", shape)}
        if len(node.output) == 2:
            outputs[node.output[1]] = ("int64", shape) if case == "top_9" else ("float32", [2, 3, 3])
        add_case(fixture, case, made([node], flat, outputs, opset), {"x": x})
    squeeze = helper.make_node("Squeeze", ["x"], ["y"], axes=[1, -1])
    add_case(fixture, "squeeze_11", made([squeeze], {"x": ("float32", [2, 1, 3, 1])}, {"y": ("float32", [2, 3])}, 11),
             {"x": normal(random, 2, 1, 3, 1)})


def inside(fixture):
    """Graphs inside nodes that read values around them, functions of the model, and initializers among the inputs."""
    random = seeded(fixture.name, "inside")
    x, weights = normal(random, T, B, I), normal(random, I, I, scale=0.5)

    def graph(nodes, inputs, outputs):
        return helper.make_graph(
            nodes, "body", [helper.make_tensor_value_info(n, TYPES[k], s) for n, (k, s) in inputs.items()],
            [helper.make_tensor_value_info(n, TYPES[k], s) for n, (k, s) in outputs.items()])

    row = ("float32", [B, I])
    step = graph([helper.make_node("MatMul", ["h", "w"], ["hw"]), helper.make_node("Add", ["hw", "s"], ["sum"]),
                  helper.make_node("Tanh", ["sum"], ["h_next"]), helper.make_node("Identity", ["h_next"], ["out"])],
                 {"h": row, "s": row}, {"h_next": row, "out": row})
    scan = helper.make_node("Scan", ["h0", "x"], ["last", "all"], body=step, num_scan_inputs=1,
                            scan_input_directions=[1], scan_output_directions=[1])
    add_case(fixture, "scan_captures", made(
        [scan], {"h0": row, "x": ("float32", [T, B, I])}, {"last": row, "all": ("float32", [T, B, I])}, 17,
        [("w", weights)]), {"h0": normal(random, B, I), "x": x})

    one = ("int64", [])
    turn = graph([helper.make_node("Gather", ["x", "i"], ["s"], axis=0), helper.make_node("MatMul", ["s", "w"], ["sw"]),
                  helper.make_node("Add", ["sum", "sw"], ["sum_next"]),
                  helper.make_node("Less", ["i", "stop"], ["more"]),
                  helper.make_node("Identity", ["sum_next"], ["each"])],
                 {"i": one, "go": ("bool", []), "sum": row}, {"more": ("bool", []), "sum_next": row, "each": row})
    loop = helper.make_node("Loop", ["count", "go", "zeros"], ["total", "sums"], body=turn)
    add_case(fixture, "loop_captures", made(
        [loop], {"x": ("float32", [T, B, I]), "count": one, "stop": one, "go": ("bool", []), "zeros": row},
        {"total": row, "sums": ("float32", [None, B, I])}, 17, [("w", weights)]),
        {"x": x, "count": np.int64(5), "stop": np.int64(2), "go": np.bool_(True),
         "zeros": np.zeros((B, I), np.float32)})

    branches = [graph([helper.make_node(operator, ["x", "w"], [name])], {}, {name: ("float32", [T, B, I])})
                for operator, name in (("MatMul", "yes"), ("MatMul", "no"))]
    branches[1].node[0].op_type = "Add"
    branches[1].node[0].input[1] = "x"
    choice = helper.make_node("If", ["flag"], ["y"], then_branch=branches[0], else_branch=branches[1])
    for flag in (True, False):
        add_case(fixture, f"if_{str(flag).lower()}", made(
            [choice], {"x": ("float32", [T, B, I]), "flag": ("bool", [])}, {"y": ("float32", [T, B, I])}, 17,
            [("w", weights)]), {"x": x, "flag": np.bool_(flag)})

    function = helper.make_function(
        "own", "Scaled", ["a", "b"], ["c"],
        [helper.make_node("LeakyRelu", ["a"], ["r"]), helper.make_node("MatMul", ["r", "b"], ["c"])],
        [helper.make_opsetid("", 17)], ["alpha"])
    reference = onnx.AttributeProto(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
    function.node[0].attribute.append(reference)
    nodes = [helper.make_node("Scaled", ["x", "w"], ["m"], domain="own", alpha=0.3),
             helper.make_node("Scaled", ["m", "w"], ["y"], domain="own", alpha=0.1)]
    add_case(fixture, "function", made(
        nodes, {"x": ("float32", [T, B, I])}, {"y": ("float32", [T, B, I])}, 17, [("w", weights)], [function], 8,
        [("own", 1)]), {"x": x})
    add_case(fixture, "initializer_among_inputs", made(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ("float32", [T, B, I]), "w": ("float32", [I, I])},
        {"y": ("float32", [T, B, I])}, 8, [("w", weights)], (), 3), {"x": x})


def quantised(fixture):
    """Whole numbers in the place of floating ones."""
    random = seeded(fixture.name, "quantised")
    x = normal(random, B, I)
    nodes = [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
             helper.make_node("MatMulInteger", ["q", "w", "zero", "wz"], ["sums"]),
             helper.make_node("Cast", ["sums"], ["floats"], to=1), helper.make_node("Mul", ["floats", "scale"], ["y"]),
             helper.make_node("QuantizeLinear", ["y", "s", "z"], ["yq"], axis=1),
             helper.make_node("DequantizeLinear", ["yq", "s", "z"], ["back"], axis=1)]
    add_case(fixture, "quantised", made(
        nodes, {"x": ("float32", [B, I])}, {"y": ("float32", [B, H]), "yq": ("uint8", [B, H]),
                                            "back": ("float32", [B, H])}, 17,
        [("w", random.integers(0, 255, (I, H)).astype(np.uint8)), ("wz", np.uint8(120)),
         ("s", (random.random(H) + 0.5).astype(np.float32)), ("z", random.integers(90, 160, H).astype(np.uint8))]),
        {"x": x})


def make():
    fixture = Fixture("onnx_graphs", VERSIONS)
    recurrent(fixture)
    exports(fixture)
    old_forms(fixture)
    inside(fixture)
    quantised(fixture)
    fixture.save()
