internal import RecurraTensor

/// Multiplies rows by a matrix that a file holds the other way round: it is turned once for every version.
final class TurnedWeights: Sendable {
  private let packed = PackedProduct()
  private let last = Guarded<(version: Int, turned: Tensor)?>(nil)

  /// Computes x·Wᵀ + bias.
  ///
  /// - Shapes: `x` [B, …, I], `weights` [N, I], `bias` [N]; result [B, …, N].
  /// - Precondition: float32, and at least one input and one column.
  func callAsFunction(_ x: Tensor, _ weights: Tensor, version: Int, adding bias: Tensor?) -> Tensor {
    packed(x, turned(weights, version), version: version, adding: bias)
  }

  private func turned(_ weights: Tensor, _ version: Int) -> Tensor {
    guard !weights.isTracked else { return weights.transposed() }
    if let kept = last.withLock({ $0 }), kept.version == version { return kept.turned }
    let turned = weights.transposed().contiguous
    _ = last.exchange((version, turned))
    return turned
  }
}
