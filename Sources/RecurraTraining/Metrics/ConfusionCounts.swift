internal import RecurraLayers
internal import RecurraTensor

/// A matrix of true and predicted classes, and how much of each class both share: intersection over union.
struct ConfusionCounts: MetricCounts {
  enum Source: Sendable, Equatable {
    /// Each element of targets and predictions is a class number.
    case numbers
    /// Each element of targets is 0 or 1, each prediction lies below the threshold or not.
    case threshold(Double)
    /// The largest of a row of predictions; targets are class numbers, or rows with a largest.
    case largest(sparseTargets: Bool)
  }

  let classCount: Int
  let source: Source
  /// The classes whose mean is taken; all where nil.
  var targetClassIDs: [Int]?
  var ignoreClass: Int?
  /// Whether files call it by a one-hot name, whose targets are never class numbers.
  var isOneHot = false

  var settings: [String: JSONValue] {
    if case .threshold(let threshold) = source {
      return ["threshold": .number(threshold), "target_class_ids": ids]
    }
    var settings: [String: JSONValue] = [
      "num_classes": .integer(classCount), "ignore_class": ignoreClass.map { .integer($0) } ?? .null,
      "sparse_y_pred": .bool(source == .numbers),
    ]
    if !isOneHot { settings["sparse_y_true"] = .bool(source != .largest(sparseTargets: false)) }
    if targetClassIDs != nil { settings["target_class_ids"] = ids }
    return settings
  }

  private var ids: JSONValue { .array((targetClassIDs ?? Array(0..<classCount)).map { .integer($0) }) }
  var takesLabels: Bool { source == .largest(sparseTargets: true) }

  func fault(width: Int?) -> (expected: String, got: String)? {
    guard (1...4096).contains(classCount) else { return ("1 to 4,096 classes", "\(classCount)") }
    if let wrong = targetClassIDs?.first(where: { !(0..<classCount).contains($0) }) {
      return ("targetClassIDs in 0..<\(classCount)", "\(wrong)")
    }
    return nil
  }

  /// Row by true class, column by predicted class.
  func sumCount(width: Int) -> Int { classCount * classCount }

  func add<S: FloatingScalar>(
    _ targets: Span<S>, _ predictions: Span<S>, width: Int, _ weights: RowWeights, into sums: inout [Double]
  ) {
    func number(_ x: S) -> Int? { x > -1 && x < S(classCount) ? Int(x) : nil }
    func largest(_ values: Span<S>, _ start: Int) -> Int {
      (0..<width).reduce(0) { values[start + $1] > values[start + $0] ? $1 : $0 }
    }
    func count(_ truth: Int?, _ said: Int?, _ weight: Double) {
      guard let truth, let said, truth < classCount, said < classCount, truth != ignoreClass else { return }
      sums[truth * classCount + said] += weight
    }
    weights.forEachRow { row, weight in
      let start = row * width
      switch source {
      case .numbers:
        for i in start..<start + width { count(number(targets[i]), number(predictions[i]), weight) }
      case .threshold(let threshold):
        for i in start..<start + width { count(number(targets[i]), predictions[i] >= S(threshold) ? 1 : 0, weight) }
      case .largest(let sparseTargets):
        count(sparseTargets ? number(targets[row]) : largest(targets, start), largest(predictions, start), weight)
      }
    }
  }

  func result(_ sums: [Double]) -> Double {
    var (total, counted) = (0.0, 0.0)
    for id in targetClassIDs ?? Array(0..<classCount) {
      let both = sums[id * classCount + id]
      let either = (0..<classCount).reduce(-both) { $0 + sums[id * classCount + $1] + sums[$1 * classCount + id] }
      // A class that is nowhere has no part in the mean.
      guard either > 1e-9 else { continue }
      total += both / (either + LossFormula.epsilon)
      counted += 1
    }
    return total / (counted + LossFormula.epsilon)
  }
}
