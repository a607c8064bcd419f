/// Every bound of the tests, in one table. A bound is relative unless its name says otherwise.
package enum Tolerance {
  /// Gradients in float64 against central differences.
  package static let gradient = 1e-6
  /// One float64 operation against a plain loop in another order.
  package static let float64 = 1e-12
  /// One float32 operation against the same in float64; half a unit in the last place is 6e-8.
  package static let float32 = 1e-6
  /// Sums and products of some hundred float32 terms against float64, relative to the largest element.
  package static let float32Accumulated = 2e-6
  /// Gradients in float32 against float64, relative to the largest element.
  package static let float32Gradient = 1e-5
  /// float32 values and gradients against Keras and PyTorch.
  package static let peers = 1e-5
  /// Training losses against Keras.
  package static let losses = 1e-4
  /// Two ways of computing the same sequence in float32, such as two multipliers.
  package static let multipliers = 1e-5
}
