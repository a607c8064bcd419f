"""Keras 3's layers around the recurrent ones: each by its own JSON, forward, gradients, masks and statistics."""
import json

import keras
import numpy as np
import tensorflow as tf
from keras.src import backend

from .fixture import Fixture, normal, seeded
from .keras_cells import VERSIONS, set_precision

B, T, I, S = 3, 7, 5, 4
SEQUENCE, ROWS = (B, T, I), (B, I)
LENGTHS = [7, 2, 5]
HOLES = np.array([[1, 0, 1, 1, 0, 1, 1], [1, 1, 0, 0, 0, 0, 0], [0, 1, 1, 1, 1, 0, 0]], bool)


def lengths(timesteps, ends=LENGTHS):
    return np.arange(timesteps)[None] < np.minimum(np.array(ends), timesteps)[:, None]


# Case: class, arguments, shapes of the inputs, and what else there is: masks, training, arguments of the call.
CASES = {
    "masking": ("Masking", dict(mask_value=0.5), [SEQUENCE], {}),
    "reshape": ("Reshape", dict(target_shape=(5, -1)), [SEQUENCE], {}),
    "permute": ("Permute", dict(dims=(2, 1)), [SEQUENCE], {}),
    "repeat_vector": ("RepeatVector", dict(n=4), [ROWS], {}),
    "zero_padding": ("ZeroPadding1D", dict(padding=(2, 1)), [SEQUENCE], {}),
    "cropping": ("Cropping1D", dict(cropping=(1, 3)), [SEQUENCE], {}),
    "up_sampling": ("UpSampling1D", dict(size=3), [SEQUENCE], {}),
    "add_of_masks": ("Add", {}, [SEQUENCE] * 3, dict(masks=[lengths(T), HOLES, lengths(T, [1, 1, 1])])),
    "add_without_a_mask": ("Add", {}, [SEQUENCE] * 2, dict(masks=[HOLES, None])),
    "add_of_a_vector": ("Add", {}, [SEQUENCE, ROWS], {}),
    "subtract": ("Subtract", {}, [SEQUENCE] * 2, dict(masks=[HOLES, lengths(T)])),
    "multiply": ("Multiply", {}, [SEQUENCE, (B, T, 1), SEQUENCE], {}),
    "average": ("Average", {}, [SEQUENCE] * 3, {}),
    "maximum": ("Maximum", {}, [SEQUENCE] * 3, {}),
    "minimum": ("Minimum", {}, [SEQUENCE] * 3, {}),
    "concatenate": ("Concatenate", {}, [SEQUENCE, (B, T, 2)], dict(masks=[HOLES, lengths(T)])),
    "concatenate_time": ("Concatenate", dict(axis=1), [SEQUENCE, (B, 2, I)], dict(masks=[HOLES, None])),
    "dot": ("Dot", dict(axes=(2, 1)), [SEQUENCE, (B, I, 4)], dict(masks=[HOLES, None])),
    "dot_normalized": ("Dot", dict(axes=2, normalize=True), [SEQUENCE, (B, S, I)], {}),
    "dot_of_rows": ("Dot", dict(axes=-1, normalize=True), [ROWS, ROWS], {}),
    "relu": ("ReLU", {}, [SEQUENCE], {}),
    "relu_limited": ("ReLU", dict(max_value=0.8), [SEQUENCE], {}),
    "relu_of_three": ("ReLU", dict(max_value=0.9, negative_slope=0.2, threshold=0.3), [SEQUENCE], {}),
    "relu_threshold": ("ReLU", dict(threshold=0.4), [SEQUENCE], {}),
    "leaky_relu": ("LeakyReLU", {}, [SEQUENCE], {}),
    "leaky_relu_slope": ("LeakyReLU", dict(negative_slope=0.1), [SEQUENCE], {}),
    "elu": ("ELU", {}, [SEQUENCE], {}),
    "elu_alpha": ("ELU", dict(alpha=0.6), [SEQUENCE], {}),
    "prelu": ("PReLU", {}, [SEQUENCE], {}),
    "prelu_shared": ("PReLU", dict(shared_axes=[1]), [SEQUENCE], {}),
    "softmax": ("Softmax", {}, [SEQUENCE], {}),
    "softmax_time": ("Softmax", dict(axis=1), [SEQUENCE], {}),
    "rescaling": ("Rescaling", dict(scale=0.4, offset=-1.5), [SEQUENCE], {}),
    "normalization": ("Normalization", {}, [SEQUENCE], {}),
    "normalization_inverted": ("Normalization", dict(invert=True), [SEQUENCE], {}),
    "normalization_of_all": ("Normalization", dict(axis=None), [SEQUENCE], {}),
    "normalization_given": ("Normalization", dict(mean=[0.1, 0.2, -0.3, 0.4, 0.5], variance=[1.0, 0.5, 2.0, 0.1, 0.0]),
                            [SEQUENCE], {}),
    "normalization_of_one": ("Normalization", dict(mean=0.25, variance=1.5), [SEQUENCE], {}),
    "batch_normalization": ("BatchNormalization", {}, [SEQUENCE], {}),
    "batch_normalization_training": ("BatchNormalization", dict(momentum=0.8), [SEQUENCE], dict(training=True)),
    "batch_normalization_masked": ("BatchNormalization", dict(momentum=0.8, epsilon=0.01), [SEQUENCE],
                                   dict(training=True, masks=[HOLES])),
    "batch_normalization_lengths": ("BatchNormalization", dict(center=False), [SEQUENCE],
                                    dict(training=True, masks=[lengths(T)])),
    "batch_normalization_rows": ("BatchNormalization", dict(scale=False), [(S, I)], dict(training=True)),
    "batch_normalization_axis": ("BatchNormalization", dict(axis=1), [SEQUENCE], dict(training=True)),
    "group_normalization": ("GroupNormalization", dict(groups=2), [(B, T, 6)], {}),
    "group_normalization_axis": ("GroupNormalization", dict(groups=3, axis=1, epsilon=0.1), [(B, 6, I)], {}),
    "group_normalization_single": ("GroupNormalization", dict(groups=-1, scale=False), [SEQUENCE], {}),
    "group_normalization_rows": ("GroupNormalization", dict(groups=3, center=False), [(S, 6)], {}),
    "rms_normalization": ("RMSNormalization", dict(epsilon=0.01), [SEQUENCE], {}),
    "unit_normalization": ("UnitNormalization", {}, [SEQUENCE], {}),
    "unit_normalization_axes": ("UnitNormalization", dict(axis=[1, 2]), [SEQUENCE], {}),
    "conv": ("Conv1D", dict(filters=4, kernel_size=3), [SEQUENCE], {}),
    "conv_strides": ("Conv1D", dict(filters=4, kernel_size=2, strides=3, activation="tanh"), [SEQUENCE], {}),
    "conv_same": ("Conv1D", dict(filters=4, kernel_size=4, padding="same"), [SEQUENCE], {}),
    "conv_same_strides": ("Conv1D", dict(filters=4, kernel_size=3, padding="same", strides=2), [SEQUENCE], {}),
    "conv_same_dilation": ("Conv1D", dict(filters=4, kernel_size=3, padding="same", dilation_rate=2), [SEQUENCE], {}),
    "conv_causal": ("Conv1D", dict(filters=4, kernel_size=3, padding="causal", use_bias=False), [SEQUENCE], {}),
    "conv_causal_dilation": ("Conv1D", dict(filters=4, kernel_size=3, padding="causal", dilation_rate=3), [SEQUENCE],
                             {}),
    "conv_causal_strides": ("Conv1D", dict(filters=4, kernel_size=3, padding="causal", strides=2), [SEQUENCE], {}),
    "conv_groups": ("Conv1D", dict(filters=4, kernel_size=3, groups=2), [(B, T, 6)], {}),
    "depthwise_conv": ("DepthwiseConv1D", dict(kernel_size=3, depth_multiplier=2, activation="relu"), [SEQUENCE], {}),
    "depthwise_conv_same": ("DepthwiseConv1D", dict(kernel_size=3, strides=2, padding="same", use_bias=False),
                            [SEQUENCE], {}),
    "depthwise_conv_dilation": ("DepthwiseConv1D", dict(kernel_size=2, dilation_rate=2, padding="same"), [SEQUENCE],
                                {}),
    "separable_conv": ("SeparableConv1D", dict(filters=4, kernel_size=3, depth_multiplier=2), [SEQUENCE], {}),
    "separable_conv_causal": ("SeparableConv1D", dict(filters=4, kernel_size=3, padding="same", strides=2,
                                                      activation="sigmoid", use_bias=False), [SEQUENCE], {}),
    "max_pooling": ("MaxPooling1D", {}, [SEQUENCE], {}),
    "max_pooling_same": ("MaxPooling1D", dict(pool_size=3, strides=2, padding="same"), [SEQUENCE], {}),
    "average_pooling": ("AveragePooling1D", dict(pool_size=3, strides=1), [SEQUENCE], {}),
    "average_pooling_same": ("AveragePooling1D", dict(pool_size=4, strides=2, padding="same"), [SEQUENCE], {}),
    "global_max": ("GlobalMaxPooling1D", {}, [SEQUENCE], {}),
    "global_max_kept": ("GlobalMaxPooling1D", dict(keepdims=True), [SEQUENCE], {}),
    "global_average": ("GlobalAveragePooling1D", {}, [SEQUENCE], {}),
    "global_average_masked": ("GlobalAveragePooling1D", dict(keepdims=True), [SEQUENCE], dict(masks=[HOLES])),
    "attention": ("Attention", {}, [(B, T, I), (B, S, I)], {}),
    "attention_scaled": ("Attention", dict(use_scale=True), [(B, T, I), (B, S, 6), (B, S, I)],
                         dict(masks=[None, lengths(S, [4, 1, 2]), None], scores=True)),
    "attention_masked": ("Attention", {}, [(B, T, I), (B, S, I)], dict(masks=[HOLES, lengths(S, [4, 1, 2])])),
    "attention_concat": ("Attention", dict(use_scale=True, score_mode="concat"), [(B, T, I), (B, S, I)],
                         dict(masks=[None, lengths(S, [4, 1, 2])], causal=True)),
    "attention_causal": ("Attention", {}, [(B, T, I), (B, T, I)], dict(causal=True, scores=True)),
    "additive_attention": ("AdditiveAttention", {}, [(B, T, I), (B, S, I)],
                           dict(masks=[lengths(T), lengths(S, [4, 1, 2])])),
    "additive_attention_plain": ("AdditiveAttention", dict(use_scale=False), [(B, T, I), (B, S, 6), (B, S, I)],
                                 dict(causal=True)),
    "multi_head": ("MultiHeadAttention", dict(num_heads=2, key_dim=3), [(B, T, I), (B, S, 6)], {}),
    "multi_head_masked": ("MultiHeadAttention", dict(num_heads=2, key_dim=3, value_dim=4, output_shape=6),
                          [(B, T, I), (B, S, 6), (B, S, 2)],
                          dict(masks=[HOLES, lengths(S, [4, 1, 2]), lengths(S, [3, 4, 4])], scores=True)),
    "multi_head_causal": ("MultiHeadAttention", dict(num_heads=3, key_dim=2, use_bias=False),
                          [(B, T, I), (B, T, I)], dict(masks=[None, lengths(T)], causal=True)),
}
POSITIVE = ("moving_variance", "variance")


