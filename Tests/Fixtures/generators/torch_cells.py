"""Recurrent layers of PyTorch on the CPU: values and gradients of RNN, LSTM, GRU in PyTorch's own weight layout."""
import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from .fixture import Fixture, normal, seeded

VERSIONS = {"torch": torch.__version__}
LAYERS = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
B, T, I, H = 3, 7, 4, 5
LENGTHS = [4, 7, 1]

CASES = {
    "plain": {},
    "initial_state": dict(initial=True),
    "no_bias": dict(bias=False),
    "packed": dict(lengths=LENGTHS),
    "packed_initial_state": dict(lengths=LENGTHS, initial=True),
    "bidirectional": dict(bidirectional=True),
    "bidirectional_initial_state": dict(bidirectional=True, initial=True),
    "bidirectional_packed": dict(bidirectional=True, lengths=LENGTHS),
    "bidirectional_packed_initial_state": dict(bidirectional=True, lengths=LENGTHS, initial=True),
    "two_layers": dict(num_layers=2),
    "two_layers_bidirectional_packed": dict(num_layers=2, bidirectional=True, lengths=LENGTHS, initial=True),
}
OWN_CASES = {
    "rnn": {"relu": dict(nonlinearity="relu"),
            "relu_bidirectional_packed": dict(nonlinearity="relu", bidirectional=True, lengths=LENGTHS)},
    "lstm": {"projected": dict(proj_size=2, initial=True),
             "projected_two_layers_packed": dict(proj_size=2, num_layers=2, bidirectional=True, lengths=LENGTHS)},
    "gru": {},
}


def run(cell, given, options, output_names, dtype):
    """Runs forward and the gradient of sum(output ⊙ upstream) with respect to everything given."""
    wide = {name: torch.tensor(value, dtype=dtype) for name, value in given.items() if value.dtype == np.float32}
    layer = LAYERS[cell](I, H, batch_first=True, dtype=dtype, **options)
    layer.load_state_dict({name: wide[name] for name in layer.state_dict()})
    input_ = wide["input"].requires_grad_()
    initial = [wide[name].requires_grad_() for name in ("initial_h", "initial_c") if name in wide]
    state = tuple(initial) if len(initial) == 2 else initial[0] if initial else None
    if "lengths" in given:
        lengths = torch.tensor(given["lengths"], dtype=torch.int64)
        packed, final = layer(pack_padded_sequence(input_, lengths, batch_first=True, enforce_sorted=False), state)
        output, _ = pad_packed_sequence(packed, batch_first=True, total_length=T)
    else:
        output, final = layer(input_, state)
    results = dict(zip(output_names, [output, *final] if cell == "lstm" else [output, final], strict=True))
    sum((value * wide[upstream_name(name)]).sum() for name, value in results.items()).backward()
    reference = {name: value.detach().numpy() for name, value in results.items()}
    reference.update({"grad_" + name: parameter.grad.numpy() for name, parameter in layer.named_parameters()})
    reference["grad_input"] = input_.grad.numpy()
    reference.update({"grad_" + name: value.grad.numpy() for name, value in
                      zip(("initial_h", "initial_c"), initial, strict=False)})
    return reference


def upstream_name(output_name):
    return output_name.replace("output", "upstream").replace("final_", "upstream_")


def add_case(fixture, cell, case, initial=False, lengths=None, **options):
    random = seeded(fixture.name, case)
    directions, layers = 1 + options.get("bidirectional", False), options.get("num_layers", 1)
    layer = LAYERS[cell](I, H, **options)
    given = {"input": normal(random, B, T, I)}
    given.update({name: normal(random, *value.shape, scale=0.4) for name, value in layer.state_dict().items()})
    states = ["h", "c"] if cell == "lstm" else ["h"]
    widths = {"h": options.get("proj_size", H), "c": H}
    if initial:
        given.update({f"initial_{state}": normal(random, layers * directions, B, widths[state], scale=0.7)
                      for state in states})
    if lengths:
        given["lengths"] = np.asarray(lengths, np.int32)
    given["upstream"] = normal(random, B, T, directions * widths["h"])
    given.update({f"upstream_{state}": normal(random, layers * directions, B, widths[state]) for state in states})
    names = ["output", *(f"final_{state}" for state in states)]
    fixture.add(case, given, **options)
    fixture.add_agreed(case, run(cell, given, options, names, torch.float32),
                       run(cell, given, options, names, torch.float64))


def make():
    for cell in LAYERS:
        fixture = Fixture(f"torch_{cell}", VERSIONS)
        for case, options in (CASES | OWN_CASES[cell]).items():
            add_case(fixture, cell, case, **options)
        fixture.save()
