import RecurraTensor
import TestSupport
import Testing

/// A drawn number lies where it was asked for, as its type holds it, and is finite.
@Suite struct RandomBoundsTests {
  private static let ranges: [(Double, Double, String)] = [
    (1.0, 1.0.nextUp, "no float32 but the lower end"), (1, 1 + 1e-9, "the upper end rounds to the lower one"),
    (1, Double(Float(1).nextUp), "neighbours"), (-1, Double(Float(-1).nextUp), "neighbours below 0"),
    (-1 - 1e-9, -1 + 1e-9, "one float32 within"), (0.7, 0.9, "the lower end rounds down"),
    (-0.9, -0.7, "the upper end rounds up"), (0.1, 0.1 + 1e-7, "a narrow one"),
    (0, 0x1p-149, "0 and the smallest float32"), (-0x1p-149, 0x1p-149, "around 0"), (-1e-300, 1e-300, "0 alone"),
    (16_777_217, 16_777_221, "whole numbers that float32 does not have"),
    (-3e38, 3e38, "wider than float32"), (-1e300, 1e300, "far beyond float32"),
    (-1.7e308, 1.7e308, "wider than float64"), (3.4e38, 1e39, "beyond float32 at the upper end"),
    (-.greatestFiniteMagnitude, 0, "half of float64"),
  ]

  @Test("No number leaves its range by rounding to its type", arguments: ranges)
  func uniformBounds(lower: Double, upper: Double, reason: String) {
    for dtype in [DType.float32, .float64] {
      let numbers = RandomSource(seed: 8).uniform([4_096], in: lower..<upper, dtype: dtype).doubles
      let isWithin = numbers.allSatisfy { $0 >= lower && $0 < upper && $0.isFinite }
      #expect(isWithin, "\(dtype), \(reason): \(numbers.min() ?? 0) to \(numbers.max() ?? 0)")
    }
  }

  @Test("Ranges with few numbers give each of them, and huge ones are spread evenly")
  func uniformSpread() {
    func numbers(_ lower: Double, _ upper: Double, _ dtype: DType = .float32) -> [Double] {
      RandomSource(seed: 8).uniform([4_096], in: lower..<upper, dtype: dtype).doubles
    }
    // The last number below an end that float32 does not have is within the range.
    #expect(Set(numbers(1, 1 + 0x1.8p-23)) == [1, 1 + 0x1p-23])
    #expect(Set(numbers(1, 1 + 0x1p-22)) == [1, 1 + 0x1p-23])
    #expect(Set(numbers(16_777_217, 16_777_221)) == [16_777_218, 16_777_220])
    for (end, dtype) in [(1.7e308, DType.float64), (3e38, .float32), (1e300, .float32)] {
      let limit = Swift.min(end, dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : end)
      let shares = numbers(-end, end, dtype).map { $0 / limit }
      for (low, high) in [(-1.0, -0.5), (-0.5, 0), (0, 0.5), (0.5, 1)] {
        let count = shares.count { $0 >= low && $0 < high }
        #expect((count - 1_024).magnitude < 120, "\(end) \(dtype) \(low): \(count)")
      }
    }
  }

  @Test("A range without a number of the type gives the next one above, and an empty one its end")
  func uniformWithoutNumbers() {
    func number(_ lower: Double, _ upper: Double, _ dtype: DType = .float32) -> Double {
      RandomSource(seed: 8).uniform([3], in: lower..<upper, dtype: dtype).doubles[1]
    }
    #expect(number(0.7, 0.7.nextUp) == Double(Float(0.7).nextUp) && Double(Float(0.7)) < 0.7)
    #expect(number(0.1, 0.1.nextUp) == Double(Float(0.1)))
    #expect(number(1 + 1e-9, 1 + 2e-9) == Double(Float(1).nextUp))
    #expect(number(-1 - 2e-9, -1 - 1e-9) == -1)
    #expect(number(2, 2) == 2 && number(2, 2, .float64) == 2 && number(-0.3, -0.3, .float64) == -0.3)
    #expect(number(1e39, 1e40) == Double(Float.greatestFiniteMagnitude))
    #expect(number(-1e40, -1e39) == -Double(Float.greatestFiniteMagnitude))
  }

  @Test("Normal numbers stay finite, truncated ones within two deviations as their type has them")
  func normalBounds() {
    let source = RandomSource(seed: 12)
    for (mean, deviation, dtype) in [
      (0.0, 1e38, DType.float32), (1e308, 1e308, .float64), (0, 1e300, .float32), (-3e38, 3e38, .float32),
    ] {
      #expect(
        source.normal([10_000], mean: mean, standardDeviation: deviation, dtype: dtype).doubles.allSatisfy {
          $0.isFinite
        })
      let cut = source.truncatedNormal([10_000], mean: mean, standardDeviation: deviation, dtype: dtype).doubles
      #expect(cut.allSatisfy { $0.isFinite && $0 >= mean - 2 * deviation && $0 <= mean + 2 * deviation })
    }
    // Five float32 lie within the cut, so that many draws round to its ends.
    let (mean, deviation) = (0.7, 3e-7 / 4)
    for sign in [1.0, -1] {
      let cut = source.truncatedNormal([10_000], mean: mean, standardDeviation: sign * deviation).doubles
      #expect(cut.allSatisfy { $0 >= mean - 2 * deviation && $0 <= mean + 2 * deviation })
      #expect(Set(cut).count > 1)
    }
    // No float32 lies within the cut of these two.
    for deviation in [0, 1e-12] {
      #expect(
        source.truncatedNormal([2], mean: 0.7, standardDeviation: deviation).scalars(as: Float.self) == [0.7, 0.7])
    }
    #expect(source.normal([3], mean: 0.7, standardDeviation: 0).scalars(as: Float.self) == [0.7, 0.7, 0.7])
  }
}
