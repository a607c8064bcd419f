"""ethnicolr's names: a Keras 2 .h5 of an Embedding and an LSTM over pairs of letters, run by Keras 2 on TensorFlow."""
import json
import shutil

from subject import BATCH, EPOCHS, ROWS, Lesson, Subject, package_file

FILE = "ethnicolr/models/wiki/lstm/wiki_ln_lstm.h5"


def names(rows, seed):
    import numpy
    random = numpy.random.default_rng(seed)
    x = random.integers(1, 1_436, (rows, 20), dtype=numpy.int32)
    for row in range(rows):
        x[row, :random.integers(8, 18)] = 0  # Names are padded in front.
    return x


def subject(folder):
    import tf_keras
    model = tf_keras.models.load_model(package_file(FILE))
    return Subject(
        format="Keras 2 .h5", arguments=[package_file(FILE)], inputs={"": names(ROWS, 1)}, call={"": names(ROWS, 2)},
        answer=lambda arrays: model(arrays[""], training=False).numpy())


def lesson(folder):
    import h5py
    import numpy
    import tf_keras
    # What dropout draws differs between frameworks: the file as it is, but for that.
    path = folder / "without_dropout.h5"
    shutil.copy(package_file(FILE), path)
    with h5py.File(path, "r+") as file:
        configuration = json.loads(file.attrs["model_config"])
        for layer in configuration["config"]["layers"]:
            layer["config"].update({key: 0.0 for key in ("dropout", "recurrent_dropout") if key in layer["config"]})
        file.attrs["model_config"] = json.dumps(configuration)
    model = tf_keras.models.load_model(path)
    x = names(ROWS, 1)
    labels = numpy.eye(13, dtype=numpy.float32)[model(x, training=False).numpy().argmax(-1)]

    def train():
        return model.fit(x, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0).history["loss"]
    return Lesson(arguments=[path], inputs={"": x}, labels=labels, train=train)
