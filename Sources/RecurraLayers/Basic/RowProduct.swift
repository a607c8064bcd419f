internal import RecurraCells
internal import RecurraTensor

extension PackedProduct {
  /// Computes x·W + b as one product over all rows: by the kernels where they serve, else on OpenBLAS.
  ///
  /// - Shapes: `x` [B, …, I], `weights` [I, N], `bias` [N]; result [B, …, N].
  func rows(_ x: Tensor, _ weights: Tensor, version: Int, adding bias: Tensor?) -> Tensor {
    if weights.dtype == .float32, x.count > 0, MultiplierChoice.current != .openblas {
      return self(x, weights, version: version, adding: bias)
    }
    let sums = x.matrixProduct(weights)
    return bias.map { sums + $0 } ?? sums
  }
}
