internal import RecurraLayers
internal import RecurraTensor

/// How often a prediction above a threshold was right: what precision, recall and the four counts are made of.
struct ThresholdCounts: MetricCounts {
  enum Result: String {
    case precision, recall
    case truePositives = "true_positives"
    case falsePositives = "false_positives"
    case trueNegatives = "true_negatives"
    case falseNegatives = "false_negatives"
  }

  let kind: Result
  /// nil for ½, or for none where the largest predictions are what counts.
  var threshold: Double?
  var topK: Int?
  var classID: Int?

  var settings: [String: JSONValue] {
    var settings: [String: JSONValue] = ["thresholds": threshold.map { .number($0) } ?? .null]
    guard kind == .precision || kind == .recall else { return settings }
    settings["top_k"] = topK.map { .integer($0) } ?? .null
    settings["class_id"] = classID.map { .integer($0) } ?? .null
    return settings
  }

  func fault(width: Int?) -> (expected: String, got: String)? {
    if let threshold, !(0...1).contains(threshold) { return ("a threshold in 0…1", "\(threshold)") }
    if let topK, topK < 1 { return ("a topK of 1 or more", "\(topK)") }
    if let classID, !(0..<(width ?? .max)).contains(classID) {
      return ("a classID among \(width.map { "\($0)" } ?? "the") classes", "\(classID)")
    }
    return nil
  }

  /// True positives, false positives, true negatives, false negatives.
  func sumCount(width: Int) -> Int { 4 }

  func add<S: FloatingScalar>(
    _ targets: Span<S>, _ predictions: Span<S>, width: Int, _ weights: RowWeights, into sums: inout [Double]
  ) {
    let limit = threshold.map { S($0) } ?? (topK == nil ? 0.5 : -S.infinity)
    var positive = [Bool](repeating: false, count: width)
    weights.forEachRow { row, weight in
      let start = row * width
      for i in 0..<width { positive[i] = predictions[start + i] > limit }
      if let topK, topK < width {
        // The first of equal ones, as Keras picks exactly k.
        let order = (0..<width).sorted {
          let (left, right) = (predictions[start + $0], predictions[start + $1])
          return left > right || (left == right && $0 < $1)
        }
        for i in order.dropFirst(topK) { positive[i] = false }
      }
      for i in classID.map({ $0..<$0 + 1 }) ?? 0..<width {
        let isTrue = targets[start + i] != 0
        sums[positive[i] ? (isTrue ? 0 : 1) : (isTrue ? 3 : 2)] += weight
      }
    }
  }

  func result(_ sums: [Double]) -> Double {
    switch kind {
    case .precision: ratio(sums[0], sums[0] + sums[1])
    case .recall: ratio(sums[0], sums[0] + sums[3])
    case .truePositives: sums[0]
    case .falsePositives: sums[1]
    case .trueNegatives: sums[2]
    case .falseNegatives: sums[3]
    }
  }
}
