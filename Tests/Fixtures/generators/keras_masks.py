"""Keras 3's masks: what layers make of padding behind, padding in front, holes and rows of which nothing counts."""
import keras
import numpy as np
import tensorflow as tf
from keras.src import backend

from .fixture import Fixture, normal, seeded
from .keras_cells import VERSIONS, set_precision

B, T, I, H = 4, 7, 5, 3
layers = keras.layers


def lengths(ends):
    return np.arange(T)[None] < np.array(ends)[:, None]


HOLES = np.array([[1, 0, 1, 1, 0, 1, 1], [1, 1, 0, 0, 0, 1, 0], [0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0, 0]], bool)
EMPTY = np.array([[0, 0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0], [0, 1, 0, 1, 1, 0, 0]], bool)
MASKS = {"right": lengths([7, 2, 5, 1]), "left": lengths([6, 7, 2, 1])[:, ::-1], "holes": HOLES, "empty": EMPTY}

CELLS = {"lstm": lambda **o: layers.LSTM(H, **o), "gru": lambda **o: layers.GRU(H, **o),
         "gru_reset_before": lambda **o: layers.GRU(H, reset_after=False, **o),
         "simple_rnn": lambda **o: layers.SimpleRNN(H, **o)}
WAYS = {"last": {}, "sequences": dict(return_sequences=True),
        "zero": dict(return_sequences=True, zero_output_for_mask=True), "backwards": dict(go_backwards=True),
        "backwards_sequences": dict(go_backwards=True, return_sequences=True),
        "backwards_zero": dict(go_backwards=True, return_sequences=True, zero_output_for_mask=True)}
