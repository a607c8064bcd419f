/// A source of random numbers that is a value: the same seed gives the same numbers on every machine and any thread count.
///
/// Number i of a source is a function of the seed and i alone (Philox4x32-10), so nothing has a hidden state; `stream(_:)` makes
/// independent sources for different purposes.
///
/// - Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
public struct RandomSource: Sendable, Equatable {
  /// The seed everything follows from.
  public let seed: UInt64
  /// Tells sources of one seed apart.
  package let streamNumber: UInt64

  /// Makes a source from a seed.
  public init(seed: UInt64) { self.init(seed: seed, streamNumber: 0) }

  package init(seed: UInt64, streamNumber: UInt64) {
    self.seed = seed
    self.streamNumber = streamNumber
  }

  /// Returns an independent source of the same seed; equal numbers give equal sources.
  public func stream(_ number: Int) -> RandomSource {
    // Mixing keeps stream(1).stream(2) apart from stream(2).stream(1) and from stream(3).
    let block = Self.philox(
      (UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32), 0x7374_7265, 0x616d_0000),
      key: (UInt32(truncatingIfNeeded: streamNumber), UInt32(truncatingIfNeeded: streamNumber >> 32)))
    return RandomSource(seed: seed, streamNumber: UInt64(block.0) | UInt64(block.1) << 32)
  }

  /// Four random words for position `index`.
  @inline(__always)
  package func block(_ index: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
    Self.philox(
      (
        UInt32(truncatingIfNeeded: index), UInt32(truncatingIfNeeded: index >> 32),
        UInt32(truncatingIfNeeded: streamNumber), UInt32(truncatingIfNeeded: streamNumber >> 32)
      ), key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  @inline(__always)
  private static func philox(
    _ counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var (c, k) = (counter, key)
    for _ in 0..<10 {
      let first = UInt64(c.0) * 0xD251_1F53
      let second = UInt64(c.2) * 0xCD9E_8D57
      c = (
        UInt32(truncatingIfNeeded: second >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: second),
        UInt32(truncatingIfNeeded: first >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: first)
      )
      k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
    }
    return c
  }

  /// A number in 0..<1 for position `index`, with 53 random bits.
  @inline(__always)
  package func unit(_ index: UInt64) -> Double {
    let pair = units(index / 2)
    return index % 2 == 0 ? pair.0 : pair.1
  }

  /// The numbers of positions 2·pair and 2·pair + 1: one block of words gives both.
  @inline(__always)
  private func units(_ pair: UInt64) -> (Double, Double) {
    let words = block(pair)
    return (
      Double((UInt64(words.0) << 32 | UInt64(words.1)) >> 11) * 0x1p-53,
      Double((UInt64(words.2) << 32 | UInt64(words.3)) >> 11) * 0x1p-53
    )
  }

  /// Returns numbers spread evenly over `range`, the upper end excluded.
  public func uniform(_ shape: [Int], in range: Range<Double> = 0..<1, dtype: DType = .float32) -> Tensor {
    let width = range.upperBound - range.lowerBound
    // Rounding may reach the upper end: in float32 once in 2²⁵ numbers of 0..<1, and often in a narrow range.
    let largest = dtype == .float32 ? Double(Float(range.upperBound).nextDown) : range.upperBound.nextDown
    return filled(shape, dtype) { Swift.min(range.lowerBound + width * $0, largest) }
  }

  /// Returns numbers of the normal distribution.
  public func normal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    filled(shape, dtype) { mean + standardDeviation * NormalDistribution.quantile(Swift.max($0, 0x1p-54)) }
  }

  /// Returns numbers of the normal distribution cut off at two standard deviations from the mean, as Keras does.
  public func truncatedNormal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    // Φ(−2): the share of the distribution below the cut.
    let below = 0.022750131948179195
    return filled(shape, dtype) { mean + standardDeviation * NormalDistribution.quantile(below + (1 - 2 * below) * $0) }
  }

  /// Returns 0 ..< count in random order; every order is equally likely.
  public func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, Int(unit(UInt64(i)) * Double(i + 1))) }
    return order
  }

  /// The numbers in 0..<1 of the positions from 2·`skippedPairs` on.
  func uniform(_ shape: [Int], skippingPairs skippedPairs: Int, dtype: DType) -> Tensor {
    let largest = dtype == .float32 ? Double(Float(1).nextDown) : 1.0.nextDown
    return filled(shape, dtype, skippingPairs: skippedPairs) { Swift.min($0, largest) }
  }

  private func filled(
    _ shape: [Int], _ dtype: DType, skippingPairs skipped: Int = 0, _ transform: (Double) -> Double
  ) -> Tensor {
    check(dtype.isFloating, "random", expected: "a floating type", got: "\(dtype)")
    func fill<S: FloatingScalar>(_ type: S.Type) -> Tensor {
      Tensor(shape, of: S.self) { output in
        let count = Shape.count(shape)
        for pair in 0..<count / 2 {
          let (first, second) = units(UInt64(skipped + pair))
          output[2 * pair] = S(transform(first))
          output[2 * pair + 1] = S(transform(second))
        }
        if count % 2 == 1 { output[count - 1] = S(transform(unit(UInt64(2 * skipped + count - 1)))) }
      }
    }
    return dtype == .float32 ? fill(Float.self) : fill(Double.self)
  }
}

