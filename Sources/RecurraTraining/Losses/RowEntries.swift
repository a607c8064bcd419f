internal import RecurraTensor

/// The entries of one row of predictions, and what its gradient is multiplied by.
///
/// Each function returns the row's loss and, when `gradient` has room for it, writes scale · ∂loss/∂prediction.
struct RowEntries<S: FloatingScalar> {
  let start: Int
  let count: Int
  let scale: S

  private var range: Range<Int> { start..<(start + count) }

  /// ln Σ eᶻ − z[label]; gradient softmax(z) − onehot.
  func sparseLogits(_ label: Int, _ logits: Span<S>, _ gradient: inout MutableSpan<S>) -> S {
    let (largest, total) = softmaxParts(logits)
    if !gradient.isEmpty {
      for i in range { gradient[i] = scale * S.exponential(logits[i] - largest) / total }
      gradient[start + label] -= scale
    }
    return S.logarithm(total) - (logits[start + label] - largest)
  }

  /// q = clip(p), ln Σ q − ln q[label]; gradient 1/Σ q − onehot/q where p was not clipped.
  func sparseProbabilities(_ label: Int, _ probabilities: Span<S>, _ gradient: inout MutableSpan<S>) -> S {
    var total: S = 0
    for i in range { total += Clipping<S>.clip(probabilities[i]) }
    let chosen = Clipping<S>.clip(probabilities[start + label])
    if !gradient.isEmpty {
      for i in range {
        let slope = 1 / total - (i == start + label ? 1 / chosen : 0)
        gradient[i] = Clipping<S>.passes(probabilities[i]) ? scale * slope : 0
      }
    }
    return S.logarithm(total) - S.logarithm(chosen)
  }

  /// Σ t·(ln Σ eᶻ − z); gradient softmax(z)·Σ t − t.
  func categoricalLogits(
    _ targets: Span<S>, _ smoothing: S, _ logits: Span<S>, _ gradient: inout MutableSpan<S>
  ) -> S {
    let (largest, sum) = softmaxParts(logits)
    let logarithm = S.logarithm(sum)
    var (loss, total): (S, S) = (0, 0)
    for i in range {
      let target = smoothed(targets[i], smoothing, classes: count)
      total += target
      // A target of 0 leaves an infinite logit out, as in TensorFlow.
      if target != 0 { loss += target * (logarithm - (logits[i] - largest)) }
    }
    if !gradient.isEmpty {
      for i in range {
        let probability = S.exponential(logits[i] - largest) / sum
        gradient[i] = scale * (probability * total - smoothed(targets[i], smoothing, classes: count))
      }
    }
    return loss
  }

  /// q = clip(p / Σ p), −Σ t·ln q; the gradient goes through the division.
  func categoricalProbabilities(
    _ targets: Span<S>, _ smoothing: S, _ probabilities: Span<S>, _ gradient: inout MutableSpan<S>
  ) -> S {
    var sum: S = 0
    for i in range { sum += probabilities[i] }
    var (loss, inner): (S, S) = (0, 0)
    for i in range {
      let target = smoothed(targets[i], smoothing, classes: count)
      let share = probabilities[i] / sum
      let clipped = Clipping<S>.clip(share)
      loss -= target * S.logarithm(clipped)
      let slope = Clipping<S>.passes(share) ? -target / clipped : 0
      inner += slope * share
      if !gradient.isEmpty { gradient[i] = slope }
    }
    if !gradient.isEmpty { for i in range { gradient[i] = scale * (gradient[i] - inner) / sum } }
    return loss
  }

  /// The mean of −t·ln p − (1 − t)·ln(1 − p), from clipped probabilities or, without overflow, from logits.
  func binary(
    _ targets: Span<S>, _ smoothing: S, fromLogits: Bool, _ predictions: Span<S>, _ gradient: inout MutableSpan<S>
  ) -> S {
    var loss: S = 0
    for i in range {
      let target = smoothed(targets[i], smoothing, classes: 2)
      let x = predictions[i]
      let slope: S
      if fromLogits {
        loss += (x > 0 ? x : 0) - x * target + S.logarithmOnePlus(S.exponential(-x.magnitude))
        slope = Activation.sigmoid.value(x) - target
      } else {
        let p = Clipping<S>.clip(x)
        loss -= target * S.logarithm(p) + (1 - target) * S.logarithm(1 - p)
        slope = Clipping<S>.passes(x) ? (1 - target) / (1 - p) - target / p : 0
      }
      if !gradient.isEmpty { gradient[i] = scale * slope / S(count) }
    }
    return loss / S(count)
  }

  /// The mean of a function of prediction − target, which returns its value and its slope.
  @inline(__always)
  func mean(
    _ targets: Span<S>, _ predictions: Span<S>, _ gradient: inout MutableSpan<S>,
    _ function: (S) -> (value: S, slope: S)
  ) -> S {
    var loss: S = 0
    for i in range {
      let (value, slope) = function(predictions[i] - targets[i])
      loss += value
      if !gradient.isEmpty { gradient[i] = scale * slope / S(count) }
    }
    return loss / S(count)
  }

  private func softmaxParts(_ logits: Span<S>) -> (largest: S, total: S) {
    var largest = logits[start]
    for i in range { largest = max(largest, logits[i]) }
    var total: S = 0
    for i in range { total += S.exponential(logits[i] - largest) }
    return (largest, total)
  }

  private func smoothed(_ target: S, _ smoothing: S, classes: Int) -> S {
    smoothing == 0 ? target : target * (1 - smoothing) + smoothing / S(classes)
  }
}

/// Keras' limits for probabilities, so that no logarithm is infinite: [1e-7, 1 − 1e-7] in the type's own rounding.
private enum Clipping<S: FloatingScalar> {
  static var lowest: S { S(1e-7) }
  static var highest: S { S(1 - 1e-7) }

  static func clip(_ x: S) -> S { x < lowest ? lowest : (x > highest ? highest : x) }

  /// Tells whether a gradient passes; at the limits it does.
  static func passes(_ x: S) -> Bool { !(x < lowest || x > highest) }
}
