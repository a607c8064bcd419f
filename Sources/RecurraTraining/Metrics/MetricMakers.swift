internal import RecurraLayers
internal import RecurraTensor

extension Metric {
  /// Short names that a metric goes on being called by.
  static let shortNames = [
    "mape": "mean_absolute_percentage_error", "msle": "mean_squared_logarithmic_error",
    "rmse": "root_mean_squared_error", "kld": "kl_divergence", "log_cosh": "logcosh",
  ]

  /// What Keras' class names become in small letters, where that is not the metric's name.
  static let classNames = [
    "a_u_c": "auc", "k_l_divergence": "kl_divergence", "log_cosh_error": "logcosh", "f_beta_score": "fbeta_score",
  ]

  private static let plainMetrics: [Metric] = [
    .rootMeanSquaredError, .meanAbsolutePercentageError, .meanSquaredLogarithmicError, .logCosh, .hinge,
    .squaredHinge, .categoricalHinge, .klDivergence, .poisson,
  ]

  /// The names of all metrics that `made(_:_:)` makes.
  static let madeNames =
    plainMetrics.map(\.name) + [
      "auc", "binary_accuracy", "binary_crossentropy", "binary_io_u", "categorical_crossentropy",
      "concordance_correlation", "cosine_similarity", "f1_score", "false_negatives", "false_positives",
      "fbeta_score", "io_u", "mean_io_u", "one_hot_io_u", "one_hot_mean_io_u", "pearson_correlation", "perplexity",
      "precision", "precision_at_recall", "r2_score", "recall", "recall_at_precision", "sensitivity_at_specificity",
      "sparse_categorical_crossentropy", "sparse_top_k_categorical_accuracy", "specificity_at_sensitivity",
      "top_k_categorical_accuracy", "true_negatives", "true_positives",
    ]

  /// Makes a metric of a loss or of counts from its settings, which have Keras' defaults; nil for another name.
  static func made(_ name: String, _ a: LayerArguments) throws(RecurraError) -> Metric? {
    let name = shortNames[name] ?? classNames[name] ?? name
    try a.requireUsual()
    if let plain = plainMetrics.first(where: { $0.name == name }) { return plain }
    if let kind = ThresholdCounts.Result(rawValue: name) { return try counted(kind, a) }
    switch name {
    case "cosine_similarity": return .cosineSimilarity(axis: try a.integer("axis", default: -1))
    case "pearson_correlation": return .pearsonCorrelation(axis: try a.integer("axis", default: -1))
    case "concordance_correlation": return .concordanceCorrelation(axis: try a.integer("axis", default: -1))
    case "binary_crossentropy":
      return .binaryCrossEntropy(
        fromLogits: try a.logits(), labelSmoothing: try a.number("label_smoothing", default: 0))
    case "categorical_crossentropy":
      return .categoricalCrossEntropy(
        fromLogits: try a.logits(), labelSmoothing: try a.number("label_smoothing", default: 0))
    case "sparse_categorical_crossentropy":
      if let ignored = a.value("ignore_class") {
        throw a.failure("ignore_class", expected: "null, all that is supported", got: ignored)
      }
      return .sparseCategoricalCrossEntropy(fromLogits: try a.logits())
    case "perplexity": return .perplexity(fromLogits: try a.logits())
    case "top_k_categorical_accuracy": return .topKCategoricalAccuracy(k: try a.integer("k", default: 5))
    case "sparse_top_k_categorical_accuracy":
      return .sparseTopKCategoricalAccuracy(k: try a.integer("k", default: 5))
    case "binary_accuracy": return .binaryAccuracy(threshold: try a.number("threshold", default: 0.5))
    case "f1_score": return .f1Score(average: try a.average(), threshold: try a.oneNumber("threshold"))
    case "fbeta_score":
      return .fBetaScore(
        average: try a.average(), beta: try a.number("beta", default: 1), threshold: try a.oneNumber("threshold"))
    case "auc":
      return .auc(
        numThresholds: try a.thresholdCount(), curve: try a.choice("curve", [.roc, .pr, .prGain], \.rawValue),
        summationMethod: try a.choice("summation_method", [.interpolation, .minoring, .majoring], \.rawValue),
        fromLogits: try a.logits(), multiLabel: try a.multiLabel(), labelWeights: try a.labelWeights())
    case "sensitivity_at_specificity":
      return .sensitivityAtSpecificity(
        try a.number("specificity"), numThresholds: try a.thresholdCount(), classID: try a.classID())
    case "specificity_at_sensitivity":
      return .specificityAtSensitivity(
        try a.number("sensitivity"), numThresholds: try a.thresholdCount(), classID: try a.classID())
    case "precision_at_recall":
      return .precisionAtRecall(
        try a.number("recall"), numThresholds: try a.thresholdCount(), classID: try a.classID())
    case "recall_at_precision":
      return .recallAtPrecision(
        try a.number("precision"), numThresholds: try a.thresholdCount(), classID: try a.classID())
    case "mean_io_u": return try overlap(a, hasIDs: false)
    case "io_u": return try overlap(a, hasIDs: true)
    case "one_hot_mean_io_u": return try oneHotOverlap(a, hasIDs: false)
    case "one_hot_io_u": return try oneHotOverlap(a, hasIDs: true)
    case "binary_io_u":
      return .binaryIoU(targetClassIDs: try a.ids() ?? [0, 1], threshold: try a.number("threshold", default: 0.5))
    case "r2_score":
      return .r2Score(
        classAggregation: try a.choice("class_aggregation", [.uniformAverage, .varianceWeightedAverage], \.rawValue),
        numRegressors: try a.integer("num_regressors", default: 0))
    default: return nil
    }
  }

