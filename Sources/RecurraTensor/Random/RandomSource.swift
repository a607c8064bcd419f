/// A source of random numbers that is a value: the same seed gives the same numbers on every machine and any thread
/// count.
///
/// Number i of a source is a function of the seed and i alone (Philox4x32-10), so nothing has a hidden state;
/// `stream(_:)` makes independent sources for different purposes.
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
  ///
  /// Every number lies in the range as the tensor holds it: rounding to its type does not lead out. A range in which
  /// the type has no number gives the next one above; a range that reaches beyond the type's finite numbers is cut
  /// there.
  ///
  /// - Shapes: result of shape `shape`.
  /// - Precondition: a floating type and finite ends in order.
  /// - Complexity: ten multiplications for two numbers.
  public func uniform(_ shape: [Int], in range: Range<Double> = 0..<1, dtype: DType = .float32) -> Tensor {
    let (lower, upper) = (range.lowerBound, range.upperBound)
    check(
      lower.isFinite && upper.isFinite && lower <= upper, "uniform", expected: "a range with finite ends in order",
      got: "\(lower) to \(upper)")
    let bounds = DrawnBounds(from: lower, below: upper, dtype)
    let (start, end) = (Swift.max(lower, -bounds.limit), Swift.min(upper, bounds.limit))
    let width = end - start
    // The distance of two numbers may be too large for Double.
    if width.isInfinite { return filled(shape, dtype) { bounds.clamp(start * (1 - $0) + end * $0) } }
    return filled(shape, dtype) { bounds.clamp(start + width * $0) }
  }

  /// Returns numbers of the normal distribution; those beyond the type's finite numbers become the last of these.
  ///
  /// - Shapes: result of shape `shape`.
  /// - Precondition: a floating type, finite mean and deviation.
  /// - Complexity: about fifty operations a number.
  public func normal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    checkMoments(mean, standardDeviation, "normal")
    let bounds = DrawnBounds(from: -.infinity, through: .infinity, dtype)
    return filled(shape, dtype) {
      bounds.clamp(mean + standardDeviation * NormalDistribution.quantile(Swift.max($0, 0x1p-54)))
    }
  }

  /// The numbers of the unit normal distribution of the positions from 2·`skippedPairs` on.
  func normal(_ shape: [Int], skippingPairs skippedPairs: Int, dtype: DType) -> Tensor {
    filled(shape, dtype, skippingPairs: skippedPairs) { NormalDistribution.quantile(Swift.max($0, 0x1p-54)) }
  }

  /// Returns numbers of the normal distribution cut off at two standard deviations from the mean, as Keras does.
  ///
  /// Every number lies within the cut as the tensor holds it, unless the type has none there.
  ///
  /// - Shapes: result of shape `shape`.
  /// - Precondition: a floating type, finite mean and deviation.
  /// - Complexity: about fifty operations a number.
  public func truncatedNormal(
    _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, dtype: DType = .float32
  ) -> Tensor {
    checkMoments(mean, standardDeviation, "truncatedNormal")
    // Φ(−2): the share of the distribution below the cut.
    let below = 0.022750131948179195
    let reach = 2 * standardDeviation.magnitude
    var bounds = DrawnBounds(from: mean - reach, through: mean + reach, dtype)
    if bounds.isEmpty { bounds = DrawnBounds(from: -.infinity, through: .infinity, dtype) }
    return filled(shape, dtype) {
      bounds.clamp(mean + standardDeviation * NormalDistribution.quantile(below + (1 - 2 * below) * $0))
    }
  }

  private func checkMoments(_ mean: Double, _ deviation: Double, _ operation: String) {
    check(
      mean.isFinite && deviation.isFinite, operation, expected: "a finite mean and standard deviation",
      got: "\(mean) and \(deviation)")
  }

  /// Returns 0 ..< count in random order; every order is equally likely.
  ///
  /// - Precondition: a count of 0 or more.
  /// - Complexity: O(count).
  public func permutation(_ count: Int) -> [Int] {
    check(count >= 0, "permutation", expected: "a count of 0 or more", got: "\(count)")
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

/// The first and the last number of a type within a range: rounding a drawn number to its type must not lead beyond
/// them.
private struct DrawnBounds {
  /// The largest finite number of the type.
  let limit: Double
  private let smallest: Double
  private let largest: Double

  init(from lower: Double, below upper: Double, _ dtype: DType) {
    let last = Self.atMost(upper, dtype)
    let isUpper = last == upper
    self.init(
      lower, isUpper && dtype == .float32 ? Double(Float(last).nextDown) : isUpper ? last.nextDown : last, dtype)
  }

  init(from lower: Double, through upper: Double, _ dtype: DType) { self.init(lower, Self.atMost(upper, dtype), dtype) }

  private init(_ lower: Double, _ largest: Double, _ dtype: DType) {
    let limit = dtype == .float32 ? Double(Float.greatestFiniteMagnitude) : .greatestFiniteMagnitude
    self.limit = limit
    smallest = Swift.min(Swift.max(-Self.atMost(-lower, dtype), -limit), limit)
    self.largest = Swift.min(largest, limit)
  }

  /// The largest number of the type that is not above x.
  private static func atMost(_ x: Double, _ dtype: DType) -> Double {
    guard dtype == .float32 else { return x }
    let nearest = Float(x)
    return Double(Double(nearest) > x ? nearest.nextDown : nearest)
  }

  /// Tells whether the type has no number within the range.
  var isEmpty: Bool { smallest > largest }

  /// The number that is nearest to x within the range; where the type has none there, the next one above.
  func clamp(_ x: Double) -> Double { Swift.max(Swift.min(x, largest), smallest) }
}
