"""What training is made of in Keras 3: further losses, metrics, optimisers, schedules, regularisers and constraints.

Runs on the JAX backend, whose gradients are dense (TensorFlow's squares those of an embedding one by one).
"""
import jax
import keras
import numpy as np

from .fixture import Fixture, normal, seeded

jax.config.update("jax_enable_x64", True)
VERSIONS = {"keras": keras.__version__, "jax": jax.__version__}
WEIGHTS = np.float32([1, 0.5, 2, 0, 1.5])


def in_both_precisions(compute):
    results = []
    for dtype in ("float32", "float64"):
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        results.append({name: np.asarray(value, dtype) for name, value in compute(dtype).items()})
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    return results


def settings(thing):
    """All settings of a loss, metric, schedule or optimiser as Keras writes them into a file."""
    return keras.saving.serialize_keras_object(thing)["config"]


def data():
    """Five rows, six classes; numbers, probabilities, and targets of every kind."""
    random = seeded("keras_training")
    logits = normal(random, 5, 6, scale=2)
    wide = np.exp(logits.astype(np.float64))
    labels = np.int32([2, 0, 5, 3, 1])
    return dict(
        logits=logits, probabilities=(wide / wide.sum(-1, keepdims=True)).astype(np.float32), labels=labels,
        one_hot=np.eye(6, dtype=np.float32)[labels],
        soft=(np.eye(6, dtype=np.float32)[labels] * 0.7 + 0.05).astype(np.float32),
        binary=np.float32([[1, 0, 1, 1, 0, 1], [0, 0, 1, 0, 0, 1], [1, 1, 0, 1, 0, 0], [0, 1, 0, 0, 1, 1],
                           [1, 0, 0, 0, 0, 1]]),
        numbers=normal(random, 5, 6), predicted=normal(random, 5, 6, scale=2),
        positive=np.abs(normal(random, 5, 6)) + np.float32(0.1),
        positive_predicted=np.abs(normal(random, 5, 6, scale=2)) + np.float32(0.1),
        sequence=np.float32(random.uniform(0, 1, (2, 3, 4)) > 0.5),
        sequence_predicted=random.uniform(0.05, 0.95, (2, 3, 4)).astype(np.float32))


LOSSES = [
    ("mape", "MeanAbsolutePercentageError", "numbers", "predicted", {}),
    ("msle", "MeanSquaredLogarithmicError", "positive", "predicted", {}),
    ("log_cosh", "LogCosh", "numbers", "predicted", {}),
    ("cosine", "CosineSimilarity", "numbers", "predicted", {}),
    ("cosine_first_axis", "CosineSimilarity", "numbers", "predicted", dict(axis=0)),
    ("hinge", "Hinge", "binary", "predicted", {}),
    ("squared_hinge", "SquaredHinge", "binary", "predicted", {}),
    ("categorical_hinge", "CategoricalHinge", "one_hot", "predicted", {}),
    ("kl_divergence", "KLDivergence", "soft", "probabilities", {}),
    ("poisson", "Poisson", "positive", "positive_predicted", {}),
    ("binary_focal", "BinaryFocalCrossentropy", "binary", "probabilities", {}),
    ("binary_focal_balanced", "BinaryFocalCrossentropy", "binary", "probabilities",
     dict(apply_class_balancing=True, alpha=0.3, gamma=1.5, label_smoothing=0.1)),
    ("binary_focal_logits", "BinaryFocalCrossentropy", "binary", "logits", dict(from_logits=True, gamma=3)),
    ("categorical_focal", "CategoricalFocalCrossentropy", "soft", "probabilities", {}),
    ("categorical_focal_logits", "CategoricalFocalCrossentropy", "one_hot", "logits",
     dict(from_logits=True, alpha=0.4, gamma=1.5, label_smoothing=0.1)),
    ("generalized", "CategoricalGeneralizedCrossEntropy", "labels", "probabilities", dict(q=0.7)),
    ("dice", "Dice", "binary", "probabilities", {}),
    ("dice_rows", "Dice", "binary", "probabilities", dict(axis=[1])),
    ("dice_sequences", "Dice", "sequence", "sequence_predicted", dict(axis=[1, 2])),
    ("tversky", "Tversky", "binary", "probabilities", dict(alpha=0.3, beta=0.8)),
    ("tversky_rows", "Tversky", "binary", "probabilities", dict(alpha=0.3, beta=0.8, axis=[1])),
]


