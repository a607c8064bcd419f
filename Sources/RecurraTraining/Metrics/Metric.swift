internal import RecurraLayers
public import RecurraTensor

/// Measures how good predictions are, for people to read; it has no part in training.
public struct Metric: Sendable {
  enum Kind: Sendable {
    case accuracy
    case sparseCategoricalAccuracy
    case categoricalAccuracy
    case binaryAccuracy(threshold: Double)
    case topK(Int, takesLabels: Bool)
    case loss(LossMetric)
    case counts(String, any MetricCounts)
    case squared
    case absolute
    case function(@Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor)
    case sums(OwnSums)
  }

  /// What the metric is called in logs and histories.
  public let name: String
  let kind: Kind
  /// Tells whether weights of rows and classes count in the metric; masks always do.
  public internal(set) var isWeighted = true
  /// The same metric, in which no weights count: what Keras makes of `metrics` that are not `weighted_metrics`.
  public var unweighted: Metric {
    var metric = self
    metric.isWeighted = false
    return metric
  }

  /// The share of right answers: binary for one prediction to a row, by class number where targets lack the classes'
  /// axis or have one number to a row, by largest target elsewhere, as in Keras.
  public static let accuracy = Metric(name: "accuracy", kind: .accuracy)
  /// The share of rows whose largest prediction stands at the target's number.
  public static let sparseCategoricalAccuracy = Metric(
    name: "sparse_categorical_accuracy", kind: .sparseCategoricalAccuracy)
  /// The share of rows whose largest prediction stands where the largest target does.
  public static let categoricalAccuracy = Metric(name: "categorical_accuracy", kind: .categoricalAccuracy)
  /// The share of predictions that lie on the same side of ½ as their targets.
  public static let binaryAccuracy = binaryAccuracy(threshold: 0.5)
  /// The mean of (prediction − target)².
  public static let meanSquaredError = Metric(name: "mean_squared_error", kind: .squared)
  /// The mean of |prediction − target|.
  public static let meanAbsoluteError = Metric(name: "mean_absolute_error", kind: .absolute)

  init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// Makes a metric from a function of targets and predictions, whose result's mean over what counts is the metric.
  ///
  /// The function may return what a `Loss` of one's own may, and is given the same: targets in the predictions' type,
  /// and in their shape where both have as many elements.
  public init(_ name: String, _ function: @escaping @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor) {
    self.init(name: name, kind: .function(function))
  }

  /// Makes a metric from sums over all rows that count, for a number that is no mean over rows.
  ///
  /// The sums go on from batch to batch until an epoch or an evaluation ends, and are kept in a trainer's file.
  ///
  /// ```swift
  /// let f1 = Metric("f1", sums: 3) { targets, predictions in
  ///   let said = predictions.isGreater(than: Tensor(0.5)).converted(to: .float32)
  ///   return .stacked([said * targets, said, targets], axis: -1)
  /// } result: { 2 * $0[0] / max($0[1] + $0[2], 1) }
  /// ```
  ///
  /// - Parameters:
  ///   - name: what the metric is called in logs and files.
  ///   - count: the number of sums.
  ///   - values: as a function of one's own (`init(_:_:)`), with `count` numbers along a last axis besides.
  ///   - result: the metric, from the sums so far, which are 0 as long as nothing has counted.
  public init(
    _ name: String, sums count: Int,
    _ values: @escaping @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor,
    result: @escaping @Sendable (_ sums: [Double]) -> Double
  ) {
    self.init(name: name, kind: .sums(OwnSums(count: count, values: values, result: result)))
  }

  /// Finds a metric by Keras' name; a short name stays what the metric is called.
  ///
  /// - Throws: `RecurraError` of kind `badArgument` for a name that no metric has.
  public init(named name: String) throws(RecurraError) {
    let kinds: [String: Kind] = [
      "accuracy": .accuracy, "acc": .accuracy, "sparse_categorical_accuracy": .sparseCategoricalAccuracy,
      "categorical_accuracy": .categoricalAccuracy,
      "mean_squared_error": .squared, "mse": .squared, "mean_absolute_error": .absolute, "mae": .absolute,
    ]
    if let kind = kinds[name] {
      self.init(name: name, kind: kind)
    } else if let made = try Self.made(name, LayerArguments(typeName: name, values: [:])) {
      self.init(name: Self.shortNames[name] == nil ? made.name : name, kind: made.kind)
    } else {
      let names = kinds.keys.sorted() + Self.madeNames.sorted() + Self.shortNames.keys.sorted()
      throw RecurraError(
        .badArgument, operation: "metric", expected: "one of \(names.joined(separator: ", "))", got: name)
    }
  }

  /// The kind that shapes of targets and predictions make of "accuracy".
  func resolved(targets: [Int], predictions: [Int]) -> Kind {
    guard case .accuracy = kind else { return kind }
    let classes = predictions.count > 1 ? predictions[predictions.count - 1] : 1
    if classes == 1 { return .binaryAccuracy(threshold: 0.5) }
    return targets.count < predictions.count || targets.last == 1 ? .sparseCategoricalAccuracy : .categoricalAccuracy
  }
}