/// The inverse of the normal distribution function, from arithmetic alone so that every machine gets the same bits.
package enum NormalDistribution {
  /// Returns the x whose share of the distribution below it is `share`, for 0 < share < 1; relative error about 1e-16.
  ///
  /// - Source: Wichura, algorithm AS 241, Applied Statistics 37 (1988).
  package static func quantile(_ share: Double) -> Double {
    let q = share - 0.5
    if q.magnitude <= 0.425 {
      let r = 0.180625 - q * q
      return q
        * ratio(
          r,
          [
            3.3871328727963666080, 133.14166789178437745, 1971.5909503065514427, 13731.693765509461125,
            45921.953931549871457, 67265.770927008700853, 33430.575583588128105, 2509.0809287301226727,
          ],
          [
            1, 42.313330701600911252, 687.18700749205790830, 5394.1960214247511077, 21213.794301586595867,
            39307.895800092710610, 28729.085735721942674, 5226.4952788528545610,
          ])
    }
    let r = (-logarithm(q < 0 ? share : 1 - share)).squareRoot()
    let value: Double
    if r <= 5 {
      value = ratio(
        r - 1.6,
        [
          1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
          1.27045825245236838258, 0.241780725177450611770, 0.0227238449892691845833, 7.74545014278341407640e-4,
        ],
        [
          1, 2.05319162663775882187, 1.67638483018380384940, 0.689767334985100004550, 0.148103976427480074590,
          0.0151986665636164571966, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
        ])
    } else {
      value = ratio(
        r - 5,
        [
          6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 0.296560571828504891230,
          0.0265321895265761230930, 0.00124266094738807843860, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
        ],
        [
          1, 0.599832206555887937690, 0.136929880922735805310, 0.0148753612908506148525, 7.86869131145613259100e-4,
          1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
        ])
    }
    return q < 0 ? -value : value
  }

  private static func ratio(
    _ x: Double, _ numerator: InlineArray<8, Double>, _ denominator: InlineArray<8, Double>
  ) -> Double {
    var (above, below) = (0.0, 0.0)
    for i in stride(from: 7, through: 0, by: -1) {
      above = above * x + numerator[i]
      below = below * x + denominator[i]
    }
    return above / below
  }

  /// Natural logarithm from arithmetic alone: ln m = 2 artanh((m − 1)/(m + 1)), with m scaled to [√½, √2].
  static func logarithm(_ x: Double) -> Double {
    var (mantissa, exponent) = (x.significand, Int(x.exponent))
    if mantissa > 1.4142135623730951 { (mantissa, exponent) = (mantissa / 2, exponent + 1) }
    let z = (mantissa - 1) / (mantissa + 1)
    let square = z * z
    var series = 0.0
    for k in stride(from: 25, through: 1, by: -2) { series = series * square + 1 / Double(k) }
    return Double(exponent) * 0.6931471805599453 + 2 * z * series
  }
}
