"""Recurrent layers of Keras 3 on TensorFlow, run eagerly: values and gradients, one direction and Bidirectional."""
import keras
import numpy as np
import tensorflow as tf

from .fixture import Fixture, normal, seeded

VERSIONS = {"keras": keras.__version__, "tensorflow": tf.__version__}
LAYERS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU,
          "gru_reset_before": keras.layers.GRU}
GATES = {"simple_rnn": 1, "lstm": 4, "gru": 3, "gru_reset_before": 3}
B, T, I, H = 3, 7, 4, 5
LENGTHS = [7, 1, 4]
WIDE = dict(batch=6, timesteps=9, inputs=10, units=17, lengths=[9, 3, 1, 8, 5, 2])

CASES = {
    "plain": {},
    "padded": dict(lengths=LENGTHS),
    "padded_zero_output": dict(lengths=LENGTHS, zero_output_for_mask=True),
    "initial_state": dict(initial=True),
    "padded_initial_state": dict(initial=True, lengths=LENGTHS),
    "no_bias": dict(use_bias=False),
    "go_backwards": dict(go_backwards=True),
    "padded_go_backwards": dict(go_backwards=True, lengths=LENGTHS, initial=True),
    "last_only": dict(return_sequences=False),
    "padded_last_only": dict(return_sequences=False, lengths=LENGTHS),
    "wide": dict(WIDE, initial=True),
}
GATED = {
    "hard_sigmoid": dict(recurrent_activation="hard_sigmoid"),
    "softsign": dict(activation="softsign"),
    "relu": dict(activation="relu", lengths=LENGTHS),
    "linear": dict(activation="linear", recurrent_activation="tanh"),
}
OWN_CASES = {
    "simple_rnn": {"relu": dict(activation="relu", lengths=LENGTHS), "softsign": dict(activation="softsign"),
                   "hard_sigmoid": dict(activation="hard_sigmoid")},
    "lstm": GATED, "gru": GATED, "gru_reset_before": GATED,
}


def set_precision(dtype):
    """Sets what layers, losses and optimisers compute in; floatx alone leaves a policy that was read once as it is."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)


def weights(random, cell, inputs, units, use_bias, prefix=""):
    gates = GATES[cell]
    made = {"kernel": normal(random, inputs, gates * units, scale=0.6),
            "recurrent_kernel": normal(random, units, gates * units, scale=0.9 / units ** 0.5)}
    if use_bias:
        shape = (2, gates * units) if cell == "gru" else (gates * units,)
        made["bias"] = normal(random, *shape, scale=0.4)
    return {prefix + name: value for name, value in made.items()}


def states(cell):
    return ["h", "c"] if cell == "lstm" else ["h"]


def make_layer(cell, given, dtype, units, merge, **options):
    """Builds the layer in one precision with the given weights; `merge` names the mode of a bidirectional one."""
    if cell == "gru_reset_before":
        options["reset_after"] = False
    layer = LAYERS[cell](units, dtype=dtype, return_state=True, **options)
    if merge:
        layer = keras.layers.Bidirectional(layer, merge_mode=None if merge == "none" else merge, dtype=dtype)
    layer.build(given["input"].shape)
    layer.set_weights([given[name] for name in weight_names(given)])
    return layer


def weight_names(given):
    names = ["kernel", "recurrent_kernel", "bias"]
    return [name for name in names + ["backward_" + name for name in names] if name in given]


def run(cell, given, dtype, units, merge, output_names, **options):
    """Runs forward and the gradient of sum(output ⊙ upstream) with respect to everything given."""
    layer = make_layer(cell, given, dtype, units, merge, **options)
    wide = {name: tf.constant(value, dtype) for name, value in given.items() if value.dtype == np.float32}
    mask = None
    if "lengths" in given:
        mask = tf.sequence_mask(given["lengths"], given["input"].shape[1])
    initial_names = [name for name in given if name.endswith(("initial_h", "initial_c"))]
    sources = {"input": wide["input"], **{name: wide[name] for name in initial_names}}
    with tf.GradientTape() as tape:
        tape.watch(list(sources.values()))
        initial = [sources[name] for name in initial_names] or None
        if initial and len(initial) == 1:
            initial = initial[0]
        results = dict(zip(output_names, layer(wide["input"], mask=mask, initial_state=initial), strict=True))
        objective = tf.add_n([tf.reduce_sum(value * wide[upstream_name(name)]) for name, value in results.items()])
    variables = [variable.value for variable in layer.trainable_variables]
    sources.update(zip(weight_names(given), variables, strict=True))
    gradients = tape.gradient(objective, list(sources.values()))
    reference = {name: value.numpy() for name, value in results.items()}
    reference.update({"grad_" + name: tf.convert_to_tensor(gradient).numpy()
                      for name, gradient in zip(sources, gradients, strict=True)})
    return reference


def upstream_name(output_name):
    return output_name.replace("output", "upstream").replace("final_", "upstream_")


def add_case(fixture, cell, case, merge=None, initial=False, lengths=None, batch=B, timesteps=T, inputs=I, units=H,
             return_sequences=True, use_bias=True, **options):
    random = seeded(fixture.name, case)
    given = {"input": normal(random, batch, timesteps, inputs)}
    given.update(weights(random, cell, inputs, units, use_bias))
    if merge:
        given.update(weights(random, cell, inputs, units, use_bias, "backward_"))
    if lengths:
        given["lengths"] = np.asarray(lengths, np.int32)
    directions = ["", "backward_"] if merge else [""]
    if initial:
        given.update({f"{direction}initial_{state}": normal(random, batch, units, scale=0.7)
                      for direction in directions for state in states(cell)})
    final = [f"{direction}final_{state}" for direction in directions for state in states(cell)]
    outputs = ["output", "backward_output"] if merge == "none" else ["output"]
    width = 2 * units if merge == "concat" else units
    shape = (batch, timesteps, width) if return_sequences else (batch, width)
    given.update({upstream_name(name): normal(random, *shape) for name in outputs})
    given.update({upstream_name(name): normal(random, batch, units) for name in final})

    def reference(dtype):
        return run(cell, given, dtype, units, merge, outputs + final, use_bias=use_bias,
                   return_sequences=return_sequences, **options)

    fixture.add(case, given, return_sequences=return_sequences, use_bias=use_bias, merge=merge, units=units, **options)
    fixture.add_agreed(case, reference("float32"), reference("float64"))


def make_single(cell):
    fixture = Fixture(f"keras_{cell}", VERSIONS)
    for case, options in (CASES | OWN_CASES[cell]).items():
        add_case(fixture, cell, case, **options)
    fixture.save()


def make_bidirectional(cell):
    fixture = Fixture(f"keras_bidirectional_{cell}", VERSIONS)
    for merge in ("concat", "sum", "ave", "mul", "none"):
        add_case(fixture, cell, merge, merge)
        add_case(fixture, cell, f"{merge}_padded", merge, lengths=LENGTHS)
        add_case(fixture, cell, f"{merge}_last_only", merge, return_sequences=False)
        add_case(fixture, cell, f"{merge}_padded_last_only", merge, return_sequences=False, lengths=LENGTHS)
    for merge in ("concat", "mul"):
        add_case(fixture, cell, f"{merge}_initial_state", merge, initial=True)
        add_case(fixture, cell, f"{merge}_padded_initial_state", merge, initial=True, lengths=LENGTHS)
    add_case(fixture, cell, "wide", "concat", initial=True, **WIDE)
    fixture.save()


def make():
    for cell in LAYERS:
        make_single(cell)
    for cell in ("lstm", "gru", "simple_rnn"):
        make_bidirectional(cell)