def case_inputs(name, case, shapes):
    random = seeded(name, case)
    inputs = [normal(random, *shape) for shape in shapes]
    if case == "masking":
        inputs[0][0, 3:] = inputs[0][1, 2] = 0.5
        inputs[0][2, 4, :3] = 0.5
    return random, inputs


def call(layer, inputs, what):
    """Calls a layer with masked tensors, as a model does."""
    arguments = {}
    if what.get("causal"):
        arguments["use_causal_mask"] = True
    if what.get("scores"):
        arguments["return_attention_scores"] = True
    if what.get("training"):
        arguments["training"] = True
    for tensor, mask in zip(inputs, what.get("masks", [])):
        if mask is not None:
            backend.set_keras_mask(tensor, tf.constant(mask))
    several = isinstance(layer, keras.layers.MultiHeadAttention)
    outputs = layer(*inputs, **arguments) if several else layer(inputs if len(inputs) > 1 else inputs[0], **arguments)
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def add_case(fixture, case, class_name, options, shapes, what):
    random, inputs = case_inputs(fixture.name, case, shapes)
    make = getattr(keras.layers, class_name)
    # Names are numbered anew, so that a case does not depend on those before it.
    keras.backend.clear_session()
    set_precision("float32")
    sample = make(**options)
    sample_outputs = call(sample, [tf.constant(x) for x in inputs], what)
    weights = []
    for weight in sample.weights:
        value = normal(random, *weight.shape, scale=0.6)
        weights.append(np.abs(value) + np.float32(0.3) if weight.name in POSITIVE else value)
        if weight.name == "count":
            weights[-1] = np.int32(0)
    upstream = [normal(random, *output.shape) for output in sample_outputs]
    masks, final = {}, {}

    def compute(dtype):
        layer = make(**options, dtype=dtype)
        sources = [tf.constant(x, dtype) for x in inputs]
        call(layer, [tf.constant(x, dtype) for x in inputs], dict(what, training=False))
        layer.set_weights(weights)
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
        with tf.GradientTape() as tape:
            tape.watch(sources)
            outputs = call(layer, sources, what)
            objective = sum(tf.reduce_sum(y * tf.constant(up, dtype)) for y, up in zip(outputs, upstream, strict=True))
        mask = backend.get_keras_mask(outputs[0])
        if mask is not None:
            masks["output_mask"] = np.asarray(mask)
        found = {f"output_{i}": y for i, y in enumerate(outputs)}
        trainable = layer.trainable_variables
        gradients = tape.gradient(objective, [*sources, *(weight.value for weight in trainable)],
                                  unconnected_gradients="zero")
        found |= {f"grad_input_{i}": gradient for i, gradient in enumerate(gradients[:len(sources)])}
        order = [id(weight) for weight in layer.weights]
        for weight, gradient in zip(trainable, gradients[len(sources):], strict=True):
            found[f"grad_weight_{order.index(id(weight))}"] = gradient
        for i, weight in enumerate(layer.weights):
            if not weight.trainable and weight.name != "count":
                found[f"after_{i}"] = weight.numpy()
        return {name: np.asarray(value) for name, value in found.items()}

    results = []
    for dtype in ("float32", "float64"):
        set_precision(dtype)
        results.append(compute(dtype))
    set_precision("float32")
    given = {f"input_{i}": x for i, x in enumerate(inputs)}
    given |= {f"upstream_{i}": up for i, up in enumerate(upstream)}
    given |= {f"weight_{i}": weight for i, weight in enumerate(weights)}
    given |= {f"mask_{i}": mask for i, mask in enumerate(what.get("masks", [])) if mask is not None}
    config = sample.get_config()
    if what.get("causal"):
        config["use_causal_mask"] = True
    if what.get("scores"):
        config["return_attention_scores"] = True
    fixture.add(case, given | masks, layer={"class_name": class_name, "config": config},
                training=bool(what.get("training")), weights=[weight.path for weight in sample.weights])
    fixture.add_agreed(case, *results)


