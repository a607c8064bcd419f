internal import RecurraLayers
internal import RecurraTensor

/// The loss of pairs of rows.
extension Loss {
  /// Circle loss: rows of one class are to lie near to each other, rows of different classes far apart.
  ///
  /// With d = max(1 − p·q, 0) for two rows of length 1, margin m:
  /// ln(1 + Σ e^(−γ·(m + d)·(m − d)) · Σ e^(γ·max(1 + m − d, 0)·(1 − m − d))),
  /// the first sum over the other rows of the row's class, the second over those of other classes. A row that has none
  /// of either is worth 0, and the mean is over rows that are worth more, as in Keras. Rows that do not count are not
  /// read; a batch that is cut into blocks has the pairs within its blocks alone.
  ///
  /// - Parameters:
  ///   - gamma: γ, above 0.
  ///   - margin: m, 0 or more.
  ///   - removeDiagonal: whether a row is no pair with itself.
  /// - Shapes: targets [B] or [B, 1], class numbers of any size; predictions [B, D], each of length 1, as a
  ///   `UnitNormalization` makes them.
  /// - Complexity: O(B²·D).
  /// - Source: Sun et al. 2020; Keras, `keras.losses.Circle`.
  public static func circle(gamma: Double = 80, margin: Double = 0.4, removeDiagonal: Bool = true) -> Loss {
    Loss("circle", .circle(CirclePairs(gamma: gamma, margin: margin, removeDiagonal: removeDiagonal)))
  }

  /// Adds up the loss of every row, with its gradient when the predictions are tracked.
  func pairs(
    _ circle: CirclePairs, _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights, divisor: LossDivisor
  ) throws(RecurraError) -> WeightedLoss {
    let predictions = predictions.dtype.isFloating ? predictions : predictions.converted(to: .float32)
    guard predictions.rank == 2, predictions.count > 0,
      Pairing.essential(targets.shape) == Pairing.essential([predictions.shape[0]])
    else {
      throw RecurraError(
        .badData, operation: name, expected: "class numbers [B] for predictions [B, D]",
        got: "shapes \(targets.shape) and \(predictions.shape)")
    }
    let classes = targets.detached.converted(to: .float64).scalars(as: Double.self)
    let rows = (0..<weights.count).filter { weights[$0] != 0 }
    let width = predictions.shape[1]
    let numbers = predictions.detached.converted(to: .float64).scalars(as: Double.self)
    let found = circle.rows(
      rows.map { classes[$0] }, rows.map { Array(numbers[$0 * width..<($0 + 1) * width]) },
      weights: rows.map { weights[$0] })
    let counted = zip(rows, found.losses).filter { $1 > 0 }
    let weight =
      switch reduction {
      case .sum: counted.isEmpty ? 0 : 1.0
      case .sumOverBatchSize: Double(counted.count)
      default: counted.reduce(0) { $0 + weights[$1.0] }
      }
    let divided = divisor == .weight && weight != 0 ? weight : 1
    let sum = counted.reduce(0) { $0 + weights[$1.0] * $1.1 }
    let gradient = predictions.isTracked ? Self.spread(found.gradients, rows, divided, like: predictions) : nil
    let tensor = Tensor(sum / divided, dtype: predictions.dtype).derived(from: [predictions]) { upstream, _ in
      [gradient.map { upstream.item == 1 ? $0 : $0 * upstream.reshaped([]) }]
    }
    return WeightedLoss(tensor: tensor, sum: sum, weight: weight)
  }

  /// Gradients of some rows as one of all predictions; that of the others is 0.
  private static func spread(
    _ gradients: [[Double]], _ rows: [Int], _ divisor: Double, like predictions: Tensor
  ) -> Tensor {
    let width = predictions.shape[1]
    var slopes = [Double](repeating: 0, count: predictions.count)
    for (row, gradient) in zip(rows, gradients) {
      for i in 0..<width { slopes[row * width + i] = gradient[i] / divisor }
    }
    return Tensor(slopes, shape: predictions.shape).converted(to: predictions.dtype)
  }
}
