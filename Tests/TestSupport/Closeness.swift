package import RecurraTensor
package import Testing

/// Expects |actual − expected| ≤ absolute + relative · scale for every element, and equal shapes.
///
/// The scale is the magnitude of the expected element, or of the largest one where sums make small elements inaccurate.
/// A NaN is close to a NaN, an infinity to itself.
package func expectClose(
  _ actual: Tensor, _ expected: Tensor, relative: Double = Tolerance.float64, absolute: Double = 0,
  toLargest: Bool = false, _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record("\(comment()) shape \(actual.shape) instead of \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  let (found, wanted) = (actual.doubles, expected.doubles)
  let largest = wanted.filter(\.isFinite).map(\.magnitude).max() ?? 0
  let misses = found.indices.filter { i in
    if found[i] == wanted[i] || (found[i].isNaN && wanted[i].isNaN) { return false }
    let distance = (found[i] - wanted[i]).magnitude
    return !(distance <= absolute + relative * (toLargest ? largest : wanted[i].magnitude))
  }
  guard let worst = misses.max(by: { (found[$0] - wanted[$0]).magnitude < (found[$1] - wanted[$1]).magnitude }) else {
    return
  }
  Issue.record(
    """
    \(comment()) \(misses.count) of \(found.count) elements of shape \(actual.shape) are off, the worst at \(worst): \
    \(found[worst]) instead of \(wanted[worst])
    """, sourceLocation: sourceLocation)
}

/// Expects the same numbers to the bit; a NaN equals a NaN.
package func expectIdentical(
  _ actual: Tensor, _ expected: Tensor, _ comment: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let agrees =
    actual.shape == expected.shape && actual.dtype == expected.dtype
    && zip(actual.doubles, expected.doubles).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
  if !agrees { Issue.record("\(comment()) \(actual) instead of \(expected)", sourceLocation: sourceLocation) }
}

extension Tensor {
  /// The elements in row-major order as `Double`.
  package var doubles: [Double] {
    switch dtype.representation {
    case .float32: scalars(as: Float.self).map { Double($0) }
    case .float64: scalars(as: Double.self)
    case .int32: scalars(as: Int32.self).map { Double($0) }
    }
  }

  /// Returns numbers that look random, the same every time, from a generator of its own: an error in `RandomSource`
  /// must not hide itself.
  package static func varied(
    _ shape: [Int], seed: Int = 1, in range: ClosedRange<Double> = -1...1, dtype: DType = .float64
  ) -> Tensor {
    var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 0x1234_5678_9ABC_DEF1
    let count = shape.reduce(1, *)
    let values = (0..<count).map { _ -> Double in
      // SplitMix64.
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      let share = Double((word ^ (word >> 31)) >> 11) * 0x1p-53
      return range.lowerBound + (range.upperBound - range.lowerBound) * share
    }
    return Tensor(values, shape: shape).converted(to: dtype)
  }
}