def masked_graph():
    """A model whose JSON holds the operations that make its masks, and calls with settings."""
    layers = keras.layers
    ids = layers.Input((T,), dtype="int32", name="ids")
    vectors = layers.Embedding(9, 6, mask_zero=True, name="table")(ids)
    read = layers.GRU(6, return_sequences=True, name="read")(vectors)
    normalized = layers.BatchNormalization(name="normalized")(read)
    found = layers.Attention(use_scale=True, name="found")([normalized, read])
    heads = layers.MultiHeadAttention(2, 3, name="heads")(found, read, use_causal_mask=True)
    both = layers.Average(name="both")([layers.Add(name="sum")([found, heads]), normalized])
    last = layers.LSTM(5, name="last")(layers.PReLU(shared_axes=[1], name="rectified")(both))
    return keras.Model([ids], [layers.Dense(3, activation="softmax", name="classes")(last)], name="masked")


def make_masked_graph():
    fixture = Fixture("keras_masked_graph", VERSIONS)
    random = seeded(fixture.name)
    keras.backend.clear_session()
    set_precision("float32")
    model = masked_graph()
    ids = random.integers(1, 9, (B + 1, T)).astype(np.int32)
    for row, length in enumerate([T, 2, 5, 1]):
        ids[row, length:] = 0
    ids[2, 1] = 0
    weights = [np.abs(normal(random, *weight.shape, scale=0.6)) + np.float32(0.3) if weight.name in POSITIVE
               else normal(random, *weight.shape, scale=0.6) for weight in model.weights]
    model.set_weights(weights)
    fixture.add("masked", {"ids": ids, **{f"weight_{i}": weight for i, weight in enumerate(weights)},
                           "output": np.asarray(model(ids))}, model=json.loads(model.to_json()))
    fixture.save()


def make():
    make_masked_graph()
    fixture = Fixture("keras_layers", VERSIONS)
    for case, (class_name, options, shapes, what) in CASES.items():
        add_case(fixture, case, class_name, options, shapes, what)
    fixture.save()