def make_losses():
    fixture, given = Fixture("keras_more_losses", VERSIONS), data()
    for case, name, targets, predictions, options in LOSSES:
        make = getattr(keras.losses, name)
        targets, predictions = given[targets], given[predictions]
        weights = WEIGHTS[:len(targets)]
        # One value for several rows has no weight of its own.
        has_rows = case not in ("cosine_first_axis", "dice", "tversky")

        def compute(dtype):
            truth = keras.ops.convert_to_tensor(targets if targets.dtype == np.int32 else targets.astype(dtype))
            source = keras.ops.convert_to_tensor(predictions.astype(dtype))
            loss = make(dtype=dtype, **options)
            result = {"loss": loss(truth, source),
                      "grad_predictions": jax.grad(lambda p: loss(truth, p))(source)}
            if has_rows:
                result["rows"] = make(reduction=None, dtype=dtype, **options)(truth, source)
                result["weighted_loss"] = loss(truth, source, sample_weight=weights.astype(dtype))
            return result

        fixture.add(case, {"targets": targets, "predictions": predictions, "sample_weights": weights},
                    loss=name, options=settings(make(**options)))
        fixture.add_agreed(case, *in_both_precisions(compute))
    fixture.save()


# Labels of three sequences, zeros behind them: two that are the same, as many as fit, none at all.
SEQUENCES = [
    ("all_timesteps", [[1, 2, 2, 0], [3, 0, 0, 0], [4, 1, 4, 1]], [7, 7, 7], 2),
    ("lengths", [[1, 2, 2, 0], [3, 0, 0, 0], [4, 4, 1, 4]], [4, 1, 6], 2),
    ("no_labels", [[0, 0], [2, 0], [1, 1]], [5, 2, 3], 1),
    ("steep", [[1, 2, 3, 4], [2, 2, 2, 0], [1, 0, 0, 0]], [7, 7, 7], 60),
]


def make_sequence_losses():
    fixture = Fixture("keras_ctc", VERSIONS)
    for case, labels, lengths, scale in SEQUENCES:
        labels, lengths = np.int32(labels), np.int32(lengths)
        logits = normal(seeded(fixture.name, case), 3, 7, 5, scale=scale)
        counts = np.int32((labels != 0).sum(-1))

        def compute(dtype):
            def rows(source):
                if (lengths == 7).all():
                    return keras.losses.CTC(reduction=None, dtype=dtype)(labels, source)
                return keras.ops.ctc_loss(labels, source, counts, lengths)
            source = keras.ops.convert_to_tensor(logits.astype(dtype))
            own = np.float32([1, 0, 2.5]).astype(dtype)
            return {"rows": rows(source), "grad_logits": jax.grad(lambda z: rows(z).mean())(source),
                    "weighted_loss": (rows(source) * own).sum() / own.sum(),
                    "weighted_grad": jax.grad(lambda z: (rows(z) * own).sum() / own.sum())(source)}

        fixture.add(case, {"labels": labels, "lengths": lengths, "logits": logits,
                           "sample_weights": np.float32([1, 0, 2.5])})
        fixture.add_agreed(case, *in_both_precisions(compute))
    fixture.save()


PAIRS = [
    ("usual", [2, 0, 2, 1, 0, 1], {}), ("own", [2, 0, 2, 1, 0, 1], dict(gamma=5.0, margin=0.1)),
    ("alone", [3, 0, 7, 1, 7, 9], dict(gamma=8.0)),
    ("diagonal", [0, 1, 0, 1, 2, 2], dict(gamma=6.0, remove_diagonal=False)),
]


