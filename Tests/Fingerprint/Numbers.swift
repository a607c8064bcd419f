internal import Recurra

/// Numbers that follow from a name alone, and from no code under test.
///
/// - Source: the names' hash is FNV-1a, the numbers are SplitMix64's (Steele, Lea & Flood 2014).
struct Numbers {
  private var state: UInt64

  init(_ name: String) {
    state = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  private mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// Numbers in -scale ..< scale, with 24 bits each, so that both types hold the same ones before scaling.
  func tensor(_ shape: [Int], scale: Double) -> Tensor {
    var numbers = self
    let values = (0..<shape.reduce(1, *)).map { _ in
      Float(scale * (Double(numbers.next() >> 40) / Double(1 << 23) - 1))
    }
    return Tensor(values, shape: shape)
  }

  /// Whole numbers in 0 ..< limit.
  func ids(_ shape: [Int], below limit: Int) -> Tensor {
    var numbers = self
    return Tensor((0..<shape.reduce(1, *)).map { _ in Int32(numbers.next() % UInt64(limit)) }, shape: shape)
  }
}
