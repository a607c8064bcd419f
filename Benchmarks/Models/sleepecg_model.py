"""SleepECG's sleep stages: a Keras 3 file of two bidirectional GRUs over masked features, run by Keras on PyTorch."""
import zipfile

from subject import BATCH, EPOCHS, ROWS, Lesson, Subject, package_file


def features(rows, timesteps, seed):
    import numpy
    random = numpy.random.default_rng(seed)
    x = random.standard_normal((rows, timesteps, 36), dtype=numpy.float32)
    for row in range(rows):
        # Where the package knows nothing of a night it writes -1.
        x[row, random.integers(timesteps // 2, timesteps + 1):] = -1
        x[row, random.integers(0, timesteps)] = -1
    return x


def file(folder):
    with zipfile.ZipFile(package_file("sleepecg/classifiers/wrn-gru-mesa.zip")) as archive:
        archive.extract("classifier.keras", folder)
    return folder / "classifier.keras"


def subject(folder):
    import sleepecg
    model = sleepecg.load_classifier("wrn-gru-mesa", "SleepECG").model
    # A night of eight hours has 960 stages of 30 seconds; one night is staged at a time.
    return Subject(
        format="Keras 3 .keras", arguments=[file(folder)], inputs={"": features(ROWS, 60, 1)},
        call={"": features(1, 960, 2)}, answer=lambda arrays: model.predict(arrays[""], verbose=0))


def lesson(folder):
    import numpy
    import sleepecg
    model = sleepecg.load_classifier("wrn-gru-mesa", "SleepECG").model
    x = features(ROWS, 60, 1)
    labels = numpy.eye(4, dtype=numpy.float32)[model.predict(x, verbose=0).argmax(-1)]

    def train():
        return model.fit(x, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0).history["loss"]
    return Lesson(arguments=[file(folder)], inputs={"": x}, labels=labels, train=train)