def make_pair_losses():
    """Rows that have no partner are worth nothing, and Keras' mean leaves them out."""
    fixture = Fixture("keras_circle", VERSIONS)
    for case, labels, options in PAIRS:
        rows, weights = normal(seeded(fixture.name, case), 6, 4).astype(np.float64), np.float32([1, 0.5, 2, 1, 3, 1.5])
        rows = (rows / np.sqrt((rows ** 2).sum(-1, keepdims=True))).astype(np.float32)
        labels = np.int32(labels)
        has_partner = np.array([(labels == label).sum() > 1 or not options.get("remove_diagonal", True)
                                for label in labels])

        def compute(dtype):
            def losses(source):
                return keras.losses.Circle(reduction=None, dtype=dtype, **options)(labels, source)
            loss = keras.losses.Circle(dtype=dtype, **options)
            source, kept = keras.ops.convert_to_tensor(rows.astype(dtype)), np.flatnonzero(has_partner)
            result = {"rows": losses(source), "loss": loss(labels, source),
                      "weighted_loss": (losses(source) * weights)[kept].sum() / weights[kept].sum().astype(dtype)}
            # Keras' gradient of a row without a partner is NaN.
            return result | ({"grad": jax.grad(lambda p: losses(p).mean())(source)} if has_partner.all() else {})

        fixture.add(case, {"labels": labels, "predictions": rows, "sample_weights": weights},
                    options=settings(keras.losses.Circle(**options)))
        fixture.add_agreed(case, *in_both_precisions(compute))
    fixture.save()


