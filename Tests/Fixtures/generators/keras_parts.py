"""The smaller parts of Keras 3: layer normalisation, activations, losses, optimisers."""
import keras
import numpy as np
import tensorflow as tf

from .fixture import Fixture, normal, seeded
from .keras_cells import VERSIONS, set_precision

ACTIVATIONS = ("tanh", "relu", "sigmoid", "hard_sigmoid", "softsign", "linear", "elu", "softplus", "silu", "softmax",
               "log_softmax", "relu6", "selu", "gelu", "mish", "exponential", "hard_tanh", "hard_silu", "log_sigmoid",
               "tanh_shrink", "sparse_plus", "sparse_sigmoid", "sparsemax", "leaky_relu", "celu", "hard_shrink",
               "soft_shrink", "squareplus")
STEPS = 5
OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "sgd_momentum": ("SGD", dict(momentum=0.9)),
    "sgd_nesterov": ("SGD", dict(momentum=0.9, nesterov=True)),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", dict(momentum=0.9)),
    "rmsprop_momentum_centered": ("RMSprop", dict(momentum=0.9, centered=True)),
    "adam": ("Adam", {}),
    "adam_amsgrad": ("Adam", dict(amsgrad=True)),
    "adam_amsgrad_short_memory": ("Adam", dict(amsgrad=True, beta_2=0.6)),
    "adam_own_settings": ("Adam", dict(learning_rate=0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3)),
    "adamw": ("AdamW", {}),
    "adamw_own_settings": ("AdamW", dict(learning_rate=0.05, weight_decay=0.1)),
    "adagrad": ("Adagrad", {}),
    "adagrad_own_settings": ("Adagrad", dict(learning_rate=0.2, initial_accumulator_value=0.3)),
    "sgd_clipnorm": ("SGD", dict(learning_rate=0.1, clipnorm=0.8)),
    "sgd_clipvalue": ("SGD", dict(learning_rate=0.1, clipvalue=0.5)),
    "sgd_global_clipnorm": ("SGD", dict(learning_rate=0.1, global_clipnorm=1.2)),
    "adam_clipnorm": ("Adam", dict(clipnorm=0.8)),
    "adam_global_clipnorm": ("Adam", dict(global_clipnorm=1.2)),
}


def in_both_precisions(compute):
    """Runs `compute(dtype)` with floatx set to each precision, since optimisers and losses keep scalars in floatx."""
    results = []
    for dtype in ("float32", "float64"):
        set_precision(dtype)
        results.append({name: np.asarray(value) for name, value in compute(dtype).items()})
    set_precision("float32")
    return results


def make_layer_normalization():
    fixture = Fixture("keras_layer_normalization", VERSIONS)
    for case, options in {"plain": {}, "epsilon": dict(epsilon=1e-6), "no_gamma_beta": dict(center=False, scale=False),
                          "small_variance": {}}.items():
        random = seeded(fixture.name, case)
        spread = 0.01 if case == "small_variance" else 1.0
        given = {"input": normal(random, 3, 7, 5, scale=spread) + np.float32(0.3)}
        if options.get("scale", True):
            given.update(gamma=normal(random, 5) + np.float32(1), beta=normal(random, 5))
        given["upstream"] = normal(random, 3, 7, 5)

        def compute(dtype):
            layer = keras.layers.LayerNormalization(dtype=dtype, **options)
            layer.build((3, 7, 5))
            names = [name for name in ("gamma", "beta") if name in given]
            layer.set_weights([given[name] for name in names])
            source = tf.constant(given["input"], dtype)
            with tf.GradientTape() as tape:
                tape.watch(source)
                output = layer(source)
                objective = tf.reduce_sum(output * tf.constant(given["upstream"], dtype))
            gradients = tape.gradient(objective, [source, *(weight.value for weight in layer.trainable_variables)])
            return {"output": output, **{"grad_" + name: gradient
                                         for name, gradient in zip(["input", *names], gradients, strict=True)}}

        fixture.add(case, given, **options)
        fixture.add_agreed(case, *in_both_precisions(compute))
    fixture.save()


def make_activations():
    fixture = Fixture("keras_activations", VERSIONS)
    random = seeded(fixture.name)
    values = np.concatenate([normal(random, 9, scale=2), np.float32([-90, -20, -6.5, -1e-4, 0, 1e-4, 6.5, 20, 90])])
    given = {"input": values.reshape(3, 6), "upstream": normal(random, 3, 6)}
    fixture.add("all", given)
    for activation in ACTIVATIONS:
        def compute(dtype):
            source = tf.constant(given["input"], dtype)
            with tf.GradientTape() as tape:
                tape.watch(source)
                output = keras.activations.get(activation)(source)
                objective = tf.reduce_sum(output * tf.constant(given["upstream"], dtype))
            return {"output": output, "grad_input": tape.gradient(objective, source)}

        fixture.add_agreed(activation, *in_both_precisions(compute))
    fixture.save()


