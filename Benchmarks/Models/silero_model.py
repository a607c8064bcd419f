"""Silero's voice detector: an ONNX graph of convolutions, LSTM and branches by sampling rate, run by ONNX Runtime."""
import json

from subject import ROWS, Lesson, Subject, package_file, torch_epochs


def chunks(rows, seed):
    import numpy
    random = numpy.random.default_rng(seed)
    return {"input": random.uniform(-0.5, 0.5, (rows, 576)).astype(numpy.float32),
            "state": random.standard_normal((2, rows, 128), dtype=numpy.float32) * 0.1,
            "sr": numpy.array(16_000)}


def subject(folder):
    from silero_vad.utils_vad import OnnxWrapper
    path = package_file("silero_vad/data/silero_vad.onnx")
    # The package's own session, with the one thread that it gives it.
    session = OnnxWrapper(str(path), force_onnx_cpu=True).session
    return Subject(
        format="ONNX", arguments=[path], inputs=chunks(ROWS, 1), call=chunks(1, 2), outputs=("output", "stateN"),
        answer=lambda arrays: session.run(None, arrays)[0])


def lesson(folder):
    """Trains what follows the convolutions, as the weights beside the graph have it."""
    import numpy
    import torch
    from safetensors.numpy import load_file, save_file
    shipped = load_file(package_file("silero_vad/data/silero_vad_16k.safetensors"))
    arrays = {f"lstm.{name}_l0": shipped[f"lstm_cell.{name}"] for name in (
        "weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    arrays["linear.weight"], arrays["linear.bias"] = shipped["final_conv.weight"][:, :, 0], shipped["final_conv.bias"]
    arrays = {name: numpy.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(arrays, folder / "silero.safetensors")
    (folder / "silero.json").write_text(json.dumps([
        {"module": "LSTM", "prefix": "lstm", "input_size": 128, "hidden_size": 128, "batch_first": True},
        {"module": "ReLU"},
        {"module": "Linear", "prefix": "linear", "in_features": 128, "out_features": 1},
        {"module": "Sigmoid"}]))

    class Detector(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.linear = torch.nn.LSTM(128, 128, batch_first=True), torch.nn.Linear(128, 1)

        def forward(self, x):
            return self.linear(self.lstm(x)[0].relu()).sigmoid()
    model = Detector()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    # The convolutions end in a ReLU: no feature is negative.
    x = torch.rand((ROWS, 15, 128), generator=torch.Generator().manual_seed(1))
    labels = (model(x).detach() > 0.5).float()

    def loss(probabilities, labels):
        return torch.nn.functional.binary_cross_entropy(probabilities.clip(1e-7, 1 - 1e-7), labels)
    return Lesson(
        arguments=[folder / "silero.json", "--weights", folder / "silero.safetensors", "--loss",
                   "binary_crossentropy", "--optimizer", "sgd", "--learning-rate", "0.05"],
        inputs={"": x.numpy()}, labels=labels.numpy(), train=lambda: torch_epochs(model, loss, x, labels, 0.05))
