internal import RecurraTensor

/// How much each row of predictions counts: all alike, or only the timesteps within each sequence's length.
struct RowWeights {
  /// The number of rows the mean is divided by.
  let count: Int
  private let lengths: [Int]?
  private let rowsPerTimestep: Int
  private let rowsPerSequence: Int
  private let scale: Double

  /// - Parameters:
  ///   - lengths: the timesteps that count, for predictions of at least three axes.
  ///   - shape: the predictions' [B, …, C], or [B].
  init(lengths: [Int]?, shape: [Int]) {
    count = Shape.count(Array(shape.count > 1 ? shape.dropLast() : shape[...]))
    guard let lengths, shape.count > 2, count > 0 else {
      (self.lengths, rowsPerTimestep, rowsPerSequence, scale) = (nil, 1, 1, 1)
      return
    }
    check(lengths.count == shape[0], "loss", expected: "\(shape[0]) lengths", got: "\(lengths.count)")
    self.lengths = lengths
    rowsPerSequence = count / shape[0]
    rowsPerTimestep = rowsPerSequence / shape[1]
    // As Keras: rows that count are scaled up so that dividing by all rows gives the mean over those that count.
    let valid = lengths.reduce(0, +) * rowsPerTimestep
    scale = valid == 0 ? 0 : Double(count) / Double(valid)
  }

  /// The weight of a row; the weights of all rows add up to `count`, or to 0 when no row counts.
  subscript(row: Int) -> Double {
    guard let lengths else { return 1 }
    return row % rowsPerSequence / rowsPerTimestep < lengths[row / rowsPerSequence] ? scale : 0
  }

  /// The weighted mean of a function's values, which may be one number, one to a row, or one to an element.
  func mean(_ values: Tensor) -> Tensor {
    guard lengths != nil, values.count >= count else { return values.mean() }
    let weights = Tensor((0..<count).map { self[$0] }, shape: [count, 1]).converted(to: values.dtype)
    return (values.reshaped([count, -1]) * weights).mean()
  }
}

extension Loss {
  /// Computes a built-in loss and, when the predictions are tracked, its gradient, in one pass over the rows.
  func fused<S: FloatingScalar>(
    _ targets: Tensor, _ predictions: Tensor, _ weights: RowWeights, _ type: S.Type
  ) -> (value: Tensor, gradient: Tensor?) {
    let rows = weights.count
    let width = rows == 0 ? 1 : predictions.count / rows
    let expected = takesLabels ? rows : rows * width
    check(
      targets.count == expected, name,
      expected: "\(expected) targets for predictions of shape \(predictions.shape)", got: "shape \(targets.shape)")
    check(rows > 0 && width > 0, name, expected: "at least one prediction", got: "shape \(predictions.shape)")
    let values = predictions.detached.contiguous
    var total = 0.0
    func run(_ gradient: inout MutableSpan<S>) {
      values.withSpan(of: S.self) { predictions in
        if takesLabels {
          total = sparseRows(targets, predictions, width, weights, &gradient)
        } else {
          total = denseRows(targets.converted(to: S.dtype), predictions, width, weights, &gradient)
        }
      }
    }
    var gradient: Tensor?
    if predictions.isTracked {
      gradient = .filled(predictions.shape, of: S.self) { run(&$0) }
    } else {
      var none = Tensor.zeros([0], dtype: S.dtype)
      none.withMutableSpan(of: S.self) { run(&$0) }
    }
    return (Tensor(total / Double(rows), dtype: S.dtype), gradient)
  }

  private func sparseRows<S: FloatingScalar>(
    _ targets: Tensor, _ predictions: Span<S>, _ width: Int, _ weights: RowWeights, _ gradient: inout MutableSpan<S>
  ) -> Double {
    guard case .sparseCategorical(let fromLogits) = kind else { return 0 }
    return targets.converted(to: .int32).withSpan(of: Int32.self) { labels in
      var total = 0.0
      for row in 0..<weights.count {
        let label = Int(labels[row])
        check(label >= 0 && label < width, name, expected: "labels in 0..<\(width)", got: "\(label)")
        let entries = RowEntries(start: row * width, count: width, scale: S(weights[row] / Double(weights.count)))
        let loss =
          fromLogits
          ? entries.sparseLogits(label, predictions, &gradient)
          : entries.sparseProbabilities(label, predictions, &gradient)
        if weights[row] != 0 { total += weights[row] * Double(loss) }
      }
      return total
    }
  }

  private func denseRows<S: FloatingScalar>(
    _ targets: Tensor, _ predictions: Span<S>, _ width: Int, _ weights: RowWeights, _ gradient: inout MutableSpan<S>
  ) -> Double {
    targets.withSpan(of: S.self) { targets in
      var total = 0.0
      for row in 0..<weights.count {
        let entries = RowEntries(start: row * width, count: width, scale: S(weights[row] / Double(weights.count)))
        let loss: S
        switch kind {
        case .categorical(fromLogits: true, let smoothing):
          loss = entries.categoricalLogits(targets, S(smoothing), predictions, &gradient)
        case .categorical(fromLogits: false, let smoothing):
          loss = entries.categoricalProbabilities(targets, S(smoothing), predictions, &gradient)
        case .binary(let fromLogits, let smoothing):
          loss = entries.binary(targets, S(smoothing), fromLogits: fromLogits, predictions, &gradient)
        case .squared:
          loss = entries.mean(targets, predictions, &gradient) { ($0 * $0, 2 * $0) }
        case .absolute:
          loss = entries.mean(targets, predictions, &gradient) { ($0.magnitude, $0 > 0 ? 1 : ($0 < 0 ? -1 : $0)) }
        case .huber(let delta):
          let delta = S(delta)
          loss = entries.mean(targets, predictions, &gradient) { error in
            error.magnitude <= delta
              ? (error * error / 2, error) : (delta * error.magnitude - delta * delta / 2, error > 0 ? delta : -delta)
          }
        case .sparseCategorical, .function: loss = 0
        }
        if weights[row] != 0 { total += weights[row] * Double(loss) }
      }
      return total
    }
  }
}
