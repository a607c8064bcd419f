internal import RecurraLayers
internal import RecurraTensor

/// How much of the targets' variance predictions explain: R².
struct DeterminationCounts: MetricCounts {
  let aggregation: Metric.ClassAggregation
  let regressorCount: Int

  var settings: [String: JSONValue] {
    ["class_aggregation": .string(aggregation.rawValue), "num_regressors": .integer(regressorCount)]
  }

  func fault(width: Int?) -> (expected: String, got: String)? {
    regressorCount >= 0 ? nil : ("a numRegressors of 0 or more", "\(regressorCount)")
  }

  /// Of each output Σ w·t², Σ w·t, Σ w·(t − p)², Σ w; then the number of targets.
  func sumCount(width: Int) -> Int { 4 * width + 1 }

  func add<S: FloatingScalar>(
    _ targets: Span<S>, _ predictions: Span<S>, width: Int, _ weights: RowWeights, into sums: inout [Double]
  ) {
    weights.forEachRow { row, weight in
      for i in 0..<width {
        let (t, p) = (Double(targets[row * width + i]), Double(predictions[row * width + i]))
        sums[4 * i] += weight * t * t
        sums[4 * i + 1] += weight * t
        sums[4 * i + 2] += weight * (t - p) * (t - p)
        sums[4 * i + 3] += weight
      }
    }
    // As Keras, which counts what weighs nothing.
    sums[4 * width] += Double(weights.unmaskedCount * width)
  }

  func result(_ sums: [Double]) -> Double {
    guard let samples = sums.last, samples > 0 else { return 0 }
    let outputs = stride(from: 0, to: sums.count - 1, by: 4).map { place -> (score: Double, variance: Double) in
      let variance = sums[place] - sums[place + 1] * (sums[place + 1] / sums[place + 3])
      let score = 1 - sums[place + 2] / variance
      return (score.isInfinite ? 0 : score, variance)
    }
    var score = outputs.reduce(0) { $0 + $1.score } / Double(outputs.count)
    if aggregation == .varianceWeightedAverage {
      score = outputs.reduce(0) { $0 + $1.score * $1.variance } / outputs.reduce(0) { $0 + $1.variance }
    }
    let free = samples - 1 - Double(regressorCount)
    // With fewer numbers than regressors the plain score stands, as in Keras.
    guard regressorCount > 0, free > 0 else { return score }
    return 1 - (1 - score) * (samples - 1) / free
  }
}
