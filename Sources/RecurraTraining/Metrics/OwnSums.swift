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
    guard case .sums(let own) = kind else { return [try weighted(targets, predictions, weights)] }
    let pair = Pairing(targets, predictions.detached, convertsTargets: true)
    return try (0..<own.count).map { index throws(RecurraError) in
      let mean = try own.column(index, name).mean(pair, weights).item
      return WeightedSum(sum: mean * weights.total, weight: weights.total)
    }
  }

  /// The number of sums.
  var sumCount: Int { if case .sums(let own) = kind { own.count } else { 1 } }

  /// The number that people read, from all sums so far.
  func result(of sums: some Collection<WeightedSum>) -> Double {
    guard case .sums(let own) = kind else { return sums.first?.mean ?? 0 }
    return own.result(sums.map(\.sum))
  }
}
