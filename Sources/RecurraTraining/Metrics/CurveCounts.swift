internal import RecurraLayers
internal import RecurraTensor

/// Right and wrong answers at thresholds spread evenly over 0…1: what an AUC and its relatives are made of.
///
/// Each prediction is filed under the highest threshold that it passes, by Keras' rounding; how many pass a threshold
/// is added up at the end.
struct CurveCounts: MetricCounts {
  enum Result: Sendable {
    case area(Metric.Curve, Metric.SummationMethod, fromLogits: Bool)
    case sensitivityAtSpecificity(Double)
    case specificityAtSensitivity(Double)
    case precisionAtRecall(Double)
    case recallAtPrecision(Double)
  }

  let kind: Result
  var thresholdCount = 200
  var classID: Int?
  /// Tells whether each label has a curve of its own, and the result is the mean of what they are worth.
  var isMultiLabel = false
  /// How much each label counts; all alike when nil.
  var labelWeights: [Double]?

  var settings: [String: JSONValue] {
    var settings: [String: JSONValue] = ["num_thresholds": .integer(thresholdCount)]
    switch kind {
    case .area(let curve, let method, let fromLogits):
      settings["curve"] = .string(curve.rawValue)
      settings["summation_method"] = .string(method.rawValue)
      settings["from_logits"] = .bool(fromLogits)
      settings["multi_label"] = .bool(isMultiLabel)
      settings["label_weights"] = labelWeights.map { .array($0.map(JSONValue.number)) } ?? .null
      return settings
    case .sensitivityAtSpecificity(let value): settings["specificity"] = .number(value)
    case .specificityAtSensitivity(let value): settings["sensitivity"] = .number(value)
    case .precisionAtRecall(let value): settings["recall"] = .number(value)
    case .recallAtPrecision(let value): settings["precision"] = .number(value)
    }
    settings["class_id"] = classID.map { .integer($0) } ?? .null
    return settings
  }

  /// The number that another is to reach.
  private var bound: Double? {
    switch kind {
    case .area: nil
    case .sensitivityAtSpecificity(let value), .specificityAtSensitivity(let value), .precisionAtRecall(let value),
      .recallAtPrecision(let value):
      value
    }
  }

  func fault(width: Int?) -> (expected: String, got: String)? {
    guard (2...1_000_000).contains(thresholdCount) else { return ("2 to 1,000,000 thresholds", "\(thresholdCount)") }
    if let bound, !(0...1).contains(bound) { return ("a value to reach in 0…1", "\(bound)") }
    if let classID, !(0..<(width ?? .max)).contains(classID) {
      return ("a classID among \(width.map { "\($0)" } ?? "the") classes", "\(classID)")
    }
    if let labelWeights, labelWeights.count != width ?? labelWeights.count {
      return ("a weight for each of \(width ?? 0) labels", "\(labelWeights.count)")
    }
    if let labelWeights, !labelWeights.allSatisfy({ $0.isFinite && $0 >= 0 }) {
      return ("finite weights of labels of 0 or more", "\(labelWeights)")
    }
    return nil
  }

  /// Positives by threshold, then negatives; for each label where each has a curve.
  func sumCount(width: Int) -> Int { 2 * thresholdCount * (isMultiLabel ? width : 1) }

  func add<S: FloatingScalar>(
    _ targets: Span<S>, _ predictions: Span<S>, width: Int, _ weights: RowWeights, into sums: inout [Double]
  ) {
    let fromLogits = if case .area(_, _, fromLogits: true) = kind { true } else { false }
    let columns = classID.map { $0..<$0 + 1 } ?? 0..<width
    weights.forEachRow { row, weight in
      for column in columns {
        let i = row * width + column
        let p = fromLogits ? Activation.sigmoid.value(predictions[i]) : predictions[i]
        let place = (p * S(thresholdCount - 1)).rounded(.up) - 1
        // NaN fails every comparison, and is filed lowest.
        let bucket = place > 0 ? Int(min(place, S(thresholdCount - 1))) : 0
        let weight = isMultiLabel ? weight : weight * (labelWeights?[column] ?? 1)
        let start = isMultiLabel ? 2 * thresholdCount * column : 0
        sums[start + bucket] += weight * Double(targets[i])
        sums[start + thresholdCount + bucket] += weight * Double(1 - targets[i])
      }
    }
  }

  func result(_ sums: [Double]) -> Double {
    guard isMultiLabel else { return value(sums[...]) }
    let length = 2 * thresholdCount
    let values = (0..<sums.count / length).map { value(sums[$0 * length..<($0 + 1) * length]) }
    let weights = labelWeights ?? values.map { _ in 1 }
    return ratio(zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 }, weights.reduce(0, +))
  }

  /// What one curve is worth.
  private func value(_ sums: ArraySlice<Double>) -> Double {
    let curve = CurvePoints(Array(sums))
    func best(_ reached: [Double], _ value: [Double]) -> Double {
      zip(reached, value).reduce(0) { $1.0 >= (bound ?? 0) ? max($0, $1.1) : $0 }
    }
    switch kind {
    case .area(let kind, let method, _): return curve.area(kind, method)
    case .sensitivityAtSpecificity: return best(curve.specificity, curve.recall)
    case .specificityAtSensitivity: return best(curve.recall, curve.specificity)
    case .precisionAtRecall: return best(curve.recall, curve.precision)
    case .recallAtPrecision: return best(curve.precision, curve.recall)
    }
  }
}