  private static func counted(
    _ kind: ThresholdCounts.Result, _ arguments: LayerArguments
  ) throws(RecurraError) -> Metric {
    var counts = ThresholdCounts(kind: kind, threshold: try arguments.oneNumber("thresholds"))
    if kind == .precision || kind == .recall {
      counts.topK = try arguments.optionalInteger("top_k")
      counts.classID = try arguments.classID()
    }
    return Metric(name: kind.rawValue, kind: .counts(kind.rawValue, counts))
  }

  private static func overlap(_ arguments: LayerArguments, hasIDs: Bool) throws(RecurraError) -> Metric {
    .meanIoU(
      numClasses: try arguments.integer("num_classes"), targetClassIDs: hasIDs ? try arguments.ids() ?? [] : nil,
      ignoreClass: try arguments.optionalInteger("ignore_class"),
      sparseYTrue: try arguments.bool("sparse_y_true", default: true),
      sparseYPred: try arguments.bool("sparse_y_pred", default: true))
  }

  private static func oneHotOverlap(_ arguments: LayerArguments, hasIDs: Bool) throws(RecurraError) -> Metric {
    if try arguments.bool("sparse_y_pred", default: false) {
      throw arguments.failure("sparse_y_pred", expected: "false, all that is supported", got: .bool(true))
    }
    return .oneHotMeanIoU(
      numClasses: try arguments.integer("num_classes"), targetClassIDs: hasIDs ? try arguments.ids() ?? [] : nil,
      ignoreClass: try arguments.optionalInteger("ignore_class"))
  }
}

extension LayerArguments {
  /// Passes over what Keras writes and this package has not, as long as it changes nothing.
  fileprivate func requireUsual() throws(RecurraError) {
    if let value = value("from_sorted_ids"), value != .bool(false) {
      throw failure("from_sorted_ids", expected: "false, all that is supported", got: value)
    }
    // What stands along another axis than the last is a setting of those that have one.
    guard values["num_classes"] != nil || values["from_logits"] != nil, let axis = value("axis"), axis != .integer(-1)
    else { return }
    throw failure("axis", expected: "-1, all that is supported", got: axis)
  }

  fileprivate func multiLabel() throws(RecurraError) -> Bool {
    // Predictions themselves say how many labels there are.
    _ = try optionalInteger("num_labels")
    return try bool("multi_label", default: false)
  }

  fileprivate func labelWeights() throws(RecurraError) -> [Double]? {
    guard let value = value("label_weights") else { return nil }
    // Keras writes a list, or the array that it has made of one.
    guard case .array(let elements) = value["config"]?["value"] ?? value else {
      throw failure("label_weights", expected: "a list", got: value)
    }
    return try elements.map { (element) throws(RecurraError) in
      try LayerArguments(typeName: typeName, values: ["label_weights": element]).number("label_weights")
    }
  }

  fileprivate func logits() throws(RecurraError) -> Bool { try bool("from_logits", default: false) }

  /// Reads a number, or a list of one, as Keras writes a threshold.
  fileprivate func oneNumber(_ name: String) throws(RecurraError) -> Double? {
    guard let value = value(name) else { return nil }
    guard case .array(let elements) = value else { return try number(name) }
    guard elements.count == 1 else {
      throw failure(name, expected: "one number: a metric has one result", got: value)
    }
    return try LayerArguments(typeName: typeName, values: [name: elements[0]]).number(name)
  }

  fileprivate func optionalInteger(_ name: String) throws(RecurraError) -> Int? {
    value(name) == nil ? nil : try integer(name)
  }

  fileprivate func classID() throws(RecurraError) -> Int? { try optionalInteger("class_id") }

  fileprivate func thresholdCount() throws(RecurraError) -> Int { try integer("num_thresholds", default: 200) }

  fileprivate func ids() throws(RecurraError) -> [Int]? {
    guard let value = value("target_class_ids") else { return nil }
    guard case .array(let elements) = value else {
      throw failure("target_class_ids", expected: "a list of class numbers", got: value)
    }
    return try elements.map { (element) throws(RecurraError) in
      guard case .integer(let id) = element else {
        throw failure("target_class_ids", expected: "class numbers", got: element)
      }
      return id
    }
  }

  fileprivate func average() throws(RecurraError) -> Metric.Average {
    // A number for each class, Keras' null, is the mean of them in a history.
    value("average") == nil ? .macro : try choice("average", [.macro, .micro, .weighted], \.rawValue)
  }

  /// Reads one of several names; the first where it is left out.
  fileprivate func choice<Value>(
    _ name: String, _ values: [Value], _ text: (Value) -> String
  ) throws(RecurraError) -> Value {
    let found = try string(name, default: text(values[0]))
    guard let value = values.first(where: { text($0).lowercased() == found.lowercased() }) else {
      throw failure(name, expected: "one of \(values.map(text).joined(separator: ", "))", got: .string(found))
    }
    return value
  }
}
