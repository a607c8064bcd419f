"""g2pM's Chinese syllables: pickled arrays of an Embedding, a bidirectional LSTM and two Linear, run by NumPy."""
import json
import pickle

from subject import ROWS, Lesson, Subject, package_file, torch_epochs

LIST = [
    {"module": "Embedding", "prefix": "embedding", "num_embeddings": 0, "embedding_dim": 0},
    {"module": "LSTM", "prefix": "lstm", "input_size": 0, "hidden_size": 0, "bidirectional": True, "batch_first": True},
    {"module": "Linear", "prefix": "logit_layer.0", "in_features": 0, "out_features": 0},
    {"module": "ReLU"},
    {"module": "Linear", "prefix": "logit_layer.2", "in_features": 0, "out_features": 0},
]


def files(folder, last):
    """Writes the arrays as a state dict and the layers as a list; returns both paths and the arrays."""
    import numpy
    from safetensors.numpy import save_file
    with open(package_file("g2pM/np_ckpt.pkl"), "rb") as file:
        arrays = {name: numpy.ascontiguousarray(array, numpy.float32) for name, array in pickle.load(file).items()}
    (ids, width), units = arrays["embedding.weight"].shape, arrays["lstm.weight_hh_l0"].shape[1]
    modules = [dict(module) for module in LIST]
    modules[0].update(num_embeddings=ids, embedding_dim=width)
    modules[1].update(input_size=width, hidden_size=units)
    for index in (2, 4):
        rows, columns = arrays[modules[index]["prefix"] + ".weight"].shape
        modules[index].update(in_features=columns, out_features=rows)
    save_file(arrays, folder / "g2pm.safetensors")
    (folder / "g2pm.json").write_text(json.dumps(modules + last))
    return [folder / "g2pm.json", "--weights", folder / "g2pm.safetensors"], arrays


def sentences(rows, timesteps, seed, ids):
    import numpy
    return numpy.random.default_rng(seed).integers(1, ids, (rows, timesteps), dtype=numpy.int64)


def subject(folder):
    import numpy
    from g2pM import G2pM
    package = G2pM()
    arguments, arrays = files(folder, [])
    ids = len(arrays["embedding.weight"])

    def answer(arrays):
        # The package's own code as far as its logits, for every character instead of one of each row.
        x = arrays[""]
        lengths = numpy.sum(numpy.sign(x), axis=1)
        forward, backward = package.get_embedding(x), package.get_embedding(package.reverse_sequence(x, lengths))
        states, hidden = [None, None], ([], [])
        for step in range(max(lengths)):
            states[0] = package.fw_lstm_cell(forward[:, step], states[0])
            states[1] = package.bw_lstm_cell(backward[:, step], states[1])
            for side in range(2):
                hidden[side].append(states[side][0])
        outputs = numpy.concatenate(
            [numpy.stack(hidden[0], 1), package.reverse_sequence(numpy.stack(hidden[1], 1), lengths)], 2)
        return package.fc_layer(outputs)
    # A sentence of 20 characters, of which four are read in several ways: a row for each.
    return Subject(
        format="pickled arrays → .safetensors and list", arguments=arguments,
        inputs={"": sentences(ROWS, 12, 1, ids)}, call={"": sentences(4, 20, 2, ids)}, answer=answer)


def lesson(folder):
    import torch
    arguments, arrays = files(folder, [{"module": "Softmax", "dim": -1}])

    class Tagger(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(*arrays["embedding.weight"].shape)
            self.lstm = torch.nn.LSTM(
                arrays["embedding.weight"].shape[1], arrays["lstm.weight_hh_l0"].shape[1], bidirectional=True,
                batch_first=True)
            first, last = arrays["logit_layer.0.weight"].shape, arrays["logit_layer.2.weight"].shape
            self.logit_layer = torch.nn.Sequential(
                torch.nn.Linear(first[1], first[0]), torch.nn.ReLU(), torch.nn.Linear(last[1], last[0]))

        def forward(self, x):
            return self.logit_layer(self.lstm(self.embedding(x))[0]).softmax(-1)
    model = Tagger()
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    x = torch.from_numpy(sentences(ROWS, 12, 1, len(arrays["embedding.weight"])))
    labels = model(x).detach().argmax(-1)

    def loss(probabilities, labels):
        chosen = probabilities.gather(-1, labels[..., None]).clip(1e-7, 1 - 1e-7)
        return -chosen.log().mean()
    return Lesson(
        arguments=[*arguments, "--loss", "sparse_categorical_crossentropy", "--optimizer", "sgd", "--learning-rate",
                   "0.05"],
        inputs={"": x.numpy()}, labels=labels.numpy(), train=lambda: torch_epochs(model, loss, x, labels, 0.05))
