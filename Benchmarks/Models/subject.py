"""What is asked of every model, and the arrays it is asked with."""
import dataclasses
import pathlib
import typing

ROWS = 256
EPOCHS = 3
BATCH = 32


@dataclasses.dataclass
class Subject:
    """A model as a package ships it, and the package's own way to run it."""
    format: str
    # What `recur predict` and `recur-bench model` are given: the model, and its weights where they stand beside it.
    arguments: list
    # 256 rows, by the names of the model's inputs; the one array of a model with one input is called "".
    inputs: dict
    # What the package asks of the model at a time, in the same way.
    call: dict
    # Answers such inputs with the package's own code.
    answer: typing.Callable
    # The output that is compared, where there are several; the others are written as well.
    outputs: tuple = ("",)


@dataclasses.dataclass
class Lesson:
    """A model that is trained on, here and in the package's framework."""
    # What `recur train` is given: the model, its weights, and what is not in its file.
    arguments: list
    inputs: dict
    labels: typing.Any
    # Trains as long in the package's framework, and returns the loss of every epoch.
    train: typing.Callable


def save_arrays(folder, arrays):
    """Writes arrays by their names and returns them as the tool takes them: NAME=FILE, or FILE."""
    import numpy
    texts = []
    for number, (name, array) in enumerate(arrays.items()):
        path = pathlib.Path(folder) / f"{number}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        numpy.save(path, array)
        texts.append(f"{name}={path}" if name else str(path))
    return texts


def package_file(name):
    """Returns the path of a file as an installed package ships it."""
    import importlib.util
    package, _, rest = name.partition("/")
    return pathlib.Path(importlib.util.find_spec(package).origin).parent / rest


def torch_epochs(model, loss, x, labels, learning_rate):
    """Trains with plain gradient descent in PyTorch, in the order of the rows; returns the mean loss of each epoch.

    PyTorch's recurrent layers add two biases, each of which takes a step of its own. Recurra has one, as Keras has, so
    the second stays as it is here.
    """
    import torch
    for name, parameter in model.named_parameters():
        if "bias_hh" in name:
            parameter.requires_grad_(False)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=learning_rate)
    history = []
    for _ in range(EPOCHS):
        total = 0.0
        for first in range(0, len(x), BATCH):
            optimizer.zero_grad()
            value = loss(model(x[first:first + BATCH]), labels[first:first + BATCH])
            value.backward()
            optimizer.step()
            total += value.item()
        history.append(total / (len(x) // BATCH))
    return history
