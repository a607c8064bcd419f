package import RecurraTensor

/// The loss of a batch or of a block of one, as a sum that others can be added to.
package struct WeightedLoss: Sendable {
  /// The loss as one number with its history: a mean or a sum, as the divisor says.
  package let tensor: Tensor
  /// The rows' losses times their weights, added up.
  package let sum: Double
  /// What the sum is divided by to make it a mean.
  package let weight: Double

  /// The mean over what counts; 0 where nothing does.
  package var mean: Double { weight == 0 ? 0 : sum / weight }
}

/// What the weighted sum of the rows' losses is divided by before gradients are taken.
package enum LossDivisor: Sendable {
  /// The weight: gradients are those of the mean.
  case weight
  /// Nothing: gradients of blocks of a batch can be added, and divided by the sum of the blocks' weights.
  case one
}

extension Loss {
  /// Computes the loss of predictions as a weighted sum over rows, with its gradient when they are tracked.
  ///
  /// Where no row counts, the loss and its gradient are 0. Rows of weight 0 are not read.
  ///
  /// - Parameters:
  ///   - targets: what the predictions should be; shapes as each loss says.
  ///   - predictions: [B, …]; integers are taken as float32.
  ///   - weights: those of the predictions' rows.
  ///   - divisor: whether gradients are those of the mean or of the sum.
  /// - Throws: `badData` for targets that do not fit the predictions, and labels that are not among the classes.
  package func weighted(
    _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights, divisor: LossDivisor = .weight
  ) throws(RecurraError) -> WeightedLoss {
    if case .ctc = kind { return try sequences(targets, predictions, weights, divisor: divisor) }
    if case .circle(let circle) = kind {
      return try pairs(circle, targets, predictions, weights, divisor: divisor)
    }
    let weight = reduction.weight(of: weights)
    func own(_ body: @escaping @Sendable (Tensor, Tensor) -> Tensor, _ pair: Pairing) throws(RecurraError)
      -> WeightedLoss
    {
      let mean = try OwnFunction(name: name, body: body).mean(pair, weights)
      // The mean over what counts is exact where all rows weigh the same; only another divisor scales it.
      let scale = divisor == .one ? weights.total : weight == weights.total ? 1 : weights.total / weight
      return WeightedLoss(
        tensor: scale == 1 || weights.total == 0 ? mean : mean * scale, sum: mean.item * weights.total, weight: weight)
    }
    if case .function(let body) = kind {
      return try own(body, Pairing(targets, predictions, convertsTargets: true))
    }
    let pair = Pairing(targets, predictions, convertsTargets: !takesLabels)
    let labels = try takesLabels ? self.labels(pair, weights) : nil
    if !takesLabels { try checkElementwise(pair) }
    let divided = divisor == .weight && weight != 0 ? weight : 1
    if case .formula(let formula) = kind {
      guard let (tensor, sum) = try formula.rows(pair, labels, weights, divided, name) else {
        return try own(formula.values, pair)
      }
      return WeightedLoss(tensor: tensor, sum: sum, weight: weight)
    }
    let (sum, gradient) =
      pair.predictions.dtype == .float32
      ? fused(pair, labels, weights, divided, Float.self) : fused(pair, labels, weights, divided, Double.self)
    let tensor = Tensor(sum / divided, dtype: pair.predictions.dtype).derived(from: [pair.predictions]) { upstream, _ in
      // Nearly always the loss is the end of the graph, and nothing is left to multiply.
      [gradient.map { upstream.item == 1 ? $0 : $0 * upstream.reshaped([]) }]
    }
    return WeightedLoss(tensor: tensor, sum: sum, weight: weight)
  }

  /// The class number of each row that counts, of others anything.
  private func labels(_ pair: Pairing, _ weights: RowWeights) throws(RecurraError) -> [Int] {
    let (predictions, targets) = (pair.predictions, pair.targets)
    let rows = predictions.shape.dropLast(predictions.rank > 1 ? 1 : 0)
    let classes = predictions.rank > 1 ? predictions.shape[predictions.rank - 1] : 1
    guard predictions.count > 0, Pairing.essential(targets.shape) == Pairing.essential(Array(rows)) else {
      throw misfit(expected: "labels \(Array(rows)) for predictions \(predictions.shape)", got: targets.shape)
    }
    let numbers = targets.converted(to: .float64).scalars(as: Double.self)
    var labels = [Int](repeating: 0, count: numbers.count)
    for row in labels.indices where weights[row] != 0 {
      guard let label = Int(exactly: numbers[row]), label >= 0, label < classes else {
        throw RecurraError(
          .badData, operation: name, expected: "labels in 0..<\(classes)",
          got: "\(targets.dtype == .int32 ? "\(Int(numbers[row]))" : "\(numbers[row])") in row \(row)")
      }
      labels[row] = label
    }
    return labels
  }

  private func checkElementwise(_ pair: Pairing) throws(RecurraError) {
    guard pair.predictions.count > 0, pair.predictions.rank > 0, pair.isElementwise else {
      throw misfit(expected: "targets of the shape of predictions \(pair.predictions.shape)", got: pair.targets.shape)
    }
  }

  private func misfit(expected: String, got: [Int]) -> RecurraError {
    RecurraError(.badData, operation: name, expected: expected, got: "shape \(got)")
  }
}