METRICS = [
    ("rmse", "RootMeanSquaredError", "numbers", "predicted", {}),
    ("mape", "MeanAbsolutePercentageError", "numbers", "predicted", {}),
    ("msle", "MeanSquaredLogarithmicError", "positive", "predicted", {}),
    ("log_cosh", "LogCoshError", "numbers", "predicted", {}),
    ("cosine", "CosineSimilarity", "numbers", "predicted", {}),
    ("hinge", "Hinge", "binary", "predicted", {}),
    ("squared_hinge", "SquaredHinge", "binary", "predicted", {}),
    ("categorical_hinge", "CategoricalHinge", "one_hot", "predicted", {}),
    ("kl_divergence", "KLDivergence", "soft", "probabilities", {}),
    ("poisson", "Poisson", "positive", "positive_predicted", {}),
    ("binary_crossentropy", "BinaryCrossentropy", "binary", "logits", dict(from_logits=True, label_smoothing=0.1)),
    ("categorical_crossentropy", "CategoricalCrossentropy", "soft", "probabilities", {}),
    ("sparse_crossentropy", "SparseCategoricalCrossentropy", "labels", "logits", dict(from_logits=True)),
    ("binary_accuracy", "BinaryAccuracy", "binary", "probabilities", dict(threshold=0.2)),
    ("top_k", "TopKCategoricalAccuracy", "one_hot", "logits", dict(k=2)),
    ("sparse_top_k", "SparseTopKCategoricalAccuracy", "labels", "logits", dict(k=3)),
    ("precision", "Precision", "binary", "probabilities", {}),
    ("precision_low", "Precision", "binary", "probabilities", dict(thresholds=0.1)),
    ("precision_top_k", "Precision", "binary", "probabilities", dict(top_k=2)),
    ("precision_class", "Precision", "binary", "probabilities", dict(class_id=5, thresholds=0.05)),
    ("recall", "Recall", "binary", "probabilities", dict(thresholds=0.1)),
    ("recall_top_k_class", "Recall", "binary", "probabilities", dict(top_k=3, class_id=2)),
    ("true_positives", "TruePositives", "binary", "probabilities", dict(thresholds=0.1)),
    ("false_positives", "FalsePositives", "binary", "probabilities", dict(thresholds=0.1)),
    ("true_negatives", "TrueNegatives", "binary", "probabilities", dict(thresholds=0.1)),
    ("false_negatives", "FalseNegatives", "binary", "probabilities", {}),
    ("f1_micro", "F1Score", "one_hot", "probabilities", dict(average="micro")),
    ("f1_macro", "F1Score", "binary", "probabilities", dict(average="macro", threshold=0.1)),
    ("fbeta_weighted", "FBetaScore", "binary", "probabilities", dict(average="weighted", beta=2.0, threshold=0.1)),
    ("auc", "AUC", "binary", "probabilities", {}),
    ("auc_few", "AUC", "binary", "probabilities", dict(num_thresholds=7, summation_method="minoring")),
    ("auc_pr", "AUC", "binary", "probabilities", dict(curve="PR")),
    ("auc_pr_majoring", "AUC", "binary", "probabilities", dict(curve="PR", summation_method="majoring")),
    ("auc_gain", "AUC", "binary", "probabilities", dict(curve="PRGAIN")),
    ("auc_logits", "AUC", "binary", "logits", dict(from_logits=True)),
    ("auc_labels", "AUC", "binary", "probabilities", dict(multi_label=True, num_labels=6)),
    ("auc_labels_weighted", "AUC", "binary", "probabilities",
     dict(multi_label=True, num_labels=6, curve="PR", label_weights=[1.0, 0.5, 2.0, 3.0, 0.0, 1.5])),
    ("auc_weighted", "AUC", "binary", "probabilities", dict(label_weights=[1.0, 0.5, 2.0, 3.0, 0.0, 1.5])),
    ("sensitivity", "SensitivityAtSpecificity", "binary", "probabilities", dict(specificity=0.6)),
    ("specificity", "SpecificityAtSensitivity", "binary", "probabilities", dict(sensitivity=0.6, num_thresholds=50)),
    ("precision_at", "PrecisionAtRecall", "binary", "probabilities", dict(recall=0.4)),
    ("recall_at", "RecallAtPrecision", "binary", "probabilities", dict(precision=0.5)),
    ("mean_iou", "MeanIoU", "labels", "other_labels", dict(num_classes=6)),
    ("iou_ignoring", "IoU", "labels", "other_labels", dict(num_classes=6, target_class_ids=[0, 2, 5], ignore_class=1)),
    ("mean_iou_rows", "MeanIoU", "labels", "probabilities", dict(num_classes=6, sparse_y_pred=False)),
    ("one_hot_mean_iou", "OneHotMeanIoU", "one_hot", "probabilities", dict(num_classes=6)),
    ("binary_iou", "BinaryIoU", "binary", "probabilities", dict(threshold=0.1)),
    ("r2", "R2Score", "numbers", "predicted", {}),
    ("r2_adjusted", "R2Score", "numbers", "predicted",
     dict(class_aggregation="variance_weighted_average", num_regressors=3)),
    ("pearson", "PearsonCorrelation", "numbers", "predicted", {}),
    ("concordance", "ConcordanceCorrelation", "numbers", "predicted", {}),
]


def make_metrics():
    """Each metric over two batches, of three rows and of two, without weights and with them."""
    fixture, given = Fixture("keras_metrics", VERSIONS), data()
    given["other_labels"] = np.int32([2, 1, 5, 0, 1])
    whole = np.float32([1, 2, 3, 0, 1])
    for case, name, targets, predictions, options in METRICS:
        truth, said = given[targets], given[predictions]
        results = {}
        for what, weights in (("result", None), ("weighted_result", whole)):
            metric = getattr(keras.metrics, name)(**options)
            for rows in (slice(0, 3), slice(3, 5)):
                kind = np.int32 if "iou" in case and truth.ndim == 1 else None
                weighing = None if weights is None else weights[rows]
                if weighing is not None and case == "binary_iou":
                    weighing = np.repeat(weighing[:, None], 6, 1)
                metric.update_state(truth[rows], said[rows],
                                    sample_weight=None if weighing is None else weighing.astype(kind or np.float32))
            results[what] = np.float32(metric.result())
        fixture.add(case, {"targets": truth, "predictions": said, "sample_weights": whole, **results},
                    metric=name, options=settings(getattr(keras.metrics, name)(**options)))
    fixture.save()


