internal import RecurraTensor

extension Loss {
  /// Adds up a built-in loss over the rows and, when the predictions are tracked, makes its gradient, in one pass.
  ///
  /// - Parameters:
  ///   - labels: each row's class, where the loss takes class numbers.
  ///   - divisor: what the gradient of the sum is divided by.
  func fused<S: FloatingScalar>(
    _ pair: Pairing, _ labels: [Int]?, _ weights: RowWeights, _ divisor: Double, _ type: S.Type
  ) -> (sum: Double, gradient: Tensor?) {
    let width = pair.predictions.count / weights.count
    if S.self == Float.self, let labels, case .sparseCategorical(fromLogits: true, _) = kind {
      return sparseLogits(labels, pair.predictions, weights, divisor)
    }
    let values = pair.predictions.detached.contiguous
    var sum = 0.0
    func run(_ gradient: inout MutableSpan<S>) {
      values.withSpan(of: S.self) { predictions in
        if let labels {
          sum = sparseRows(labels, predictions, width, weights, divisor, &gradient)
        } else {
          sum = denseRows(pair.targets, predictions, width, weights, divisor, &gradient)
        }
      }
    }
    var gradient: Tensor?
    if pair.predictions.isTracked {
      gradient = .filled(pair.predictions.shape, of: S.self) { run(&$0) }
    } else {
      var none = Tensor.zeros([0], dtype: S.dtype)
      none.withMutableSpan(of: S.self) { run(&$0) }
    }
    return (sum, gradient)
  }

  /// The same for class numbers and logits in float32, by vectors and on the threads.
  private func sparseLogits(
    _ labels: [Int], _ logits: Tensor, _ weights: RowWeights, _ divisor: Double
  ) -> (sum: Double, gradient: Tensor?) {
    let scales = labels.indices.map { weights[$0] == 0 ? nil : Float(weights[$0] / divisor) }
    let (losses, gradient) = logits.sparseCrossEntropy(
      labels: labels, scales: scales, wantsGradient: logits.isTracked)
    return (losses.indices.reduce(0.0) { $0 + weights[$1] * Double(losses[$1]) }, gradient)
  }

  private func sparseRows<S: FloatingScalar>(
    _ labels: [Int], _ predictions: Span<S>, _ width: Int, _ weights: RowWeights, _ divisor: Double,
    _ gradient: inout MutableSpan<S>
  ) -> Double {
    guard case .sparseCategorical(let fromLogits, _) = kind else { return 0 }
    return addRows(width, weights, divisor, &gradient) { row, entries, gradient in
      fromLogits
        ? entries.sparseLogits(labels[row], predictions, &gradient)
        : entries.sparseProbabilities(labels[row], predictions, &gradient)
    }
  }

  private func denseRows<S: FloatingScalar>(
    _ targets: Tensor, _ predictions: Span<S>, _ width: Int, _ weights: RowWeights, _ divisor: Double,
    _ gradient: inout MutableSpan<S>
  ) -> Double {
    targets.withSpan(of: S.self) { targets in
      addRows(width, weights, divisor, &gradient) { _, entries, gradient in
        switch kind {
        case .categorical(fromLogits: true, let smoothing):
          return entries.categoricalLogits(targets, S(smoothing), predictions, &gradient)
        case .categorical(fromLogits: false, let smoothing):
          return entries.categoricalProbabilities(targets, S(smoothing), predictions, &gradient)
        case .binary(let fromLogits, let smoothing):
          return entries.binary(targets, S(smoothing), fromLogits: fromLogits, predictions, &gradient)
        case .squared:
          return entries.mean(targets, predictions, &gradient) { ($0 * $0, 2 * $0) }
        case .absolute:
          return entries.mean(targets, predictions, &gradient) { ($0.magnitude, $0 > 0 ? 1 : ($0 < 0 ? -1 : $0)) }
        case .huber(let delta):
          let delta = S(delta)
          return entries.mean(targets, predictions, &gradient) { error in
            error.magnitude <= delta
              ? (error * error / 2, error) : (delta * error.magnitude - delta * delta / 2, error > 0 ? delta : -delta)
          }
        case .sparseCategorical, .ctc, .circle, .formula, .function: return 0
        }
      }
    }
  }

  /// Adds up what `loss` gives for each row that counts, times the row's weight; the gradient of other rows is 0.
  @inline(__always)
  private func addRows<S: FloatingScalar>(
    _ width: Int, _ weights: RowWeights, _ divisor: Double, _ gradient: inout MutableSpan<S>,
    _ loss: (_ row: Int, _ entries: RowEntries<S>, _ gradient: inout MutableSpan<S>) -> S
  ) -> Double {
    var sum = 0.0
    for row in 0..<weights.count {
      let weight = weights[row]
      if weight == 0 {
        if !gradient.isEmpty { for i in row * width..<(row + 1) * width { gradient[i] = 0 } }
      } else {
        let entries = RowEntries(start: row * width, count: width, scale: S(weight / divisor))
        sum += weight * Double(loss(row, entries, &gradient))
      }
    }
    return sum
  }
}
