import RecurraTensor
import TestSupport
import Testing

/// Singular values at or below ε·max(M, N) times the largest count as zero, in the solution and in its gradient
/// alike.
@Suite struct LinearAlgebraRankTests {
  /// A matrix of singular values `scale` and `scale`·share, exactly: one number in each of two rows and columns.
  private func matrix(_ shape: [Int], scale: Double, share: Double, _ dtype: DType) -> Tensor {
    NaiveArray(shape) { $0 == [0, 0] ? scale : $0 == [1, 1] ? scale * share : 0 }.tensor(dtype)
  }

  @Test(
    "The cut follows the larger extent, the largest singular value and the type",
    arguments: [[64, 2], [2, 64], [9, 9], [300, 40]], [DType.float32, .float64])
  func cut(shape: [Int], dtype: DType) throws {
    let epsilon = dtype == .float32 ? Double(Float.ulpOfOne) : Double.ulpOfOne
    let cut = epsilon * Double(max(shape[0], shape[1]))
    for scale in [1.0, 1024, 1.0 / 1024] {
      for (share, isKept) in [(cut * 1.25, true), (cut * 0.75, false)] {
        let a = matrix(shape, scale: scale, share: share, dtype)
        let b = NaiveArray([shape[0]]) { $0[0] == 0 ? scale : $0[0] == 1 ? scale * share : 0 }.tensor(dtype).tracked
        let x = try a.leastSquares(b)
        let wanted = NaiveArray([shape[1]]) { $0[0] == 0 || $0[0] == 1 && isKept ? 1 : 0 }.tensor(dtype)
        expectClose(x, wanted, absolute: 1e-5, "\(scale) \(isKept)")
        // The gradient goes through the pseudo-inverse, which must cut at the same place: diag(1/σ) where σ is kept.
        let gradient = x.sum().gradients(withRespectTo: [b])[0]
        let back = NaiveArray([shape[0]]) {
          $0[0] == 0 ? 1 / scale : $0[0] == 1 && isKept ? 1 / (scale * share) : 0
        }.tensor(dtype)
        expectClose(gradient, back, relative: 1e-5, absolute: 1e-7 / scale, "\(scale) \(isKept)")
      }
    }
  }
}