SCHEDULES = [
    ("exponential", "ExponentialDecay", dict(initial_learning_rate=0.3, decay_steps=7, decay_rate=0.6)),
    ("exponential_stairs", "ExponentialDecay",
     dict(initial_learning_rate=0.3, decay_steps=7, decay_rate=0.6, staircase=True)),
    ("piecewise", "PiecewiseConstantDecay", dict(boundaries=[3, 8, 9], values=[0.4, 0.2, 0.1, 0.05])),
    ("polynomial", "PolynomialDecay",
     dict(initial_learning_rate=0.3, decay_steps=7, end_learning_rate=0.02, power=1.5)),
    ("polynomial_cycle", "PolynomialDecay", dict(initial_learning_rate=0.3, decay_steps=5, cycle=True)),
    ("inverse", "InverseTimeDecay", dict(initial_learning_rate=0.3, decay_steps=4, decay_rate=0.5)),
    ("inverse_stairs", "InverseTimeDecay",
     dict(initial_learning_rate=0.3, decay_steps=4, decay_rate=0.5, staircase=True)),
    ("cosine", "CosineDecay", dict(initial_learning_rate=0.3, decay_steps=11, alpha=0.1)),
    ("cosine_warmup", "CosineDecay",
     dict(initial_learning_rate=0.01, decay_steps=9, alpha=0.1, warmup_target=0.3, warmup_steps=4)),
    ("restarts", "CosineDecayRestarts", dict(initial_learning_rate=0.3, first_decay_steps=4, m_mul=0.8, alpha=0.05)),
    ("restarts_equal", "CosineDecayRestarts", dict(initial_learning_rate=0.3, first_decay_steps=4, t_mul=1.0)),
]


def make_schedules():
    fixture = Fixture("keras_schedules", VERSIONS)
    for case, name, options in SCHEDULES:
        schedule = getattr(keras.optimizers.schedules, name)(**options)
        fixture.add(case, {"rates": np.float32([schedule(step) for step in range(30)])}, schedule=name,
                    options=settings(schedule))
    fixture.save()


STEPS = 5
DECAY = ("ExponentialDecay", dict(initial_learning_rate=0.3, decay_steps=3, decay_rate=0.5))
OPTIMIZERS = [
    ("adadelta", "Adadelta", dict(learning_rate=0.5)),
    ("adadelta_own", "Adadelta", dict(learning_rate=0.5, rho=0.7, epsilon=1e-3)),
    ("adamax", "Adamax", dict(learning_rate=0.05)),
    ("adamax_own", "Adamax", dict(learning_rate=0.05, beta_1=0.7, beta_2=0.8, epsilon=1e-3)),
    ("nadam", "Nadam", dict(learning_rate=0.05)),
    ("nadam_own", "Nadam", dict(learning_rate=0.05, beta_1=0.7, beta_2=0.8, epsilon=1e-3)),
    ("adafactor", "Adafactor", dict(learning_rate=0.05)),
    ("adafactor_own", "Adafactor",
     dict(learning_rate=0.7, beta_2_decay=-0.6, epsilon_2=1e-2, clip_threshold=0.8, relative_step=False)),
    ("lamb", "Lamb", dict(learning_rate=0.05)),
    ("lamb_own", "Lamb", dict(learning_rate=0.05, beta_1=0.7, beta_2=0.8, epsilon=1e-3, weight_decay=0.1)),
    ("lion", "Lion", dict(learning_rate=0.05)),
    ("lion_own", "Lion", dict(learning_rate=0.05, beta_1=0.7, beta_2=0.8, weight_decay=0.2)),
    ("muon", "Muon", dict(learning_rate=0.05)),
    ("muon_own", "Muon", dict(learning_rate=0.05, adam_beta_1=0.7, adam_beta_2=0.8, adam_weight_decay=0.3,
                              weight_decay=0.1, momentum=0.8, ns_steps=3, nesterov=False, rms_rate=None,
                              adam_lr_ratio=0.5)),
    ("ftrl", "Ftrl", dict(learning_rate=0.1)),
    ("ftrl_own", "Ftrl", dict(learning_rate=0.1, learning_rate_power=-0.7, initial_accumulator_value=0.2,
                              l1_regularization_strength=0.1, l2_regularization_strength=0.2,
                              l2_shrinkage_regularization_strength=0.05, beta=0.3)),
    ("sgd_average", "SGD", dict(learning_rate=0.1, momentum=0.8, use_ema=True, ema_momentum=0.7)),
    ("adam_average", "Adam", dict(learning_rate=0.1, use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=2)),
    ("adam_accumulated", "Adam", dict(learning_rate=0.1, gradient_accumulation_steps=2)),
    ("rmsprop_schedule", "RMSprop", dict(learning_rate=DECAY, weight_decay=0.1)),
    ("adafactor_schedule", "Adafactor", dict(learning_rate=DECAY)),
    ("adamw_excluded", "AdamW", dict(learning_rate=0.1, weight_decay=0.3, excluded=["vec"])),
]
PLAIN = [
    ("sgd_momentum", "SGD", dict(learning_rate=0.1, momentum=0.9, nesterov=True)), ("rmsprop", "RMSprop", {}),
    ("adam", "Adam", dict(learning_rate=0.05)), ("adagrad", "Adagrad", dict(learning_rate=0.1)),
]