AROUND = {
    "reshape": lambda: layers.Reshape((5, -1)), "permute": lambda: layers.Permute((2, 1)), "flatten": layers.Flatten,
    "zero_padding": lambda: layers.ZeroPadding1D((2, 1)), "cropping": lambda: layers.Cropping1D((1, 3)),
    "up_sampling": lambda: layers.UpSampling1D(3), "conv": lambda: layers.Conv1D(4, 3),
    "conv_same": lambda: layers.Conv1D(4, 3, strides=2, padding="same"),
    "conv_causal": lambda: layers.Conv1D(4, 3, padding="causal"), "depthwise": lambda: layers.DepthwiseConv1D(3),
    "separable": lambda: layers.SeparableConv1D(4, 3), "max_pooling": lambda: layers.MaxPooling1D(3, 2, "same"),
    "average_pooling": lambda: layers.AveragePooling1D(3, 2, "same"), "global_max": layers.GlobalMaxPooling1D,
    "masking": lambda: layers.Masking(0.5), "dense": lambda: layers.Dense(4, "tanh"),
    "time_distributed": lambda: layers.TimeDistributed(layers.Dense(4)),
    "activation": lambda: layers.Activation("tanh"),
    "layer_normalization": layers.LayerNormalization, "rms_normalization": layers.RMSNormalization,
    "unit_normalization": layers.UnitNormalization, "group_normalization": lambda: layers.GroupNormalization(5),
    "batch_normalization": layers.BatchNormalization, "relu": layers.ReLU, "leaky_relu": layers.LeakyReLU,
    "elu": layers.ELU, "prelu": layers.PReLU, "rescaling": lambda: layers.Rescaling(0.5),
    "dropout": lambda: layers.Dropout(0.5), "spatial_dropout": lambda: layers.SpatialDropout1D(0.5),
    "gaussian_noise": lambda: layers.GaussianNoise(0.5), "gaussian_dropout": lambda: layers.GaussianDropout(0.5),
    "alpha_dropout": lambda: layers.AlphaDropout(0.5), "regularization": lambda: layers.ActivityRegularization(0.1),
}
TWO = {name.lower(): getattr(layers, name) for name in
       ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")}
TWO |= {"concatenate_time": lambda: layers.Concatenate(axis=1), "dot": lambda: layers.Dot(2),
        "dot_time": lambda: layers.Dot(1)}
STACKS = {
    "masking_lstm": lambda: [layers.Masking(0.5), layers.LSTM(H, return_sequences=True), layers.Dense(2)],
    "conv_between": lambda: [layers.LSTM(H, return_sequences=True), layers.Conv1D(4, 2), layers.GRU(H)],
    "bidirectional_average": lambda: [layers.Bidirectional(layers.GRU(H, return_sequences=True)),
                                      layers.GlobalAveragePooling1D()],
    "backwards_twice": lambda: [layers.LSTM(H, return_sequences=True, go_backwards=True), layers.GRU(H)],
}
WORDS = {
    "words_masked": lambda: [layers.Embedding(9, I, mask_zero=True), layers.LSTM(H, return_sequences=True)],
    "words_unmasked": lambda: [layers.Embedding(9, I), layers.GRU(H)],
}


def cases():
    for mask in MASKS:
        for cell, make in CELLS.items():
            for way, options in WAYS.items():
                yield f"{cell}_{way}_{mask}", lambda m=make, o=options: m(return_state=True, **o), 1, [mask]
            if cell != "gru_reset_before":
                yield (f"bidirectional_{cell}_{mask}",
                       lambda m=make: layers.Bidirectional(m(return_sequences=True)), 1, [mask])
                yield (f"bidirectional_{cell}_last_{mask}",
                       lambda m=make: layers.Bidirectional(m(), merge_mode="mul"), 1, [mask])
        for way in (True, False):
            yield (f"stack_{'sequences' if way else 'last'}_{mask}",
                   lambda w=way: layers.RNN([layers.LSTMCell(4), layers.GRUCell(H)], return_sequences=w), 1, [mask])
        for name, stack in STACKS.items():
            if mask == "empty" and "average" in name:
                continue  # Keras divides by the number of timesteps that count, 0.
            yield f"{name}_{mask}", lambda s=stack: keras.Sequential(s()), 1, [mask]
        for name, stack in WORDS.items():
            yield f"{name}_{mask}", lambda s=stack: keras.Sequential(s()), 0, [mask]
    yield "words_alone", lambda: keras.Sequential(WORDS["words_masked"]()), 0, [None]
    for name, make in AROUND.items():
        yield name, make, 1, ["holes"]
    yield "global_average", layers.GlobalAveragePooling1D, 1, ["holes"]
    for name, make in TWO.items():
        yield name, make, 2, ["holes", "right"]
        yield f"{name}_and_none", make, 2, [None, "holes"]


def call(layer, inputs, masks):
    for tensor, mask in zip(inputs, masks):
        if mask is not None:
            backend.set_keras_mask(tensor, tf.constant(MASKS[mask]))
    outputs = layer(inputs if len(inputs) > 1 else inputs[0])
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def description(layer):
    if isinstance(layer, keras.Sequential):
        return {"class_name": "Sequential", "config": {"layers": [description(inner) for inner in layer.layers]}}
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def add_case(fixture, name, make, count, masks):
    random = seeded(fixture.name, name)
    if count == 0:
        inputs = [random.integers(0, 9, (B, T)).astype(np.int32)]
    else:
        inputs = [normal(random, B, T, I) for _ in range(count)]
    if name.startswith("masking"):
        inputs[0][0, 3:] = inputs[0][1, 2] = 0.5
    keras.backend.clear_session()
    set_precision("float32")
    sample = make()
    sample_outputs = call(sample, [tf.constant(x) for x in inputs], masks)
    weights = []
    for weight in sample.weights:
        value = normal(random, *weight.shape, scale=0.6)
        positive = weight.name == "moving_variance"
        weights.append(np.abs(value) + np.float32(0.3) if positive else value)
    upstream = [normal(random, *output.shape) for output in sample_outputs]
    found_mask = {}

    def compute(dtype):
        set_precision(dtype)
        layer = make()
        kind = dtype if count else "int32"
        call(layer, [tf.constant(x, kind) for x in inputs], masks)
        kept = [w for w in layer.weights if "seed_generator" not in w.path]
        for weight, value in zip(kept, weights, strict=True):
            weight.assign(value)
        sources = [tf.constant(x, kind) for x in inputs]
        with tf.GradientTape() as tape:
            if count:
                tape.watch(sources)
            outputs = call(layer, sources, masks)
            objective = sum(tf.reduce_sum(y * tf.constant(up, dtype)) for y, up in zip(outputs, upstream, strict=True))
        mask = backend.get_keras_mask(outputs[0])
        if mask is not None:
            found_mask["output_mask"] = np.asarray(mask)
        found = {f"output_{i}": y for i, y in enumerate(outputs)}
        variables = [weight.value for weight in layer.trainable_variables]
        given = sources if count else []
        gradients = tape.gradient(objective, [*given, *variables], unconnected_gradients="zero")
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
        found |= {f"grad_input_{i}": gradient for i, gradient in enumerate(gradients[:len(given)])}
        found |= {f"grad_weight_{i}": gradient for i, gradient in enumerate(gradients[len(given):])}
        return {what: np.asarray(value) for what, value in found.items()}

    weights = [value for value, weight in zip(weights, sample.weights) if "seed_generator" not in weight.path]
    results = [compute(dtype) for dtype in ("float32", "float64")]
    set_precision("float32")
    given = {f"input_{i}": x for i, x in enumerate(inputs)}
    given |= {f"upstream_{i}": up for i, up in enumerate(upstream)}
    given |= {f"weight_{i}": weight for i, weight in enumerate(weights)}
    given |= {f"mask_{i}": MASKS[mask] for i, mask in enumerate(masks) if mask is not None}
    fixture.add(name, given | found_mask, layer=description(sample))
    fixture.add_agreed(name, *results)


def make():
    fixture = Fixture("keras_masks", VERSIONS)
    for name, builder, count, masks in cases():
        add_case(fixture, name, builder, count, masks)
    fixture.save()
