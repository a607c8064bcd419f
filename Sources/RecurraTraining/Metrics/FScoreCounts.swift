internal import RecurraLayers
internal import RecurraTensor

/// The harmonic mean of precision and recall, of each class or of all together.
struct FScoreCounts: MetricCounts {
  let average: Metric.Average
  var beta: Double
  /// nil where the largest prediction of a row is what counts.
  var threshold: Double?
  /// Tells whether files call it F1, which has no beta.
  let isF1: Bool

  var settings: [String: JSONValue] {
    var settings: [String: JSONValue] = [
      "average": .string(average.rawValue), "threshold": threshold.map { .number($0) } ?? .null,
    ]
    if !isF1 { settings["beta"] = .number(beta) }
    return settings
  }

  func fault(width: Int?) -> (expected: String, got: String)? {
    if !(beta.isFinite && beta > 0) { return ("a finite beta above 0", "\(beta)") }
    if let threshold, !(threshold > 0 && threshold <= 1) { return ("a threshold above 0, up to 1", "\(threshold)") }
    return nil
  }

  /// Of each class, or of all together: true positives, false positives, false negatives.
  func sumCount(width: Int) -> Int { average == .micro ? 3 : 3 * width }

  func add<S: FloatingScalar>(
    _ targets: Span<S>, _ predictions: Span<S>, width: Int, _ weights: RowWeights, into sums: inout [Double]
  ) {
    weights.forEachRow { row, weight in
      let start = row * width
      var largest = -S.infinity
      for i in start..<start + width { largest = max(largest, predictions[i]) }
      for i in 0..<width {
        let (p, t) = (predictions[start + i], Double(targets[start + i]))
        // A row of zeros says nothing.
        let says = threshold.map { p > S($0) } ?? (p >= largest && p.magnitude > 1e-9)
        let place = average == .micro ? 0 : 3 * i
        if says {
          sums[place] += weight * t
          sums[place + 1] += weight * (1 - t)
        } else {
          sums[place + 2] += weight * t
        }
      }
    }
  }

  func result(_ sums: [Double]) -> Double {
    let epsilon = LossFormula.epsilon
    let classes = stride(from: 0, to: sums.count, by: 3).map { place -> (score: Double, weight: Double) in
      let (right, wrong, missed) = (sums[place], sums[place + 1], sums[place + 2])
      let (precision, recall) = (right / (right + wrong + epsilon), right / (right + missed + epsilon))
      let score = (1 + beta * beta) * (precision * recall / (beta * beta * precision + recall + epsilon))
      return (score, right + missed)
    }
    guard average == .weighted else { return classes.reduce(0) { $0 + $1.score } / Double(max(classes.count, 1)) }
    let total = classes.reduce(0) { $0 + $1.weight } + epsilon
    return classes.reduce(0) { $0 + $1.score * $1.weight / total }
  }
}