def optimizer(name, options):
    options = dict(options)
    excluded = options.pop("excluded", None)
    if isinstance(options.get("learning_rate"), tuple):
        schedule, own = options["learning_rate"]
        options["learning_rate"] = getattr(keras.optimizers.schedules, schedule)(**own)
    made = getattr(keras.optimizers, name)(**options)
    if excluded:
        made.exclude_from_weight_decay(var_names=excluded)
    return made


def described(name, options):
    """The case's optimiser as the test reads it: class and settings as Keras writes them into a file."""
    return dict(optimizer=name, options=settings(optimizer(name, options)), excluded=options.get("excluded", []))


def make_optimizers():
    """Five updates of a 2×3 matrix and a vector of four; ten losses of a small recurrent model."""
    fixture = Fixture("keras_more_optimizers", VERSIONS)
    random = seeded(fixture.name)
    shapes = {"matrix": (2, 3), "vector": (4,)}
    initial = {name: normal(random, *shape) for name, shape in shapes.items()}
    gradients = {"grad_" + name: normal(random, STEPS, *shape) for name, shape in shapes.items()}
    gradients["grad_vector"][2] *= 10
    fixture.add("all", initial | gradients)
    for case, name, options in OPTIMIZERS:
        def compute(dtype):
            variables = [keras.Variable(initial[name], dtype=dtype, name=name) for name in shapes]
            made, history = optimizer(name, options), []
            for step in range(STEPS):
                made.apply([keras.ops.convert_to_tensor(gradients["grad_" + name][step].astype(dtype))
                            for name in shapes], variables)
                history.append([np.asarray(variable.value) for variable in variables])
            if options.get("use_ema") and not options.get("ema_overwrite_frequency"):
                made.finalize_variable_values(variables)
                history.append([np.asarray(variable.value) for variable in variables])
            return {name: np.stack(values) for name, values in zip(shapes, zip(*history, strict=True), strict=True)}

        fixture.add(case, {}, **described(name, options))
        fixture.add_agreed(case, *in_both_precisions(compute))

    x, y = normal(random, 7, 5, 3), normal(random, 7, 2)
    model = network()
    weights = [normal(random, *weight.shape, scale=0.4) for weight in model.weights]
    fixture.add("training", {"x": x, "y": y, **{f"weight_{i}": weight for i, weight in enumerate(weights)}})
    for case, name, options in [*OPTIMIZERS, *PLAIN]:
        if "excluded" in options:
            options = options | dict(excluded=["bias", "recurrent_kernel"])
        model = network()
        model.set_weights(weights)
        model.compile(optimizer=optimizer(name, options), loss="mean_squared_error")
        losses = model.fit(x, y, batch_size=7, epochs=10, shuffle=False, verbose=0).history["loss"]
        fixture.add(f"training_{case}", {"losses": np.float32(losses)}, **described(name, options))
    fixture.save()


