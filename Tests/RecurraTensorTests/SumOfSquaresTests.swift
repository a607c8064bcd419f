import RecurraTensor
import TestSupport
import Testing

@Suite struct SumOfSquaresTests {
  /// Around every number of partial sums and vectors, and around the blocks that threads take.
  static let counts = Array(0...200) + [1_023, 16_383, 16_384, 16_385, 3 * 16_384 + 37]

  @Test("The sum of squares counts every element once, in both types", arguments: [DType.float32, .float64])
  func everyElementCounts(dtype: DType) {
    for count in Self.counts {
      // Small and all different, so that no element may be left out or taken twice.
      let x = Tensor.varied([count], seed: count, in: 1...2, dtype: dtype)
      let wanted = x.doubles.reduce(0) { $0 + $1 * $1 }
      #expect(
        (x.sumOfSquares - wanted).magnitude <= 1e-12 * wanted, "\(count) elements: \(x.sumOfSquares), not \(wanted)")
    }
  }

  @Test("What is not finite shows, wherever it stands", arguments: [Float.nan, .infinity, -.infinity])
  func notFinite(value: Float) {
    for place in 0..<70 {
      let x = Tensor((0..<70).map { $0 == place ? value : Float($0) })
      #expect(!x.sumOfSquares.isFinite, "at \(place)")
    }
  }
}
