package import RecurraTensor

extension Metric {
  /// Measures predictions as a weighted sum over rows; rows of weight 0 are not read.
  ///
  /// - Throws: `badData` for targets that do not fit the predictions.
  package func weighted(
    _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights
  ) throws(RecurraError) -> WeightedSum {
    let pair = Pairing(targets, predictions.detached, convertsTargets: true)
    if case .function(let body) = kind {
      let mean = try OwnFunction(name: name, body: body).mean(pair, weights).item
      return WeightedSum(sum: mean * weights.total, weight: weights.total)
    }
    let kind = resolved(targets: targets.shape, predictions: predictions.shape)
    let rows = predictions.shape.dropLast(predictions.rank > 1 ? 1 : 0)
    let isSparse = if case .sparseCategoricalAccuracy = kind { true } else { false }
    let fits = isSparse ? Pairing.essential(targets.shape) == Pairing.essential(Array(rows)) : pair.isElementwise
    guard predictions.rank > 0, fits else {
      throw RecurraError(
        .badData, operation: name,
        expected: "targets \(isSparse ? Array(rows) : predictions.shape) for predictions \(predictions.shape)",
        got: "shape \(targets.shape)")
    }
    let sum =
      pair.predictions.dtype == .float32 ? add(kind, pair, weights, Float.self) : add(kind, pair, weights, Double.self)
    return WeightedSum(sum: sum, weight: weights.total)
  }

  private func add<S: FloatingScalar>(
    _ kind: Kind, _ pair: Pairing, _ weights: RowWeights, _ type: S.Type
  ) -> Double {
    let width = weights.count == 0 ? 1 : pair.predictions.count / weights.count
    return pair.targets.withSpan(of: S.self) { targets in
      pair.predictions.withSpan(of: S.self) { predictions in
        var sum = 0.0
        for row in 0..<weights.count where weights[row] != 0 {
          let range = row * width..<(row + 1) * width
          let value: Double
          switch kind {
          case .sparseCategoricalAccuracy:
            value = S(largest(predictions, range)) == targets[row] ? 1 : 0
          case .categoricalAccuracy:
            value = largest(predictions, range) == largest(targets, range) ? 1 : 0
          case .binaryAccuracy:
            value = mean(range) { (predictions[$0] > 0.5 ? 1 : 0) == targets[$0] ? 1 : 0 }
          case .squared:
            value = mean(range) { (predictions[$0] - targets[$0]) * (predictions[$0] - targets[$0]) }
          case .absolute:
            value = mean(range) { (predictions[$0] - targets[$0]).magnitude }
          case .accuracy, .function, .sums: value = 0
          }
          sum += weights[row] * value
        }
        return sum
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