def loss_cases():
    """Yields case, loss, targets, predictions. Five rows, six classes; the last rows hold extreme values."""
    random = seeded("keras_losses")
    logits = normal(random, 5, 6, scale=2)
    logits[3] = [-100, 80, 0, 3, -1, 50]
    logits[4] = [1000, -1000, 0, 10, -10, 999]
    probabilities = np.exp(logits[:4] - logits[:4].max(-1, keepdims=True).astype(np.float64))
    probabilities = (probabilities / probabilities.sum(-1, keepdims=True)).astype(np.float32)
    probabilities = np.concatenate([probabilities, np.float32([[0, 1, 0, 0, 0, 0]])])
    labels = np.int32([2, 0, 5, 3, 1])
    one_hot = np.eye(6, dtype=np.float32)[labels]
    soft = (one_hot * 0.7 + 0.05).astype(np.float32)
    for form, predictions in (("probabilities", probabilities), ("logits", logits)):
        options = dict(from_logits=form == "logits")
        yield f"sparse_categorical_{form}", "SparseCategoricalCrossentropy", labels, predictions, options
        yield f"categorical_{form}", "CategoricalCrossentropy", soft, predictions, options
    yield ("categorical_logits_smoothed", "CategoricalCrossentropy", one_hot, logits,
           dict(from_logits=True, label_smoothing=0.1))
    wrong = np.float32([[0, 1, 0.5, 0.9, 1, 0]])
    binary = np.float32([[1, 0, 1, 1, 0, 1]] * 5)
    yield ("binary_probabilities", "BinaryCrossentropy", binary, np.concatenate([probabilities[:4], wrong]),
           dict(from_logits=False))
    yield "binary_logits", "BinaryCrossentropy", binary, logits, dict(from_logits=True)
    target, predicted = normal(random, 5, 6), normal(random, 5, 6, scale=2)
    for case, loss, options in (("mean_squared_error", "MeanSquaredError", {}),
                                ("mean_absolute_error", "MeanAbsoluteError", {}),
                                ("huber", "Huber", {}), ("huber_half", "Huber", dict(delta=0.5))):
        yield case, loss, target, predicted, options


def make_losses():
    fixture = Fixture("keras_losses", VERSIONS)
    for case, loss, targets, predictions, options in loss_cases():
        weights = np.float32([1, 0.5, 2, 0, 1.5])

        def compute(dtype):
            source = tf.constant(predictions, dtype)
            truth = tf.constant(targets if targets.dtype == np.int32 else targets.astype(dtype))
            make = getattr(keras.losses, loss)
            with tf.GradientTape() as tape:
                tape.watch(source)
                mean = make(dtype=dtype, **options)(truth, source)
            return {"loss": mean, "grad_predictions": tape.gradient(mean, source),
                    "rows": make(reduction=None, dtype=dtype, **options)(truth, source),
                    "weighted_loss": make(dtype=dtype, **options)(truth, source, sample_weight=weights.astype(dtype))}

        fixture.add(case, {"targets": targets, "predictions": predictions, "sample_weights": weights},
                    loss=loss, **options)
        fixture.add_agreed(case, *in_both_precisions(compute))
    fixture.save()


def make_optimizers():
    """Five updates of a 2×3 matrix and a vector of four, so that a norm per variable differs from the global norm."""
    fixture = Fixture("keras_optimizers", VERSIONS)
    random = seeded(fixture.name)
    shapes = {"matrix": (2, 3), "vector": (4,)}
    initial = {name: normal(random, *shape) for name, shape in shapes.items()}
    gradients = {"grad_" + name: normal(random, STEPS, *shape) for name, shape in shapes.items()}
    gradients["grad_vector"][2] *= 10
    gradients["grad_matrix"][3] *= np.float32(0.01)
    fixture.add("all", initial | gradients)
    for case, (optimizer_name, options) in OPTIMIZERS.items():
        def compute(dtype):
            variables = [keras.Variable(initial[name], dtype=dtype) for name in shapes]
            optimizer = getattr(keras.optimizers, optimizer_name)(**options)
            history = []
            for step in range(STEPS):
                optimizer.apply([tf.constant(gradients["grad_" + name][step], dtype) for name in shapes], variables)
                history.append([variable.numpy() for variable in variables])
            return {name: np.stack(values) for name, values in zip(shapes, zip(*history, strict=True), strict=True)}

        fixture.add(case, {}, optimizer=optimizer_name, **options)
        fixture.add_agreed(case, *in_both_precisions(compute))
    fixture.save()


def make():
    make_layer_normalization()
    make_activations()
    make_losses()
    make_optimizers()
