/// Reads protobuf's numbers of variable length out of some bytes, without making messages of them.
struct VarintReader {
  let bytes: [UInt8]
  /// Where the next number begins.
  var position: Int
  /// Where the bytes end.
  let end: Int

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    (self.bytes, position, end) = (bytes, range.lowerBound, range.upperBound)
  }

  /// Tells whether there are bytes left.
  var isAtEnd: Bool { position >= end }

  /// The next number; nil where the bytes end within it, or it has more than 64 bits.
  mutating func next() -> UInt64? {
    var (value, shift) = (UInt64(0), UInt64(0))
    while position < end, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      if byte & 0x80 == 0 { return value }
      shift += 7
    }
    return nil
  }
}
