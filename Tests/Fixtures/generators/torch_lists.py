"""Models that lists of PyTorch's modules describe: torch_lists.safetensors.

A case's tensors are `<case>.state.<name>`, `<case>.input` and `<case>.output`, in PyTorch's own layout; its list stands in
the header. Recurrent modules pass on the sequence. Between modules of sequences [B, T, I] and those of channels [B, I, T]
the axes are exchanged, as a model's `forward` does.
"""
import torch

from .fixture import Fixture

VERSIONS = {"torch": torch.__version__.split("+")[0]}
BATCH, TIME = 4, 7


def case(*modules, width=5, ids=0, batch_first=True, channels=False, rows=False):
    return {"modules": list(modules), "width": width, "ids": ids, "batch_first": batch_first, "channels": channels,
            "rows": rows}


def module(name, prefix=None, **arguments):
    return {"module": name, **({"prefix": prefix} if prefix is not None else {}), **arguments}


def recurrent(kind, prefix="rnn", **arguments):
    return module(kind, prefix, input_size=5, hidden_size=3, **arguments)


CASES = {
    "lstm": case(recurrent("LSTM", batch_first=True)),
    "lstm_time_major": case(recurrent("LSTM"), batch_first=False),
    "lstm_bare": case(recurrent("LSTM", "", batch_first=True, bias=False)),
    "gru_last": case(recurrent("GRU", batch_first=True), module("take_last"),
                     module("Linear", "head", in_features=3, out_features=2)),
    "gru_time_major_last": case(recurrent("GRU", num_layers=2, dropout=0.5), module("take_last"),
                                module("Linear", "head", in_features=3, out_features=2), batch_first=False),
    "rnn_relu": case(recurrent("RNN", batch_first=True, nonlinearity="relu"), module("take_mean"),
                     module("Softmax", dim=1)),
    "bilstm_last": case(recurrent("LSTM", batch_first=True, bidirectional=True, num_layers=2), module("take_last"),
                        module("Linear", "head", in_features=6, out_features=2, bias=False), module("LogSoftmax", dim=-1)),
    "bigru_no_bias": case(recurrent("GRU", batch_first=True, bidirectional=True, bias=False)),
    "birnn_time_major": case(recurrent("RNN", bidirectional=True), module("take_mean"), batch_first=False),
    "projected": case(module("LSTM", "rnn", input_size=5, hidden_size=4, proj_size=2, num_layers=2, batch_first=True)),
    "biprojected": case(module("LSTM", "rnn", input_size=5, hidden_size=4, proj_size=2, num_layers=2, batch_first=True,
                               bidirectional=True)),
    "embedding": case(module("Embedding", "emb", num_embeddings=9, embedding_dim=5, padding_idx=0),
                      recurrent("LSTM", batch_first=True), module("LayerNorm", "norm", normalized_shape=3, eps=1e-3),
                      module("Dropout", p=0.3), module("take_last"), module("ReLU"), ids=9),
    "embedding_time_major": case(module("Embedding", "emb", num_embeddings=9, embedding_dim=5), recurrent("GRU"),
                                 module("Softmax", dim=0), ids=9, batch_first=False),
    "convolution": case(module("Conv1d", "conv", in_channels=5, out_channels=4, kernel_size=3, padding=1),
                        module("BatchNorm1d", "bn", num_features=4), module("PReLU", "act"), channels=True),
    "convolution_lstm": case(module("Conv1d", "conv", in_channels=5, out_channels=4, kernel_size=2, stride=2,
                                    padding="valid", dilation=2, bias=False), module("ELU", alpha=0.5),
                             module("LSTM", "rnn", input_size=4, hidden_size=3, batch_first=True), module("take_last"),
                             channels=True),
    "grouped_convolution": case(recurrent("LSTM", batch_first=True, bidirectional=True),
                                module("Conv1d", "conv", in_channels=6, out_channels=4, kernel_size=3, padding="same",
                                       groups=2), module("take_mean"), module("GELU")),
    "rows": case(module("Linear", "fc1", in_features=5, out_features=6), module("BatchNorm1d", "bn", num_features=6),
                 module("LeakyReLU", negative_slope=0.2), module("Dropout"),
                 module("Linear", "fc2", in_features=6, out_features=3), module("Softmax", dim=-1), rows=True),
    "softmax_over_time": case(recurrent("LSTM", batch_first=True), module("Softmax", dim=1)),
}


def build(entry):
    arguments = {key: value for key, value in entry.items() if key not in ("module", "prefix")}
    return None if entry["module"].startswith("take_") else getattr(torch.nn, entry["module"])(**arguments)


def randomize(layer, generator):
    """Draws every tensor anew: PyTorch's norms begin at 1 and 0, which would hide a mistake."""
    for name, tensor in layer.state_dict().items():
        if tensor.dtype.is_floating_point:
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 1.2 - 0.5)
            if name.endswith("running_var"):
                tensor.add_(1.0)


def run(x, spec, layers):
    time = 1 if spec["batch_first"] else 0
    channels = spec["channels"]
    for entry, layer in zip(spec["modules"], layers):
        kind = entry["module"]
        if x.dim() == 3 and kind in ("Conv1d", "BatchNorm1d") and not channels:
            x, channels = x.transpose(1, 2), True
        elif x.dim() == 3 and channels and kind in ("LSTM", "GRU", "RNN", "Linear", "LayerNorm", "take_last", "take_mean"):
            x, channels = x.transpose(1, 2), False
        if kind == "take_last":
            x = x.select(time, x.shape[time] - 1)
        elif kind == "take_mean":
            x = x.mean(time)
        else:
            x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
    return x


def make():
    fixture = Fixture("torch_lists", VERSIONS)
    for number, (name, spec) in enumerate(CASES.items()):
        generator = torch.Generator().manual_seed(number)
        layers = [build(entry) for entry in spec["modules"]]
        for layer in layers:
            if layer is not None:
                randomize(layer, generator)
                layer.eval()
        shape = [BATCH, TIME] if spec["batch_first"] else [TIME, BATCH]
        if spec["ids"]:
            x = torch.randint(0, spec["ids"], shape, generator=generator)
        elif spec["rows"]:
            x = torch.rand([BATCH, spec["width"]], generator=generator) * 2 - 1
        else:
            x = torch.rand(shape + [spec["width"]], generator=generator) * 2 - 1
        if spec["channels"]:
            x = x.transpose(1, 2).contiguous()
        with torch.no_grad():
            tensors = {"input": x.numpy(), "output": run(x, spec, layers).numpy()}
        for entry, layer in zip(spec["modules"], layers):
            prefix = entry.get("prefix", "")
            for key, value in (layer.state_dict() if layer is not None else {}).items():
                path = f"{prefix}.{key}" if prefix else key
                tensors[f"state.{path}"] = value.numpy()
        fixture.add(name, tensors, list=spec["modules"])
    fixture.save()
