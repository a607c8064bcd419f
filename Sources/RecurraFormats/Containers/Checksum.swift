/// The checksum of zip archives: CRC-32 with the polynomial of IEEE 802.3, eight bytes at a time.
///
/// - Source: Kounavis and Berry 2005, slicing by 8.
struct Checksum {
  private var state: UInt32 = .max

  /// The checksum of what has been added.
  var value: UInt32 { ~state }

  /// The checksum of some bytes.
  static func of(_ bytes: [UInt8]) -> UInt32 {
    var checksum = Checksum()
    checksum.add(bytes)
    return checksum.value
  }

  /// Adds bytes.
  mutating func add(_ bytes: [UInt8]) {
    let table = Self.table
    var state = state
    var index = 0
    while index + 8 <= bytes.count {
      let first = state ^ Self.word(bytes, index)
      let second = Self.word(bytes, index + 4)
      state = Self.entry(table, 7, first, 0) ^ Self.entry(table, 6, first, 8)
      state ^= Self.entry(table, 5, first, 16) ^ Self.entry(table, 4, first, 24)
      state ^= Self.entry(table, 3, second, 0) ^ Self.entry(table, 2, second, 8)
      state ^= Self.entry(table, 1, second, 16) ^ Self.entry(table, 0, second, 24)
      index += 8
    }
    while index < bytes.count {
      state = state >> 8 ^ table[Int((state ^ UInt32(bytes[index])) & 0xFF)]
      index += 1
    }
    self.state = state
  }

  @inline(__always)
  private static func entry(_ table: [UInt32], _ row: Int, _ word: UInt32, _ shift: UInt32) -> UInt32 {
    table[row << 8 | Int(word >> shift & 0xFF)]
  }

  @inline(__always)
  private static func word(_ bytes: [UInt8], _ index: Int) -> UInt32 {
    var word = UInt32(bytes[index])
    word |= UInt32(bytes[index + 1]) << 8
    word |= UInt32(bytes[index + 2]) << 16
    word |= UInt32(bytes[index + 3]) << 24
    return word
  }

  /// Row k has the remainder of each byte with k bytes of zeros behind it.
  private static let table: [UInt32] = {
    var table: [UInt32] = (0..<256).map { byte in
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xEDB8_8320 : value >> 1 }
      return value
    }
    for row in 1..<8 {
      for byte in 0..<256 {
        let before = table[(row - 1) << 8 | byte]
        table.append(before >> 8 ^ table[Int(before & 0xFF)])
      }
    }
    return table
  }()
}
