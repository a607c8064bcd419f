public import RecurraTensor

/// Measures how good predictions are, for people to read; it has no part in training.
public struct Metric: Sendable {
  enum Kind: Sendable {
    case accuracy
    case sparseCategoricalAccuracy
    case categoricalAccuracy
    case binaryAccuracy
    case squared
    case absolute
    case function(@Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor)
  }

  /// What the metric is called in logs and histories.
  public let name: String
  let kind: Kind

  /// The share of right answers: binary for one prediction to a row, by class number where targets lack the classes' axis
  /// or have one number to a row, by largest target elsewhere, as in Keras.
  public static let accuracy = Metric(name: "accuracy", kind: .accuracy)
  /// The share of rows whose largest prediction stands at the target's number.
  public static let sparseCategoricalAccuracy = Metric(
    name: "sparse_categorical_accuracy", kind: .sparseCategoricalAccuracy)
  /// The share of rows whose largest prediction stands where the largest target does.
  public static let categoricalAccuracy = Metric(name: "categorical_accuracy", kind: .categoricalAccuracy)
  /// The share of predictions that lie on the same side of ½ as their targets.
  public static let binaryAccuracy = Metric(name: "binary_accuracy", kind: .binaryAccuracy)
  /// The mean of (prediction − target)².
  public static let meanSquaredError = Metric(name: "mean_squared_error", kind: .squared)
  /// The mean of |prediction − target|.
  public static let meanAbsoluteError = Metric(name: "mean_absolute_error", kind: .absolute)

  init(name: String, kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// Makes a metric from a function, whose result's mean over all rows seen is the metric.
  public init(_ name: String, _ function: @escaping @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor) {
    self.init(name: name, kind: .function(function))
  }

  /// Finds a metric by Keras' name; a short name stays what the metric is called.
  ///
  /// - Throws: `RecurraError` of kind `badArgument` for a name that no metric has.
  public init(named name: String) throws(RecurraError) {
    let kinds: [String: Kind] = [
      "accuracy": .accuracy, "acc": .accuracy, "sparse_categorical_accuracy": .sparseCategoricalAccuracy,
      "categorical_accuracy": .categoricalAccuracy, "binary_accuracy": .binaryAccuracy,
      "mean_squared_error": .squared, "mse": .squared, "mean_absolute_error": .absolute, "mae": .absolute,
    ]
    guard let kind = kinds[name] else {
      throw RecurraError(
        .badArgument, operation: "metric", expected: "one of \(kinds.keys.sorted().joined(separator: ", "))", got: name)
    }
    self.init(name: name, kind: kind)
  }

  /// The kind that shapes of targets and predictions make of "accuracy".
  func resolved(targets: [Int], predictions: [Int]) -> Kind {
    guard case .accuracy = kind else { return kind }
    let classes = predictions.last ?? 1
    if classes == 1 { return .binaryAccuracy }
    return targets.count < predictions.count || targets.last == 1 ? .sparseCategoricalAccuracy : .categoricalAccuracy
  }
}

/// A metric on its way through an epoch: sums in double precision over all rows so far.
package struct MetricSum {
  package let metric: Metric
  private var total = 0.0
  private var count = 0.0

  package init(_ metric: Metric) { self.metric = metric }

  /// The mean so far; 0 before the first batch, as in Keras.
  package var value: Double { count == 0 ? 0 : total / count }

  mutating func reset() { (total, count) = (0, 0) }

  /// Takes a batch in; timesteps past a row's length do not count.
  package mutating func add(_ targets: Tensor, _ predictions: Tensor, lengths: [Int]?) {
    let kind = metric.resolved(targets: targets.shape, predictions: predictions.shape)
    let weights = RowWeights(lengths: lengths, shape: predictions.shape)
    if case .function(let function) = kind {
      let value = weights.mean(function(targets, predictions)).item
      total += value * Double(weights.count)
      count += Double(weights.count)
      return
    }
    if predictions.dtype == .float32 {
      add(kind, targets, predictions, weights, Float.self)
    } else {
      add(kind, targets, predictions, weights, Double.self)
    }
  }

  private mutating func add<S: FloatingScalar>(
    _ kind: Metric.Kind, _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights, _ type: S.Type
  ) {
    let width = weights.count == 0 ? 1 : predictions.count / weights.count
    let isSparse = if case .sparseCategoricalAccuracy = kind { true } else { false }
    check(
      targets.count == (isSparse ? weights.count : predictions.count), metric.name,
      expected: "targets that fit predictions of shape \(predictions.shape)", got: "shape \(targets.shape)")
    targets.converted(to: S.dtype).withSpan(of: S.self) { targets in
      predictions.withSpan(of: S.self) { predictions in
        for row in 0..<weights.count where weights[row] != 0 {
          let range = row * width..<(row + 1) * width
          count += 1
          switch kind {
          case .sparseCategoricalAccuracy:
            total += S(largest(predictions, range)) == targets[row] ? 1 : 0
          case .categoricalAccuracy:
            total += largest(predictions, range) == largest(targets, range) ? 1 : 0
          case .binaryAccuracy:
            total += mean(range) { (predictions[$0] > 0.5 ? 1 : 0) == targets[$0] ? 1 : 0 }
          case .squared:
            total += mean(range) { (predictions[$0] - targets[$0]) * (predictions[$0] - targets[$0]) }
          case .absolute:
            total += mean(range) { (predictions[$0] - targets[$0]).magnitude }
          case .accuracy, .function: break
          }
        }
      }
    }
  }

  @inline(__always)
  private func mean<S: FloatingScalar>(_ range: Range<Int>, _ value: (Int) -> S) -> Double {
    range.reduce(0.0) { $0 + Double(value($1)) } / Double(range.count)
  }

  /// The position of the largest value within a row, the first of equal ones.
  private func largest<S: FloatingScalar>(_ values: Span<S>, _ range: Range<Int>) -> Int {
    var best = range.lowerBound
    for i in range where values[i] > values[best] { best = i }
    return best - range.lowerBound
  }
}