def network(**options):
    return keras.Sequential([keras.Input((5, 3)), keras.layers.LSTM(4, **options), keras.layers.Dense(2)])


REGULARIZERS = [
    ("l1", "L1", dict(l1=0.3)), ("l2", "L2", dict(l2=0.2)), ("l1l2", "L1L2", dict(l1=0.3, l2=0.2)),
    ("rows", "OrthogonalRegularizer", dict(factor=0.4)),
    ("columns", "OrthogonalRegularizer", dict(factor=0.4, mode="columns")),
]
CONSTRAINTS = [
    ("max_norm", "MaxNorm", dict(max_value=1.1)), ("max_norm_columns", "MaxNorm", dict(max_value=0.9, axis=1)),
    ("min_max_norm", "MinMaxNorm", dict(min_value=0.7, max_value=1.2, rate=0.6)), ("non_neg", "NonNeg", {}),
    ("unit_norm", "UnitNorm", {}), ("unit_norm_columns", "UnitNorm", dict(axis=1)),
]


def make_regularizers():
    fixture = Fixture("keras_regularizers", VERSIONS)
    random = seeded(fixture.name)
    matrix = normal(random, 4, 3)
    fixture.add("all", {"matrix": matrix})
    for case, name, options in REGULARIZERS:
        def compute(dtype):
            made = getattr(keras.regularizers, name)(**options)
            source = keras.ops.convert_to_tensor(matrix.astype(dtype))
            return {"penalty": made(source), "grad": jax.grad(lambda w: keras.ops.cast(made(w), dtype))(source)}

        fixture.add(f"regularizer_{case}", {}, class_name=name, options=options)
        fixture.add_agreed(f"regularizer_{case}", *in_both_precisions(compute))
    for case, name, options in CONSTRAINTS:
        def compute(dtype):
            made = getattr(keras.constraints, name)(**options)
            return {"output": made(keras.ops.convert_to_tensor(matrix.astype(dtype)))}

        fixture.add(f"constraint_{case}", {}, class_name=name, options=options)
        fixture.add_agreed(f"constraint_{case}", *in_both_precisions(compute))
    x, y = normal(random, 7, 5, 3), normal(random, 7, 2)
    validation = {"val_x": normal(random, 3, 5, 3), "val_y": normal(random, 3, 2)}
    weights = [normal(random, *weight.shape, scale=0.6) for weight in network().weights]
    fixture.add("training", {"x": x, "y": y, **validation,
                             **{f"weight_{i}": weight for i, weight in enumerate(weights)}})
    rules = {
        "regularizers": dict(kernel_regularizer=keras.regularizers.L2(0.02),
                             recurrent_regularizer=keras.regularizers.OrthogonalRegularizer(0.3),
                             bias_regularizer=keras.regularizers.L1L2(0.01, 0.03)),
        "constraints": dict(kernel_constraint=keras.constraints.MaxNorm(0.8),
                            recurrent_constraint=keras.constraints.UnitNorm(axis=1),
                            bias_constraint=keras.constraints.NonNeg()),
        "activity": dict(activity_regularizer=keras.regularizers.L2(0.3)),
    }
    for case, options in rules.items():
        model = network(**options)
        model.set_weights(weights)
        model.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.5), loss="mean_squared_error")
        history = model.fit(x, y, batch_size=4, epochs=5, shuffle=False, verbose=0,
                            validation_data=(validation["val_x"], validation["val_y"])).history
        layer = model.layers[0].get_config()
        config = {key: dict(class_name=layer[key]["class_name"], config=layer[key]["config"]) for key in options}
        fixture.add(f"training_{case}",
                    {"loss": np.float32(history["loss"]), "val_loss": np.float32(history["val_loss"]),
                     **{f"weight_{i}": weight for i, weight in enumerate(model.get_weights())}}, layer=config)
    fixture.save()


def make():
    make_losses()
    make_sequence_losses()
    make_pair_losses()
    make_metrics()
    make_schedules()
    make_optimizers()
    make_regularizers()
