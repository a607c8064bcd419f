internal import RecurraLayers
internal import RecurraTensor

/// A 64-bit number that tells data apart, for noticing that a run would go on with others.
///
/// It is written by hand because Swift's own hashing differs from process to process, and a library for one number of
/// data that nobody forges would be one more thing for every user to install.
///
/// - Source: the finaliser of MurmurHash3 (Appleby), applied to each word and the state so far.
struct Fingerprint {
  private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

  mutating func add(_ word: UInt64) {
    state = (state ^ Self.mixed(word)) &* 0xD6E8_FEB8_6659_FD93
    state ^= state >> 32
  }

  /// Takes in type, shape and every element's bits.
  mutating func add(_ tensor: Tensor) {
    for byte in tensor.dtype.rawValue.utf8 { add(UInt64(byte)) }
    add(UInt64(tensor.rank))
    for extent in tensor.shape { add(UInt64(extent)) }
    switch tensor.dtype.representation {
    case .float32: tensor.withSpan(of: Float.self) { for i in $0.indices { add(UInt64($0[i].bitPattern)) } }
    case .float64: tensor.withSpan(of: Double.self) { for i in $0.indices { add($0[i].bitPattern) } }
    default:
      tensor.withSpan(of: Int32.self) { for i in $0.indices { add(UInt64(UInt32(bitPattern: $0[i]))) } }
    }
  }

  /// 16 hexadecimal digits.
  var text: String {
    let digits = String(Self.mixed(state), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private static func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ word >> 33) &* 0xFF51_AFD7_ED55_8CCD
    word = (word ^ word >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return word ^ word >> 33
  }
}

extension TrainingData {
  /// What the data are at first sight: "1000 rows [20, 3] float32".
  var shapeText: String {
    let parts = tensors.map { "\($0.dtype.rawValue) \($0.shape)" }
    let hasSteps = inputs.contains { $0.mask != $0.mask.withoutSteps }
    let masks = inputs.allSatisfy(\.mask.isAll) ? "" : hasSteps ? ", with masks" : ", with lengths"
    return parts.joined(separator: ", ") + masks
  }

  /// A number of all contents, as text.
  var fingerprint: String {
    var fingerprint = Fingerprint()
    for tensor in tensors { fingerprint.add(tensor) }
    for input in inputs {
      for mask in input.mask == input.mask.withoutSteps ? [input.mask] : [input.mask, input.mask.withoutSteps] {
        for length in mask.lengths ?? [] { fingerprint.add(UInt64(length)) }
      }
      for (row, marks) in (input.mask.resetMarks ?? []).enumerated() {
        for mark in marks { fingerprint.add(UInt64(row * max(input.values.shape[1], 1) + mark)) }
      }
      guard input.mask.hasHoles, input.values.rank > 1 else { continue }
      fingerprint.add(input.mask.tensor(rows: count, timesteps: input.values.shape[1], dtype: .int32))
    }
    return fingerprint.text
  }

  private var tensors: [Tensor] {
    inputs.map(\.values) + targets.map(\.values) + targets.compactMap(\.sampleWeights)
  }
}
