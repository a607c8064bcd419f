internal import RecurraTensor

/// A metric that a caller wrote as sums over rows, and a function of them.
struct OwnSums: Sendable {
  let count: Int
  let values: @Sendable (_ targets: Tensor, _ predictions: Tensor) -> Tensor
  let result: @Sendable (_ sums: [Double]) -> Double

  /// The values of one sum.
  func column(_ index: Int, _ name: String) -> OwnFunction {
    OwnFunction(name: name) { targets, predictions in
      let all = values(targets, predictions)
      check(all.shape.last == count, name, expected: "values [B, …, \(count)]", got: "shape \(all.shape)")
      return all.sliced(index..<(index + 1), axis: all.rank - 1)
    }
  }
}

extension Metric {
  /// What the metric adds up over rows: one sum, or as many as one's own has.
  ///
  /// - Throws: `badData` for targets that do not fit the predictions.
  func sums(_ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights) throws(RecurraError) -> [WeightedSum] {
    let pair = Pairing(targets, predictions.detached, convertsTargets: true)
    if case .counts(_, let counts) = kind { return try counted(counts, pair, targets.shape, weights) }
    guard case .sums(let own) = kind else { return [try weighted(targets, predictions, weights)] }
    return try (0..<own.count).map { index throws(RecurraError) in
      let mean = try own.column(index, name).mean(pair, weights).item
      return WeightedSum(sum: mean * weights.total, weight: weights.total)
    }
  }

  /// The number of sums for rows of `width` predictions.
  func sumCount(width: Int) -> Int {
    switch kind {
    case .sums(let own): own.count
    case .counts(_, let counts): counts.sumCount(width: width)
    default: 1
    }
  }

  /// The number that people read, from all sums so far.
  func result(of sums: some Collection<WeightedSum>) -> Double {
    switch kind {
    case .sums(let own): own.result(sums.map(\.sum))
    case .counts(_, let counts): counts.result(sums.map(\.sum))
    case .loss(let metric): (sums.first?.weight ?? 0) == 0 ? 0 : metric.result(sums.first?.mean ?? 0)
    default: sums.first?.mean ?? 0
    }
  }
}
